#include "engine/walk/modelled.h"

#include "engine/bits.h"
#include "engine/walk/entry_checks.h"

namespace eptdiff::engine {

bool ModelsAccesses(const Controls& controls, const GuestState& guest) {
  const std::uint32_t secondary = EffectiveSecondary(controls);
  const bool virtual_apic =
      (secondary & bits::kSecondaryApicAccesses) != 0 &&
      ((controls.primary & bits::kPrimaryTprShadow) != 0 ||
       (secondary &
        (bits::kSecondaryX2apicMode | bits::kSecondaryApicRegisters |
         bits::kSecondaryApicDelivery)) != 0);
  const bool seam =
      (EffectiveTertiary(controls) & bits::kTertiarySeamWidth) != 0;
  const bool fred = (guest.cr4 & bits::kCr4Fred) != 0;
  return !virtual_apic && !seam && !(fred && guest.event_delivery);
}

bool ModelsVmfunc(const Controls& controls) {
  return !HasTraceOutput(controls);
}

bool HasTraceOutput(const Controls& controls) {
  return (EffectiveSecondary(controls) & bits::kSecondaryTraceGuest) != 0;
}

bool HasGuestPhysicalPebs(const Controls& controls) {
  return (EffectiveTertiary(controls) & bits::kTertiaryPebsGuest) != 0;
}

}  // namespace eptdiff::engine
