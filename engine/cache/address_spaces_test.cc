#include "engine/cache/address_spaces.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>

namespace eptdiff::engine {
namespace {

constexpr Space kLocal = {SpaceKind::kLocal, 5, 1, 1, 0x1000};
constexpr Space kGlobal = {SpaceKind::kGlobal, 5, 0, 1, 0x1000};
constexpr Space kPhysical = {SpaceKind::kGuestPhysical, 0, 0, 1, 0x1000};

TEST(SpaceFilterTest, HoldsWhatHasItsTags) {
  struct {
    SpaceFilter filter;
    bool local, global, physical;
  } const kFilters[] = {
      {{.kinds = kCombinedKinds}, true, true, false},
      {{.kinds = kCombinedKinds, .vpid = 5}, true, true, false},
      {{.kinds = kCombinedKinds, .vpid = 4}, false, false, false},
      {{.kinds = kCombinedKinds, .vpid = SpaceFilter::kNotZero},
       true,
       true,
       false},
      {{.kinds = kCombinedKinds, .vpid = 5, .pcid = 2}, false, true, false},
      {{.kinds = ~0u, .eptrta = 0x1000}, true, true, true},
      {{.kinds = ~0u, .eptrta = 0x2000}, false, false, false},
      {{.kinds = ~0u, .vpid = 4}, false, false, true},
  };
  for (const auto& [filter, local, global, physical] : kFilters) {
    EXPECT_EQ(filter.Holds(kLocal), local);
    EXPECT_EQ(filter.Holds(kGlobal), global);
    EXPECT_EQ(filter.Holds(kPhysical), physical);
  }
}

TEST(AddressSpacesTest, ANumberIsOneSpacesUntilItIsRenumbered) {
  AddressSpaces spaces;
  const auto local = spaces.NumberOf(kLocal);
  const auto global = spaces.NumberOf(kGlobal);
  EXPECT_NE(local, global);
  EXPECT_EQ(spaces.NumberOf(kLocal), local);
  const SpaceFilter filter = {.kinds = SetOf(SpaceKind::kLocal)};
  EXPECT_TRUE(spaces.Holds(filter, local));
  EXPECT_FALSE(spaces.Holds(filter, global));
  spaces.Renumber(filter);
  EXPECT_NE(spaces.NumberOf(kLocal), local);
  EXPECT_EQ(spaces.NumberOf(kGlobal), global);
  EXPECT_FALSE(spaces.Holds(filter, local)) << "it is gone";
}

TEST(AddressSpacesTest, NumbersAreNotUsedTwice) {
  AddressSpaces spaces;
  std::set<std::uint16_t> seen;
  std::uint16_t vpid = 0;
  while (spaces.HasNumbersLeft()) {
    const auto number =
        spaces.NumberOf({SpaceKind::kLocal, ++vpid, 0, 1, 0x1000});
    EXPECT_TRUE(seen.insert(number).second);
    EXPECT_LT(number, AddressSpaces::kNumbers);
    EXPECT_NE(number, 0);
  }
  EXPECT_GT(seen.size(), 4000u);
  spaces.Clear();
  EXPECT_TRUE(spaces.HasNumbersLeft());
}

TEST(AddressSpacesTest, ARegimeIsRegistersThatCount) {
  AddressSpaces spaces;
  const Processor processor = {.ept_vpid_cap = 0x06104140};
  const Controls controls = {
      .primary = 1u << 31, .secondary = 2, .eptp = 0x101e};
  const GuestState guest = {.cr0 = 0x80000001, .cr4 = 0x20, .efer = 0x500};
  const auto number = [&](const Controls& c, const GuestState& g) {
    return spaces.RegimeNumber(GuestRegimeOf(processor, c, g));
  };
  const auto first = number(controls, guest);
  EXPECT_EQ(number(controls, guest), first);

  Controls same = controls;
  same.eptp = 0x201e;
  same.vpid = 3;
  same.pml_index = 7;
  same.exception_bitmap = 1;
  EXPECT_EQ(number(same, guest), first);
  GuestState other = guest;
  other.cr3 = 0x1000;
  other.cpl = 3;
  other.rflags = 2;
  other.pdpte = {1, 1, 1, 1};
  EXPECT_EQ(number(controls, other), first);

  same.eptp = 0x105e;  // accessed and dirty flags
  EXPECT_NE(number(same, guest), first);
  other.pkru = 4;
  EXPECT_NE(number(controls, other), first);
  other = guest;
  other.pat = 0;
  EXPECT_NE(number(controls, other), first);
  other = guest;
  other.efer = 0;  // PAE paging, whose PDPTE registers count
  const auto pae = number(controls, other);
  other.pdpte[1] = 1;
  EXPECT_NE(number(controls, other), pae);
}

}  // namespace
}  // namespace eptdiff::engine
