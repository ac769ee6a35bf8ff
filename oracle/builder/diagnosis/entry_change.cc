#include "oracle/builder/diagnosis/entry_change.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kUserExecute = 1 << 10;
constexpr std::uint64_t kMemoryType = 0x38, kIgnorePat = 0x40;
constexpr std::uint64_t kAddressBits = 0x000ffffffffff000;

}  // namespace

ChangeSet ChangesOf(const TableFacts& facts, std::uint64_t before,
                    std::uint64_t after, int level) {
  if (!IsPresent(facts, before)) return 0;
  const bool was_page = IsLeaf(before, level);
  if (!IsPresent(facts, after)) {
    return SetOf(was_page ? Change::kPageRemoved : Change::kTableRemoved);
  }
  const bool is_page = IsLeaf(after, level);
  if (was_page && !is_page) return SetOf(Change::kSplit);
  if (!was_page && is_page) return SetOf(Change::kMerged);
  if (!is_page) {
    return AddressIn(before) != AddressIn(after) ? SetOf(Change::kTableRemoved)
                                                 : 0;
  }
  ChangeSet changes = 0;
  const std::uint64_t lost = before & ~after, gained = after & ~before;
  const std::uint64_t execute = 4 | (RightsMask(facts) & kUserExecute);
  if ((lost & 1) != 0) changes |= SetOf(Change::kReadRemoved);
  if ((lost & 2) != 0) changes |= SetOf(Change::kWriteRemoved);
  if ((lost & execute) != 0) changes |= SetOf(Change::kExecuteRemoved);
  if ((gained & RightsMask(facts)) != 0) changes |= SetOf(Change::kRightAdded);
  const std::uint64_t changed = lost | gained;
  if ((changed & (kMemoryType | kIgnorePat)) != 0) {
    changes |= SetOf(Change::kTypeChanged);
  }
  if ((changed & kAddressBits) != 0) changes |= SetOf(Change::kMoved);
  if ((lost & kAccessedDirty) != 0) changes |= SetOf(Change::kFlagsCleared);
  if ((changed & ~(RightsMask(facts) | kMemoryType | kIgnorePat | kAddressBits |
                   kAccessedDirty)) != 0) {
    changes |= SetOf(Change::kOther);
  }
  return changes;
}

Deed DeedOf(const TableFacts& facts, std::uint64_t before, std::uint64_t after,
            int level) {
  const bool was = IsPresent(facts, before), is = IsPresent(facts, after);
  const bool was_page = was && IsLeaf(before, level);
  const bool is_page = is && IsLeaf(after, level);
  if (!was) return !is ? Deed::kNone : is_page ? Deed::kAdds : Deed::kLinks;
  if (!is) return was_page ? Deed::kRemoves : Deed::kUnlinks;
  if (was_page) return is_page ? Deed::kAlters : Deed::kSplits;
  return is_page ? Deed::kMerges : Deed::kKeeps;
}

}  // namespace eptdiff
