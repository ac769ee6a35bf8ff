#include "engine/walk/invalidation.h"

#include "engine/bits.h"
#include "engine/walk/entry_checks.h"

namespace eptdiff {
namespace {

Event EventOf(EventKind kind) {
  Event event;
  event.kind = kind;
  return event;
}

Event ExitFor(std::uint16_t reason, std::uint64_t qualification) {
  Event event = EventOf(EventKind::kVmExit);
  event.exit_reason = reason;
  event.qualification = qualification;
  return event;
}

bool IsCanonical(Gla gla) {
  return ((gla.value + bits::Bit(56)) & bits::Bits(63, 57)) == 0;
}

// Whether the processor has INVEPT or INVVPID `type`: bit `shift` + type of its
// capabilities (A.10).
bool HasType(const Processor& processor, int shift, std::uint64_t first,
             std::uint64_t last, std::uint64_t type) {
  return first <= type && type <= last &&
         (processor.ept_vpid_cap >> (shift + static_cast<int>(type)) & 1) != 0;
}

bool InvvpidAccepts(std::uint64_t type, std::uint64_t descriptor, Gla gla) {
  constexpr std::uint64_t kAddress = 0, kAllVpids = 2;
  const std::uint64_t vpid = descriptor & bits::Bits(15, 0);
  return descriptor == vpid && (type == kAllVpids || vpid != 0) &&
         (type != kAddress || IsCanonical(gla));
}

bool InvpcidAccepts(const GuestState& guest, std::uint64_t type,
                    std::uint64_t descriptor, Gla gla) {
  constexpr std::uint64_t kAddress = 0, kPcid = 1, kLast = 3;
  const std::uint64_t pcid = descriptor & bits::kCr3PcidBits;
  if (type > kLast || descriptor != pcid) return false;
  if (type > kPcid) return true;
  const bool has_pcids = (guest.cr4 & bits::kCr4Pcide) != 0;
  return (has_pcids || pcid == 0) && (type != kAddress || IsCanonical(gla));
}

}  // namespace

Event CheckInvept(const Processor& processor, std::uint64_t type,
                  std::uint64_t eptp) {
  if ((processor.ept_vpid_cap & bits::kCapInvept) == 0) {
    return EventOf(EventKind::kInvalidOpcode);
  }
  const bool accepted =
      HasType(processor, bits::kCapInveptTypeShift, 1, 2, type) &&
      (type != 1 || CheckEptp(processor, eptp) == EntryCheck::kNone);
  return EventOf(accepted ? EventKind::kCompleted : EventKind::kInvalidOperand);
}

Event CheckInvvpid(const Processor& processor, std::uint64_t type,
                   std::uint64_t descriptor, Gla gla) {
  if ((processor.ept_vpid_cap & bits::kCapInvvpid) == 0) {
    return EventOf(EventKind::kInvalidOpcode);
  }
  const bool accepted =
      HasType(processor, bits::kCapInvvpidTypeShift, 0, 3, type) &&
      InvvpidAccepts(type, descriptor, gla);
  return EventOf(accepted ? EventKind::kCompleted : EventKind::kInvalidOperand);
}

Event CheckInvlpg(const Controls& controls, Gla gla) {
  if ((controls.primary & bits::kPrimaryInvlpg) == 0) return Event{};
  return ExitFor(bits::kExitInvlpg, gla.value);
}

Event CheckInvpcid(const Controls& controls, const GuestState& guest,
                   std::uint64_t type, std::uint64_t descriptor, Gla gla) {
  if ((EffectiveSecondary(controls) & bits::kSecondaryInvpcid) == 0) {
    return EventOf(EventKind::kInvalidOpcode);
  }
  if ((controls.primary & bits::kPrimaryInvlpg) != 0) {
    return ExitFor(bits::kExitInvpcid, 0);
  }
  return EventOf(InvpcidAccepts(guest, type, descriptor, gla)
                     ? EventKind::kCompleted
                     : EventKind::kGeneralProtection);
}

}  // namespace eptdiff
