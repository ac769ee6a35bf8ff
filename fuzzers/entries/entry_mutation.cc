#include "fuzzers/entries/entry_mutation.h"

#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/ept_layout.h"
#include "fuzzers/entries/registers.h"

namespace eptdiff {
namespace {

using bits::Bit;

constexpr std::uint64_t kAllPermissions =
    bits::kPermissions | bits::kUserExecute;

// One bit of first to last.
std::uint64_t OneOf(Random& random, unsigned first, unsigned last) {
  return Bit(first + random.Below(last - first + 1));
}

std::uint64_t WithPermissions(std::uint64_t value, std::uint64_t permissions) {
  return (value & ~kAllPermissions) | permissions;
}

bool IsLeaf(std::uint64_t value, int level) {
  return level == 1 || (level <= 3 && (value & bits::kLeaf) != 0);
}

// A bit of those that some entry, mode or width takes as reserved; more often
// the first or last of them, where off-by-one errors live.
std::uint64_t FlipReserved(Random& random, std::uint64_t value, int level,
                           unsigned maxphyaddr) {
  if (maxphyaddr < 52 && random.OneIn(2)) {
    return value ^
           (random.OneIn(2) ? Bit(maxphyaddr) : OneOf(random, maxphyaddr, 51));
  }
  if (!IsLeaf(value, level)) return value ^ OneOf(random, 3, 7);
  if (level > 1 && random.Percent(70)) {
    const unsigned last = level == 3 ? 29 : 20;
    if (random.OneIn(2)) return value ^ (random.OneIn(2) ? Bit(12) : Bit(last));
    return value ^ OneOf(random, 12, last);
  }
  static constexpr std::uint64_t kInvalidTypes[] = {2, 3, 7};
  return (value & ~bits::kTypeMask) | random.Pick(kInvalidTypes)
                                          << bits::kTypeShift;
}

std::uint64_t FlipIgnored(Random& random, std::uint64_t value) {
  static constexpr unsigned kIgnored[] = {8,  9,  10, 11, 52, 53, 54, 55, 56,
                                          57, 58, 59, 60, 61, 62, 63, 63, 61};
  return value ^ Bit(random.Pick(kIgnored));
}

}  // namespace

std::uint64_t MutateEntry(Random& random, std::uint64_t value, int level,
                          unsigned maxphyaddr) {
  switch (random.Below(16)) {
    case 0:
      return WithPermissions(value, 0);
    case 1:  // write-only and the like: never allowed
      return WithPermissions(value, random.OneIn(2)
                                        ? bits::kWrite
                                        : bits::kWrite | bits::kExecute);
    case 2:  // execute-only: a capability decides
      return WithPermissions(value, bits::kExecute);
    case 3:  // present only under mode-based execute control
      return WithPermissions(
          value, bits::kUserExecute | (random.OneIn(3) ? bits::kExecute : 0));
    case 4:
    case 5:
      return FlipReserved(random, value, level, maxphyaddr);
    case 6:
      return value ^ bits::kLeaf;
    case 7:
    case 8:
    case 9:
      return value & ~OneOf(random, 0, 2);
    case 10:
    case 11:
    case 12:
      return FlipIgnored(random, value);
    case 13:
      return value ^ OneOf(random, 8, 9);
    case 14:  // another table or page, next door or far away
      return value ^ OneOf(random, 12, maxphyaddr - 1);
    default:
      return value ^ Bit(random.Below(64));
  }
}

std::uint64_t MendEntry(const Case& c, std::uint64_t value, int level,
                        bool leaf) {
  const std::uint64_t width = bits::Low(PhysicalWidth(c)) | ~bits::Low(52);
  const std::uint64_t flags = value & (bits::kAccessed | bits::kDirty);
  value = (value & width & ~bits::Low(12)) | kAllPermissions | flags;
  if (!leaf) return value;
  value &= ~(bits::Low(PageShift(level)) & ~bits::Low(12));
  return value | bits::kWriteBack << bits::kTypeShift |
         (level > 1 ? bits::kLeaf : 0);
}

std::uint64_t MutateSppEntry(Random& random, std::uint64_t value, int level,
                             unsigned maxphyaddr) {
  if (level == 1) {
    // Even bits permit, odd bits are reserved.
    return value ^ (random.OneIn(3) ? Bit(2 * random.Below(32) + 1)
                                    : Bit(2 * random.Below(32)));
  }
  switch (random.Below(4)) {
    case 0:
      return value & ~Bit(0);
    case 1:
      return value ^ OneOf(random, 1, 11);
    case 2:
      return value ^ OneOf(random, maxphyaddr, 63);
    default:
      return value ^ Bit(random.Below(64));
  }
}

}  // namespace eptdiff
