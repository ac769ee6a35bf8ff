#include "engine/walk/saved_state.h"

#include "engine/bits.h"
#include "engine/walk/exit_information.h"

namespace eptdiff {
namespace {

// The event that the case says is being delivered (table 25-20).
enum class EventType : std::uint8_t {
  kExternalInterrupt = 0,
  kNmi = 2,
  kHardwareException = 3,
  kSoftwareInterrupt = 4,
  kPrivilegedSoftwareException = 5,
  kSoftwareException = 6,
};

struct Delivery {
  bool said = false;  // it is an event
  EventType type = EventType::kExternalInterrupt;
  std::uint8_t vector = 0;
  bool error_code = false;

  bool IsSoftware() const {
    return type == EventType::kSoftwareInterrupt ||
           type == EventType::kPrivilegedSoftwareException ||
           type == EventType::kSoftwareException;
  }
};

Delivery DeliveryOf(const GuestState& guest) {
  constexpr std::uint32_t kValid = std::uint32_t{1} << 31;
  constexpr std::uint32_t kErrorCode = std::uint32_t{1} << 11;
  constexpr std::uint8_t kLastException = 31;
  constexpr std::uint8_t kNmiVector = 2;
  const std::uint32_t field = guest.delivered_event;
  if ((field & kValid) == 0) return {};
  Delivery delivery = {.said = true,
                       .type = static_cast<EventType>(field >> 8 & 7),
                       .vector = static_cast<std::uint8_t>(field & 0xff)};
  switch (delivery.type) {
    case EventType::kExternalInterrupt:
    case EventType::kSoftwareInterrupt:
      return delivery;
    case EventType::kNmi:
      delivery.vector = kNmiVector;
      return delivery;
    case EventType::kHardwareException:
      delivery.error_code =
          (field & kErrorCode) != 0 && (guest.cr0 & bits::kCr0Protection) != 0;
      [[fallthrough]];
    case EventType::kPrivilegedSoftwareException:
    case EventType::kSoftwareException:
      return delivery.vector <= kLastException ? delivery : Delivery{};
  }
  return {};
}

constexpr std::uint32_t kBlockingByStiOrMovSs =
    bits::kBlockingBySti | bits::kBlockingByMovSs;
constexpr std::uint32_t kDebugCauses =
    bits::kPendingRegion | bits::kPendingEnabled | bits::kPendingBusLock;

constexpr std::uint64_t kResume = bits::Bit(16);

bool IsOfAnInstruction(std::uint16_t exit_reason) {
  switch (exit_reason) {
    case bits::kExitInvlpg:
    case bits::kExitControlRegister:
    case bits::kExitInvpcid:
    case bits::kExitVmfunc:
      return true;
    default:
      return false;
  }
}

// The blocking by NMI when the exit commences; in event delivery.
bool NmisBlockedInDelivery(const GuestState& guest, const Delivery& delivery) {
  return (guest.interruptibility & bits::kBlockingByNmi) != 0 ||
         (delivery.said && delivery.type == EventType::kNmi);
}

bool NmisBlocked(const Controls& controls, const GuestState& guest,
                 bool of_iret) {
  if (!of_iret) return (guest.interruptibility & bits::kBlockingByNmi) != 0;
  return (controls.pin_based & bits::kPinNmiExiting) != 0 &&
         (controls.pin_based & bits::kPinVirtualNmis) == 0;
}

}  // namespace

SavedState SavedBy(const Event& event, const Controls& controls,
                   const GuestState& guest, bool asynchronous) {
  const bool instruction = IsOfAnInstruction(event.exit_reason);
  const bool of_access =
      !instruction && event.exit_reason != bits::kExitException;
  const bool delivers = of_access && guest.event_delivery;
  const Delivery delivery = delivers ? DeliveryOf(guest) : Delivery{};
  SavedState saved;
  saved.rflags = guest.rflags & ~kResume;

  // Bits 25 and 27 of the exit reason.
  if (of_access && engine::ReportsBusyShadowStack(controls, guest)) {
    saved.exit_reason_flags |= 1u << (25 - 16);
  }
  const std::uint32_t blocking = guest.interruptibility;
  if (!delivers) {
    if (instruction) {
      saved.instruction_length = guest.instruction_length;
    } else {
      saved.rflags |= kResume;
    }
    saved.interruptibility = blocking & kBlockingByStiOrMovSs;
    if (NmisBlocked(controls, guest, guest.nmi_unblocking && !instruction)) {
      saved.interruptibility |= bits::kBlockingByNmi;
    }
    if ((blocking & bits::kBlockingByMovSs) != 0 &&
        !(of_access && asynchronous)) {
      saved.pending_debug = guest.pending_debug & kDebugCauses;
    }
    return saved;
  }

  saved.interruptibility = blocking & bits::kEnclaveInterruption;
  if (saved.interruptibility != 0) {  // an event that VM entry has injected
    saved.exit_reason_flags |= 1u << (27 - 16);
  }
  if (NmisBlockedInDelivery(guest, delivery)) {
    saved.interruptibility |= bits::kBlockingByNmi;
  }
  saved.vectoring_information = std::uint32_t{1} << 31;
  // What the image on the stack has is what the register has, where it can be
  // said at all.
  saved.rflags = guest.rflags;
  if (!delivery.said) return saved;
  saved.vectoring_information |=
      static_cast<std::uint32_t>(delivery.type) << 8 | delivery.vector;
  if (delivery.error_code) {
    saved.vectoring_information |= std::uint32_t{1} << 11;
    saved.vectoring_error_code = guest.delivered_error_code;
  }
  if (delivery.IsSoftware() &&
      event.exit_reason != bits::kExitMisconfiguration) {
    saved.instruction_length = guest.instruction_length;
  }
  return saved;
}

}  // namespace eptdiff
