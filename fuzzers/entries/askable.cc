#include "fuzzers/entries/askable.h"

#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/guest_mode.h"
#include "fuzzers/entries/registers.h"

namespace eptdiff {
namespace {

using namespace bits;

// None is part of event delivery, and trace output and PEBS go through EPT only
// with their controls.
void MakeSynchronous(const Case& c, Step& step) {
  const bool delivers = c.guest.event_delivery;
  if (delivers) step.access.asynchronous = false;
  if (step.kind != StepKind::kGuestPhysicalAccess) return;
  if (step.access.pebs && !delivers && HasTertiary(c, kTertiaryPebsGuest)) {
    step.access.kind = AccessKind::kWrite;
    step.page.gla_valid = false;
    return;
  }
  step.access.pebs = false;
  if (delivers || !HasSecondary(c, kSecondaryTraceGuest)) {
    step.page.gla_valid = true;
  }
}

}  // namespace

void MakeAskable(Case& c) {
  const std::uint64_t width = Low(c.processor.maxphyaddr);
  for (Step& step : c.steps) {
    switch (step.kind) {
      case StepKind::kGuestPhysicalAccess:
        step.gpa.value &= width;
        MakeSynchronous(c, step);
        break;
      case StepKind::kLinearAccess:
        step.gla.value = Canonical(c.guest, step.access, step.gla.value);
        MakeSynchronous(c, step);
        break;
      case StepKind::kPagingStructureRead:
      case StepKind::kPagingStructureUpdate:
        step.gpa.value &= width;
        break;
      case StepKind::kPdpteLoad:
      case StepKind::kStore:
      case StepKind::kEptpSwitch:
      case StepKind::kTableOperation:
      case StepKind::kRegisterWrite:
      case StepKind::kVmEntry:
      case StepKind::kInvalidation:
        break;
    }
  }
}

}  // namespace eptdiff
