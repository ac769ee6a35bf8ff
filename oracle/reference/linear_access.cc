#include "oracle/reference/linear_access.h"

#include <array>
#include <cstddef>

#include "oracle/reference/apic_access.h"
#include "oracle/reference/draft.h"
#include "oracle/reference/page.h"

namespace eptdiff {
namespace {

// Guest flags that may be set by then are, once the access is. EPT's that were
// kept stay open.
void RequireGuestFlags(Effects& effects) {
  std::size_t open = 0;
  for (const BitWrite& write : effects.optional) {
    if (write.why.rule == Rule::kCache10) {
      effects.optional[open++] = write;
    } else {
      effects.required.push_back(write);
    }
  }
  while (effects.optional.size() > open) effects.optional.pop_back();
}

// One page, whole: its guest walk, then the final access with its flags and
// log. Adds every other end to `verdict`; returns whether there may be none.
// `walked`, if wanted, are the effects without those of the final access.
struct Whole {
  Page page;
  bool types_defined = true;
  bool dirty_was_open = false;
};
bool Translate(Examiner& x, const LinearPart& part, Effects& effects,
               Verdict& verdict, Whole& whole, Effects* walked = nullptr) {
  BeginLinear(x, part);
  if (part.separation != SeparationOfWrap::kPasses) {
    Alternative& alternative = AddAfter(effects, verdict);
    alternative.decided = part.separated_by;
    alternative.event.kind = EventKind::kGeneralProtection;
    if (part.separation == SeparationOfWrap::kByPage) return false;
  }
  GuestTranslation translation;
  const bool goes_on = WalkGuest(x, part, effects, verdict, translation);
  whole.dirty_was_open |= translation.dirty_was_open;
  if (!goes_on) return false;
  Page& page = whole.page;
  JudgePage(x, translation.final_access, effects, page);
  if (walked != nullptr || x.s.VirtualizeApicAccesses()) page.kept = x.s;
  page.translation.guest_structure_types = translation.structure_types;
  whole.types_defined = translation.structure_types_defined;
  AddExits(x, page, nullptr, effects, verdict);
  if (!page.MayBeAllowed()) return false;
  if (walked != nullptr) *walked = effects;
  if (!part.split && ExitsBeforeFlags(x, page, effects, verdict)) return false;
  if (!SetFlagsOrExit(x, page, effects, verdict)) return false;
  RequireGuestFlags(effects);
  return true;
}

// Both return whether LinearPart::dirties_read_only decided anything.
bool JudgeTwoPages(Examiner& x, const LinearParts& parts,
                   const Effects& untouched, Verdict& verdict) {
  const std::size_t order[2][2] = {{0, 1}, {1, 0}};
  bool completed = false;
  std::array<Whole, 2> wholes;
  for (const auto& [first, second] : order) {
    Draft effects(verdict, untouched);
    Draft walked(verdict);
    if (!Translate(x, parts[first], *effects, verdict, wholes[first],
                   &*walked)) {
      continue;
    }
    // The other page may fault or exit before the final access to this one is
    // carried out: its dirty flags and log entry are not there then.
    if (walked->required.size() != effects->required.size()) {
      PermitAccessedFlagsOf(x, wholes[first].page, *walked, verdict);
      Translate(x, parts[second], *walked, verdict, wholes[second]);
    }
    if (!Translate(x, parts[second], *effects, verdict, wholes[second])) {
      continue;
    }
    // Without a log entry, both orders come to the same.
    const bool logged = !(effects->registers == untouched.registers);
    if (completed && !logged) continue;
    completed = true;
    const Page pages[] = {wholes[0].page, wholes[1].page};
    if (!MayPassApicPage(x, pages, 2, *effects, verdict)) continue;
    AddCompletion(pages, 2, *effects, verdict);
    verdict.alternatives.back().guest_structure_types_defined =
        wholes[0].types_defined && wholes[1].types_defined;
  }
  return wholes[0].dirty_was_open || wholes[1].dirty_was_open;
}

bool JudgePages(Examiner& x, const LinearParts& parts, Verdict& verdict) {
  Draft untouched(verdict);
  untouched->registers = RegistersOf(x.state());
  if (x.Ask(Slot::kVio14, parts.size()) >= 2) {
    return JudgeTwoPages(x, parts, *untouched, verdict);
  }
  Whole whole;
  if (Translate(x, parts[0], *untouched, verdict, whole) &&
      MayPassApicPage(x, &whole.page, 1, *untouched, verdict)) {
    AddCompletion(&whole.page, 1, *untouched, verdict);
    verdict.alternatives.back().guest_structure_types_defined =
        whole.types_defined;
  }
  return whole.dirty_was_open;
}

}  // namespace

void JudgeLinearAccess(Examiner& x, const LinearParts& parts,
                       Verdict& verdict) {
  if (!JudgePages(x, parts, verdict)) return;
  // The other processor.
  LinearParts others = parts;
  for (LinearPart& part : others) part.dirties_read_only = false;
  JudgePages(x, others, verdict);
}

}  // namespace eptdiff
