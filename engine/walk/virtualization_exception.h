// Conversion of an EPT violation to a #VE (SDM 26.5.7).
// Thread-safety: as the memory's.
#ifndef EPTDIFF_ENGINE_WALK_VIRTUALIZATION_EXCEPTION_H_
#define EPTDIFF_ENGINE_WALK_VIRTUALIZATION_EXCEPTION_H_

#include <cstdint>

#include "engine/bits.h"
#include "engine/memory.h"
#include "engine/types.h"
#include "engine/walk/exit_information.h"

namespace eptdiff::engine {

// What became of a convertible EPT violation.
enum class Conversion : std::uint8_t {
  kNone,  // the information area is busy: the VM exit stands
  kDone,
  kNoMemory,  // the information area is not in memory
};

// Converts the VM exit in `event`, a convertible EPT violation: writes the
// information area (VE-4) and makes `event` a #VE, or the VM exit that the
// exception bitmap asks for (VE-5).
template <HostMemory Memory>
Conversion Convert(Memory& memory, const Controls& controls,
                   const GuestState& guest, Event& event) {
  constexpr std::uint64_t kBusy = bits::Bits(63, 32);
  const Hpa area{controls.ve_information_address};
  const auto at = [area](std::uint64_t offset) {
    return Hpa{area.value + offset};
  };

  std::uint64_t header = 0;
  std::uint64_t last = 0;
  if (!memory.Load(area, header) || !memory.Load(at(32), last)) {
    return Conversion::kNoMemory;
  }
  if ((header & kBusy) != 0) return Conversion::kNone;  // VE-3

  const bool written = memory.Store(area, kBusy | event.exit_reason) &&
                       memory.Store(at(8), event.qualification) &&
                       memory.Store(at(16), event.gla.value) &&
                       memory.Store(at(24), event.gpa.value);
  if (!written) return Conversion::kNoMemory;
  // The area's other bytes may be anybody's.
  const auto with_index = [&controls](std::uint64_t word) {
    return (word & ~bits::Bits(15, 0)) | controls.eptp_index;
  };
  while (!memory.CompareExchange(at(32), last, with_index(last))) {
    if (!memory.Load(at(32), last)) return Conversion::kNoMemory;
  }

  if ((controls.exception_bitmap & 1u << 20) == 0) {
    event.kind = EventKind::kVirtualizationException;
    return Conversion::kDone;
  }
  // A hardware exception with vector 20 and no error code (28.2.2).
  constexpr std::uint32_t kHardwareException = 0x80000314;
  event = Event{};
  event.kind = EventKind::kVmExit;
  event.exit_reason = bits::kExitException;
  event.interruption_information =
      kHardwareException |
      static_cast<std::uint32_t>(NmiUnblocking(controls, guest));
  return Conversion::kDone;
}

}  // namespace eptdiff::engine

#endif  // EPTDIFF_ENGINE_WALK_VIRTUALIZATION_EXCEPTION_H_
