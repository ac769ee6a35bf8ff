#include "fuzzers/entries/guest_entry_mutation.h"

#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/guest_mode.h"

namespace eptdiff {
namespace {

using namespace bits;

// One bit of first to last.
std::uint64_t OneOf(Random& random, unsigned first, unsigned last) {
  return Bit(first + random.Below(last - first + 1));
}

// The bits that some entry of this mode, level and kind reserves; those that
// a feature or a capability reserves included.
std::uint64_t Reserved(const Case& c, GuestPagingMode mode, int level,
                       bool leaf) {
  const unsigned n = c.processor.maxphyaddr;
  if (mode == GuestPagingMode::k32Bit) {
    return leaf && level == 2 ? Low(22) & ~Low(13) : 0;
  }
  std::uint64_t reserved =
      Low(mode == GuestPagingMode::kPae ? 63 : 52) & ~Low(n);
  if (leaf && level > 1) {
    reserved |= Low(GuestPageShift(mode, level)) & ~Low(13);
  }
  if (level > 3) reserved |= kGuestLarge;
  if ((c.guest.efer & kEferNxe) == 0) reserved |= kGuestNoExecute;
  return reserved;
}

// One of the set bits of `mask`; the first and the last more often than the
// others, for that is where off-by-one errors live. 0 if there is none.
std::uint64_t BitOf(Random& random, std::uint64_t mask) {
  if (mask == 0) return 0;
  unsigned set = 0;
  for (std::uint64_t m = mask; m != 0; m &= m - 1) ++set;
  unsigned number = random.Below(set);
  if (random.OneIn(2)) number = random.OneIn(2) ? 0 : set - 1;
  while (number-- > 0) mask &= mask - 1;
  return mask & ~(mask - 1);
}

std::uint64_t FlipIgnored(Random& random, GuestPagingMode mode,
                          std::uint64_t value) {
  if (mode == GuestPagingMode::k32Bit || random.OneIn(2)) {
    return value ^ OneOf(random, 8, 11);
  }
  return value ^ OneOf(random, 52, 62);
}

std::uint64_t FlipCaching(Random& random, std::uint64_t value, int level) {
  const std::uint64_t pat = level == 1 ? kGuestSmallPat : kGuestLargePat;
  const std::uint64_t choices[] = {kGuestPwt, kGuestPcd, pat};
  return value ^ random.Pick(choices);
}

}  // namespace

std::uint64_t MutateGuestEntry(Random& random, const Case& c,
                               std::uint64_t value, int level) {
  const GuestPagingMode mode = GuestModeOf(c.guest);
  const bool leaf = GuestMapsPage(c.guest, mode, level, value);
  const unsigned bits = 8 * ShapeOf(mode).entry_bytes;
  switch (random.Below(20)) {
    case 0:
      return value & ~kGuestPresent;
    case 1:
    case 2:
    case 3:
      return value ^ BitOf(random, Reserved(c, mode, level, leaf));
    case 4:
    case 5:
      return value ^ kGuestWritable;
    case 6:
    case 7:
      return value ^ kGuestUser;
    case 8:  // a shadow-stack page, or one no longer
      return (value ^ kGuestWritable) | kGuestDirty;
    case 9:
      return bits == 64 ? value ^ kGuestNoExecute : value ^ kGuestUser;
    case 10:
    case 11:
      return value ^ kGuestAccessed;
    case 12:
      return value ^ kGuestDirty;
    case 13:
      return level > 1 ? value ^ kGuestLarge : FlipCaching(random, value, 1);
    case 14:
      return FlipCaching(random, value, level);
    case 15:  // another protection key
      return bits == 64 ? value ^ OneOf(random, kGuestKeyShift, 62)
                        : value ^ OneOf(random, 9, 11);
    case 16:
      return FlipIgnored(random, mode, value);
    case 17:  // another table or page, next door or far away
      return value ^
             OneOf(random, 12, bits == 64 ? c.processor.maxphyaddr - 1u : 31);
    case 18:
      return value ^ (IsIa32e(mode) ? kGuestRestart : kGuestGlobal);
    default:
      return value ^ Bit(random.Below(bits));
  }
}

std::uint64_t WithoutReserved(const Case& c, std::uint64_t value, int level) {
  const GuestPagingMode mode = GuestModeOf(c.guest);
  const bool leaf = GuestMapsPage(c.guest, mode, level, value);
  return value & ~Reserved(c, mode, level, leaf);
}

std::uint64_t MendGuestEntry(const Case& c, std::uint64_t value, int level) {
  value &= ~(kGuestNoExecute | kGuestRestart);
  return WithoutReserved(c, value, level) | kGuestPresent | kGuestWritable |
         kGuestUser;
}

}  // namespace eptdiff
