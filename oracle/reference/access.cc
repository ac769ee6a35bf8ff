#include "oracle/reference/access.h"

#include <array>

#include "oracle/reference/apic_access.h"
#include "oracle/reference/draft.h"
#include "oracle/reference/page.h"

namespace eptdiff {

namespace {

void JudgeOnePage(Examiner& x, const PageAccess& access, Effects& effects,
                  Verdict& verdict) {
  Page page;
  JudgePage(x, access, effects, page);
  AddExits(x, page, nullptr, effects, verdict);
  if (!page.MayBeAllowed()) return;
  if (ExitsBeforeFlags(x, page, effects, verdict)) return;
  if (SetFlagsOrExit(x, page, effects, verdict) &&
      MayPassApicPage(x, &page, 1, effects, verdict)) {
    AddCompletion(&page, 1, effects, verdict);
  }
}

// Either page may be looked at first; no byte is accessed unless both allow,
// but flags and log entries of the page that allows may stay.
void JudgeTwoPages(Examiner& x, const PageAccesses& accesses,
                   const Effects& untouched, Verdict& verdict) {
  std::array<Page, 2> pages;
  for (std::size_t i = 0; i < pages.size(); ++i) {
    JudgePage(x, accesses[i], untouched, pages[i]);
    pages[i].kept = x.s;
  }
  const std::size_t order[2][2] = {{0, 1}, {1, 0}};
  bool completed = false;
  for (const auto& [first, second] : order) {
    AddExits(x, pages[first], &pages[second], untouched, verdict);
    if (!pages[first].MayBeAllowed()) continue;
    Draft effects(verdict, untouched);
    if (!SetFlagsOrExit(x, pages[first], *effects, verdict)) continue;
    const bool unchanged = effects->required.empty();
    if (!unchanged) AddExits(x, pages[second], nullptr, *effects, verdict);
    if (!pages[second].MayBeAllowed()) continue;
    if (!SetFlagsOrExit(x, pages[second], *effects, verdict)) continue;
    // Without a log entry, both orders come to the same.
    const bool logged = !(effects->registers == untouched.registers);
    if (completed && !logged) continue;
    completed = true;
    if (!MayPassApicPage(x, pages.data(), pages.size(), *effects, verdict)) {
      continue;
    }
    AddCompletion(pages.data(), pages.size(), *effects, verdict);
  }
}

}  // namespace

void JudgeAccess(Examiner& x, const PageAccesses& accesses, Verdict& verdict) {
  Draft untouched(verdict);
  untouched->registers = RegistersOf(x.state());
  if (x.Ask(Slot::kVio14, accesses.size()) >= 2) {
    JudgeTwoPages(x, accesses, *untouched, verdict);
  } else {
    JudgeOnePage(x, accesses[0], *untouched, verdict);
  }
}

}  // namespace eptdiff
