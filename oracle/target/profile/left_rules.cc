#include "oracle/target/profile/left_rules.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace eptdiff {
namespace {

struct Left {
  std::uint32_t leaves;
  Slot slot;
};
constexpr Left kLeft[] = {
    {EPTDIFF_LEAVES_EPT_RIGHTS, Slot::kVio2},
    {EPTDIFF_LEAVES_EPT_RIGHTS, Slot::kVio3},
    {EPTDIFF_LEAVES_EPT_RIGHTS, Slot::kVio4},
    {EPTDIFF_LEAVES_EPT_RIGHTS, Slot::kVio5},
    {EPTDIFF_LEAVES_EPT_RIGHTS, Slot::kVio6},
    {EPTDIFF_LEAVES_EPT_RIGHTS, Slot::kVio12},
    {EPTDIFF_LEAVES_EPT_RIGHTS, Slot::kVio13},
    {EPTDIFF_LEAVES_EPT_RIGHTS, Slot::kSpp4},
    {EPTDIFF_LEAVES_EPT_RIGHTS, Slot::kSpp5Entry},
    {EPTDIFF_LEAVES_EPT_RIGHTS, Slot::kSpp5Vector},
    {EPTDIFF_LEAVES_EPT_RIGHTS, Slot::kSpp7},
    {EPTDIFF_LEAVES_EPT_RESERVED_BITS, Slot::kCfg5},
    {EPTDIFF_LEAVES_EPT_RESERVED_BITS, Slot::kCfg6},
    {EPTDIFF_LEAVES_EPT_RESERVED_BITS, Slot::kCfg7},
    {EPTDIFF_LEAVES_EPT_RESERVED_BITS, Slot::kCfg8},
    {EPTDIFF_LEAVES_EPT_RESERVED_BITS, Slot::kCfg9},
    {EPTDIFF_LEAVES_EPT_RESERVED_BITS, Slot::kCfg10},
    {EPTDIFF_LEAVES_EPT_MISCONFIGURATIONS, Slot::kCfg1},
    {EPTDIFF_LEAVES_EPT_MISCONFIGURATIONS, Slot::kCfg2},
    {EPTDIFF_LEAVES_EPT_MISCONFIGURATIONS, Slot::kCfg3},
    {EPTDIFF_LEAVES_EPT_MISCONFIGURATIONS, Slot::kCfg4},
    {EPTDIFF_LEAVES_EPT_MISCONFIGURATIONS, Slot::kCfg11},
    {EPTDIFF_LEAVES_GUEST_RIGHTS, Slot::kGw7User},
    {EPTDIFF_LEAVES_GUEST_RIGHTS, Slot::kGw7Write},
    {EPTDIFF_LEAVES_GUEST_RIGHTS, Slot::kGw8Fetch},
    {EPTDIFF_LEAVES_GUEST_RIGHTS, Slot::kGw9Smep},
    {EPTDIFF_LEAVES_GUEST_RIGHTS, Slot::kGw9Smap},
    {EPTDIFF_LEAVES_GUEST_RIGHTS, Slot::kGw10},
    {EPTDIFF_LEAVES_GUEST_RIGHTS, Slot::kGw11Page},
    {EPTDIFF_LEAVES_GUEST_RIGHTS, Slot::kGw11Mode},
    {EPTDIFF_LEAVES_GUEST_RIGHTS, Slot::kGw22User},
    {EPTDIFF_LEAVES_GUEST_RIGHTS, Slot::kGw22Data},
    {EPTDIFF_LEAVES_GUEST_RIGHTS, Slot::kGw22Fetch},
    {EPTDIFF_LEAVES_GUEST_RESERVED_BITS, Slot::kGw2Reserved},
    {EPTDIFF_LEAVES_GUEST_RESERVED_BITS, Slot::kGw4Reserved},
    {EPTDIFF_LEAVES_GUEST_RESERVED_BITS, Slot::kGw5Address},
    {EPTDIFF_LEAVES_GUEST_RESERVED_BITS, Slot::kGw5PageSize},
    {EPTDIFF_LEAVES_GUEST_RESERVED_BITS, Slot::kGw5Leaf},
    {EPTDIFF_LEAVES_GUEST_RESERVED_BITS, Slot::kGw5ExecuteDisable},
    {EPTDIFF_LEAVES_GUEST_RESERVED_BITS, Slot::kGw17Reserved},
};
// 0 is then no refusal.
static_assert(std::all_of(std::begin(kLeft), std::end(kLeft),
                          [](const Left& left) {
                            return InfoOf(left.slot).kind == SlotKind::kForbids;
                          }));

}  // namespace

SlotSet LeftBy(const eptdiff_profile& profile) {
  SlotSet slots;
  for (const Left& left : kLeft) {
    if ((profile.leaves & left.leaves) != 0) slots.Add(left.slot);
  }
  return slots;
}

bool Leaves(const eptdiff_profile& profile, Rule rule) {
  const SlotSet left = LeftBy(profile);
  bool forbids = false;
  for (const SlotInfo& slot : kSlots) {
    if (slot.rule != rule || slot.kind != SlotKind::kForbids) continue;
    if (!left.Contains(slot.slot)) return false;
    forbids = true;
  }
  return forbids;
}

}  // namespace eptdiff
