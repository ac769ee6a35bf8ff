// What tags that which is kept of translations (29.4.1, 29.4.2; 3A 4.10.1).
// Thread-safety: pure functions.
#ifndef EPTDIFF_ORACLE_REFERENCE_RULES_CACHE_TAGS_H_
#define EPTDIFF_ORACLE_REFERENCE_RULES_CACHE_TAGS_H_

#include <cstdint>

#include "oracle/case.h"
#include "oracle/reference/rules/bits.h"

namespace eptdiff::sdm {

// EPTP bits 51:12, where they stand.
inline std::uint64_t EptrtaOf(std::uint64_t eptp) {
  return Field(eptp, 51, 12);
}

inline bool EnablesVpid(const Controls& controls) {
  return Bit(controls.primary, 31) && Bit(controls.secondary, 5);
}

// The current VPID (29.1).
inline std::uint16_t VpidOf(const Controls& controls) {
  return EnablesVpid(controls) ? controls.vpid : std::uint16_t{0};
}

// The current PCID.
inline std::uint16_t PcidOf(const GuestState& guest) {
  return Bit(guest.cr4, 17) ? static_cast<std::uint16_t>(Bits(guest.cr3, 11, 0))
                            : std::uint16_t{0};
}

}  // namespace eptdiff::sdm

#endif  // EPTDIFF_ORACLE_REFERENCE_RULES_CACHE_TAGS_H_
