#include "oracle/builder/diagnosis/page_difference.h"

#include <bit>

namespace eptdiff {
namespace {

constexpr std::uint64_t kUserExecute = 1 << 10;
constexpr std::uint64_t kAccessed = 0x100, kDirty = 0x200;

}  // namespace

bool AreAlike(const PageFacts& one, const PageFacts& other,
              std::uint64_t mask) {
  if (one.mapped != other.mapped) return false;
  return !one.mapped ||
         (one.hpa == other.hpa && ((one.flags ^ other.flags) & mask) == 0);
}

// Who loses bits 51:32 loses them at once, however many of them are 1.
int BitCount(const PageFacts& one, const PageFacts& other, std::uint64_t mask) {
  const std::uint64_t address = one.hpa ^ other.hpa;
  return std::popcount((one.flags ^ other.flags) & mask) +
         std::popcount(address & 0xffffffff) + (address >> 32 != 0 ? 1 : 0);
}

PageDifference DifferenceOf(const PageFacts& found, const PageFacts& asked,
                            std::uint64_t mask) {
  return {asked.flags & ~found.flags & mask, found.flags & ~asked.flags & mask,
          found.hpa ^ asked.hpa, asked.hpa & ~found.hpa, 0};
}

FixedVector<PageBits, kPageBitsCount> KindsOf(
    const PageDifference& difference) {
  FixedVector<PageBits, kPageBitsCount> kinds;
  constexpr PageBits kLost[] = {PageBits::kReadLost, PageBits::kWriteLost,
                                PageBits::kExecuteLost};
  constexpr PageBits kGained[] = {PageBits::kReadGained, PageBits::kWriteGained,
                                  PageBits::kExecuteGained};
  for (int i = 0; i < 3; ++i) {
    if ((difference.lost >> i & 1) != 0) kinds.push_back(kLost[i]);
    if ((difference.gained >> i & 1) != 0) kinds.push_back(kGained[i]);
  }
  const std::uint64_t changed = difference.lost | difference.gained;
  if ((difference.lost & kUserExecute) != 0)
    kinds.push_back(PageBits::kUserExecuteLost);
  if ((difference.gained & kUserExecute) != 0)
    kinds.push_back(PageBits::kUserExecuteGained);
  if ((changed & kTypeBits) != 0) kinds.push_back(PageBits::kMemoryType);
  for (int bit = 3; bit <= 5; ++bit) {
    if ((difference.lost >> bit & 1) != 0) kinds.push_back(TypeBit(bit, false));
    if ((difference.gained >> bit & 1) != 0)
      kinds.push_back(TypeBit(bit, true));
  }
  if ((difference.lost & kIgnorePatBit) != 0)
    kinds.push_back(PageBits::kIgnorePatLost);
  if ((difference.gained & kIgnorePatBit) != 0)
    kinds.push_back(PageBits::kIgnorePatGained);
  if ((difference.lost & kAccessed) != 0)
    kinds.push_back(PageBits::kAccessedLost);
  if ((difference.lost & kDirty) != 0) kinds.push_back(PageBits::kDirtyLost);
  if ((difference.gained & kAccessed) != 0)
    kinds.push_back(PageBits::kAccessedGained);
  if ((difference.gained & kDirty) != 0)
    kinds.push_back(PageBits::kDirtyGained);
  if (difference.address != 0) {
    kinds.push_back(difference.address >> 32 << 32 == difference.address
                        ? PageBits::kHighAddress
                        : PageBits::kAddress);
  }
  if ((changed & kOtherBits) != 0) {
    kinds.push_back(PageBits::kOther);
    if (std::has_single_bit(changed & kOtherBits)) {
      kinds.push_back(OneBit(std::countr_zero(changed & kOtherBits),
                             (difference.gained & kOtherBits) != 0));
    }
  }
  return kinds;
}

Rule RuleOf(PageBits bits) {
  switch (FamilyOf(bits)) {
    case PageBits::kReadLost:
    case PageBits::kReadGained:
      return Rule::kVio2;
    case PageBits::kWriteLost:
    case PageBits::kWriteGained:
      return Rule::kVio3;
    case PageBits::kExecuteLost:
    case PageBits::kExecuteGained:
      return Rule::kVio4;
    case PageBits::kUserExecuteLost:
    case PageBits::kUserExecuteGained:
      return Rule::kVio6;
    case PageBits::kMemoryType:
      return Rule::kMt5;
    case PageBits::kIgnorePatLost:
    case PageBits::kIgnorePatGained:
      return Rule::kMt4;
    case PageBits::kAccessedLost:
    case PageBits::kDirtyLost:
    case PageBits::kAccessedGained:
    case PageBits::kDirtyGained:
      return Rule::kAd4;
    case PageBits::kHighAddress:
    case PageBits::kAddress:
      return Rule::kWalk6;
    default:
      return Rule::kWalk7;
  }
}

Rule RuleOfPage(const PageFacts& found, const PageFacts& asked,
                std::uint64_t mask, const TableFacts& facts) {
  if (!found.mapped) return Rule::kVio1;
  if (!asked.mapped) return facts.mbec ? Rule::kWalk4 : Rule::kWalk3;
  const PageDifference difference = DifferenceOf(found, asked, mask);
  if (difference.address != 0) return Rule::kWalk6;
  const auto kinds = KindsOf(difference);
  if (kinds.empty()) return Rule::kWalk6;
  const Rule rule = RuleOf(kinds[0]);
  return rule == Rule::kVio4 && facts.mbec ? Rule::kVio5 : rule;
}

}  // namespace eptdiff
