#include "oracle/reference/access.h"

#include <array>

#include "oracle/reference/page.h"

namespace eptdiff {

void JudgeAccess(Examiner& x, const PageAccesses& accesses, Verdict& verdict) {
  Alternative untouched;
  untouched.registers = RegistersOf(x.state());
  std::array<Page, 2> pages;
  const std::size_t count = x.Ask(Slot::kVio14, accesses.size()) >= 2 ? 2 : 1;
  for (std::size_t i = 0; i < count; ++i) {
    JudgePage(x, accesses[i], untouched, pages[i]);
  }
  if (count == 1) {
    AddExits(x, pages[0], nullptr, untouched, verdict);
    if (!pages[0].MayBeAllowed()) return;
    Alternative effects = untouched;
    if (SetFlagsOrExit(x, pages[0], effects, verdict)) {
      AddCompletion(pages.data(), count, effects, verdict);
    }
    return;
  }
  // Two pages: either may be looked at first; no byte is accessed unless both
  // allow, but flags and log entries of the page that allows may stay.
  const std::size_t order[2][2] = {{0, 1}, {1, 0}};
  bool completed = false;
  for (const auto& [first, second] : order) {
    AddExits(x, pages[first], &pages[second], untouched, verdict);
    if (!pages[first].MayBeAllowed()) continue;
    Alternative effects = untouched;
    if (!SetFlagsOrExit(x, pages[first], effects, verdict)) continue;
    const bool unchanged = effects.required.empty();
    if (!unchanged) AddExits(x, pages[second], nullptr, effects, verdict);
    if (!pages[second].MayBeAllowed()) continue;
    if (!SetFlagsOrExit(x, pages[second], effects, verdict)) continue;
    // Without a log entry, both orders come to the same.
    const bool logged = !(effects.registers == untouched.registers);
    if (completed && !logged) continue;
    AddCompletion(pages.data(), count, effects, verdict);
    completed = true;
  }
}

}  // namespace eptdiff
