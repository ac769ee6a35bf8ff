#include "oracle/reference/saved_state.h"

namespace eptdiff {
namespace {

// Bit `position` of a field, as its slot answers.
template <typename T>
void SetBit(int position, std::uint64_t answer, T& value, T& defined) {
  const T bit = static_cast<T>(T{1} << position);
  if (answer == kUndefinedBit) {
    defined &= static_cast<T>(~bit);
  } else if (answer != 0) {
    value |= bit;
  }
}

void DescribeReason(Examiner& x, std::uint16_t reason, Alternative& exit) {
  std::uint16_t& value = exit.saved.exit_reason_flags;  // from bit 16 on
  std::uint16_t& defined = exit.saved_defined.exit_reason_flags;
  defined = 0xffff;
  SetBit(25 - 16, x.Ask(Slot::kHand1Busy, reason), value, defined);
  SetBit(26 - 16, x.Ask(Slot::kHand1BusLock, reason), value, defined);
  SetBit(27 - 16, x.Ask(Slot::kHand1Enclave, reason), value, defined);
}

// 28.2.4.
void DescribeVectoring(Examiner& x, std::uint16_t reason, Alternative& exit) {
  constexpr std::uint32_t kValid = 0x80000000;
  constexpr std::uint32_t kEvent = 0xfff;
  constexpr std::uint32_t kUndefined = 0x1000;  // bit 12
  std::uint32_t& value = exit.saved.vectoring_information;
  std::uint32_t& defined = exit.saved_defined.vectoring_information;
  defined = kValid;
  if (!x.Ask(Slot::kHand2Valid, reason)) return;
  value = kValid;
  defined = ~(kUndefined | kEvent);
  if (!x.s.SaysEvent()) return;
  defined |= kEvent;
  value |= static_cast<std::uint32_t>(x.Ask(Slot::kHand2Event, reason));
  if (!x.Ask(Slot::kHand3Valid, reason)) return;
  constexpr std::uint32_t kErrorCodeValid = 0x800;
  value |= kErrorCodeValid;
  exit.saved.vectoring_error_code =
      static_cast<std::uint32_t>(x.Ask(Slot::kHand3Code, reason));
  exit.saved_defined.vectoring_error_code = ~std::uint32_t{0};
}

// 28.2.5. Defined by the SDM, it is nothing to compare with if the case does
// not say the length.
void DescribeInstruction(Examiner& x, std::uint16_t reason, Alternative& exit) {
  if (x.state().guest.instruction_length == 0) return;
  const std::uint64_t length = x.Ask(Slot::kHand4, reason);
  if (length == kUndefinedLength) return;
  exit.saved.instruction_length = static_cast<std::uint32_t>(length);
  exit.saved_defined.instruction_length = ~std::uint32_t{0};
}

void DescribeInterruptibility(Examiner& x, std::uint16_t reason,
                              Alternative& exit) {
  std::uint32_t& value = exit.saved.interruptibility;
  std::uint32_t& defined = exit.saved_defined.interruptibility;
  defined = ~std::uint32_t{0};
  value = static_cast<std::uint32_t>(x.Ask(Slot::kHand5, reason));
  SetBit(3, x.Ask(Slot::kHand6, reason), value, defined);
}

void DescribeRflags(Examiner& x, std::uint16_t reason, Alternative& exit) {
  constexpr int kRf = 16;
  std::uint64_t& value = exit.saved.rflags;
  std::uint64_t& defined = exit.saved_defined.rflags;
  defined = ~std::uint64_t{0};
  value = x.state().guest.rflags & ~(std::uint64_t{1} << kRf);
  SetBit(kRf, x.Ask(Slot::kHand7, reason), value, defined);
}

// 28.3.4: of those that are pending, bits 3:0 "may be set", bit 14 is
// "implementation-specific" unless RFLAGS.TF is 0, and the instruction may have
// added others; reserved bits are cleared.
void DescribePendingDebug(Examiner& x, std::uint16_t reason,
                          Alternative& exit) {
  constexpr std::uint64_t kBreakpoints = 0xf;
  constexpr std::uint64_t kCauses = 0x11800;  // bits 16, 12 and 11
  constexpr std::uint64_t kSingleStep = 0x4000;
  std::uint64_t& value = exit.saved.pending_debug;
  std::uint64_t& defined = exit.saved_defined.pending_debug;
  switch (static_cast<PendingDebug>(x.Ask(Slot::kHand8, reason))) {
    case PendingDebug::kClear:
      defined = ~std::uint64_t{0};
      break;
    case PendingDebug::kPending: {
      const bool stepping = sdm::Bit(x.state().guest.rflags, 8);
      value = x.Ask(Slot::kHand8Value, reason) & kCauses;
      defined = (x.state().guest.pending_debug & kCauses) |
                ~(kBreakpoints | kCauses | kSingleStep);
      if (!stepping) defined |= kSingleStep;
      break;
    }
    case PendingDebug::kUndefined:
      break;
  }
}

}  // namespace

void DescribeSavedState(Examiner& x, Verdict& verdict) {
  x.s.level = 0;
  x.s.linear.level = 0;
  for (Alternative& exit : verdict.alternatives) {
    if (exit.event.kind != EventKind::kVmExit) continue;
    const std::uint16_t reason = exit.event.exit_reason;
    DescribeReason(x, reason, exit);
    DescribeVectoring(x, reason, exit);
    DescribeInstruction(x, reason, exit);
    DescribeInterruptibility(x, reason, exit);
    DescribeRflags(x, reason, exit);
    DescribePendingDebug(x, reason, exit);
  }
}

}  // namespace eptdiff
