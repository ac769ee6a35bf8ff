#include "oracle/unmodelled.h"

#include <cstdint>

#include "oracle/step_kinds.h"

namespace eptdiff {
namespace {

bool Bit(std::uint64_t value, int bit) { return (value >> bit & 1) != 0; }

// A step, in the state that it meets.
struct Question {
  const MachineState& state;
  const Step& step;

  bool Is(StepKind kind) const { return step.kind == kind; }
  bool IsVmfunc() const { return step.kind == StepKind::kEptpSwitch; }
  // A MOV to CR, which may load the PDPTE registers.
  bool IsMovToCr() const {
    return Is(StepKind::kRegisterWrite) &&
           (step.reg == GuestRegister::kCr0 ||
            step.reg == GuestRegister::kCr3 || step.reg == GuestRegister::kCr4);
  }
  // An access through EPT.
  bool IsAccess() const {
    return step.kind == StepKind::kRegisterWrite ? IsMovToCr()
                                                 : AccessesMemory(step.kind);
  }

  bool Primary(int bit) const { return Bit(state.controls.primary, bit); }
  bool Secondary(int bit) const {
    return Bit(state.controls.primary, 31) &&
           Bit(state.controls.secondary, bit);
  }
  bool Tertiary(int bit) const {
    return Bit(state.controls.primary, 17) && Bit(state.controls.tertiary, bit);
  }
  bool Cr4(int bit) const { return Bit(state.guest.cr4, bit); }
  bool DeliversEvent() const { return state.guest.event_delivery; }
};

}  // namespace

Skip UnmodelledBy(const MachineState& state, const Step& step) {
  const Question q{state, step};
#define EPTDIFF_UNMODELLED(enumerator, words, section, condition) \
  if (condition) return Skip::enumerator;
#include "oracle/unmodelled.def"
#undef EPTDIFF_UNMODELLED
  return Skip::kNone;
}

}  // namespace eptdiff
