// VM exits by their basic exit reasons, and exceptions by their vectors, as far
// as steps end in them; and memory by its address.
#ifndef EPTDIFF_ORACLE_PROCESSOR_IMAGE_EXITS_H_
#define EPTDIFF_ORACLE_PROCESSOR_IMAGE_EXITS_H_

#include <cstdint>

#include "engine/types.h"

namespace eptdiff::image {

// Appendix C.
enum Reason : std::uint16_t {
  kException = 0,
  kExternalInterrupt = 1,
  kTripleFault = 2,
  kInvlpg = 14,
  kInvalidGuestState = 33,
  kMonitorTrap = 37,
  kApicAccess = 44,
  kEptViolation = 48,
  kEptMisconfiguration = 49,
  kTimer = 52,
  kInvpcid = 58,
  kVmfunc = 59,
  kPmlFull = 62,
  kSppEvent = 66,
};

// Of the secondary controls.
inline constexpr int kSecondaryPml = 17, kSecondaryVe = 18;

enum Vector : unsigned {
  kDebug = 1,
  kBreakpoint = 3,
  kUndefined = 6,
  kNotPresent = 11,
  kProtection = 13,
  kPageFault = 14,
  kVirtualization = 20,
};

// Memory is mapped one to one (boot.S).
inline volatile std::uint64_t& WordAt(Hpa address) {
  return *reinterpret_cast<volatile std::uint64_t*>(address.value);
}
inline std::uint8_t* BytesAt(Hpa address) {
  return reinterpret_cast<std::uint8_t*>(address.value);
}

}  // namespace eptdiff::image

#endif  // EPTDIFF_ORACLE_PROCESSOR_IMAGE_EXITS_H_
