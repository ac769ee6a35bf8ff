#include "fuzzers/entries/registers.h"

#include <algorithm>

#include "fuzzers/entries/bits.h"

namespace eptdiff {

using namespace bits;

bool PagingIsOn(const Case& c) { return (c.guest.cr0 & kCr0Pg) != 0; }

bool UsesPae(const Case& c) {
  return PagingIsOn(c) && (c.guest.cr4 & kCr4Pae) != 0 &&
         (c.guest.efer & kEferLma) == 0;
}

bool Is64BitMode(const Case& c) {
  return (c.guest.efer & kEferLma) != 0 && c.guest.cs_l;
}

bool HasSecondary(const Case& c, std::uint32_t control) {
  return (c.controls.primary & kPrimarySecondary) != 0 &&
         (c.controls.secondary & control) == control;
}

bool HasTertiary(const Case& c, std::uint64_t control) {
  return (c.controls.primary & kPrimaryTertiary) != 0 &&
         (c.controls.tertiary & control) == control;
}

int EptLevels(const Case& c) {
  return (c.controls.eptp & kWalkLengthMask) == kFiveLevels ? 5 : 4;
}

unsigned PhysicalWidth(const Case& c) {
  return static_cast<unsigned>(
      std::max(32, c.processor.maxphyaddr - c.processor.keyid_bits));
}

}  // namespace eptdiff
