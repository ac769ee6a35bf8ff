#include "oracle/target/profile/builder_profile.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "oracle/builder/table_case.h"

namespace eptdiff {
namespace {

eptdiff_builder_profile Everything() {
  eptdiff_builder_profile profile = BlankBuilderProfile();
  profile.operations = EPTDIFF_ALL_OPERATIONS;
  profile.refusals = EPTDIFF_ALL_REFUSALS;
  profile.models = EPTDIFF_MODELS_4_LEVELS | EPTDIFF_MODELS_ACCESSED_DIRTY;
  return profile;
}

// What is asked for where a page was to be mapped with `flags`.
std::uint64_t Asked(const eptdiff_builder_profile& profile,
                    std::uint64_t flags) {
  Case c = TableCase().Map(0, 0x5000, flags).Build();
  EXPECT_TRUE(BuilderFitting(profile).Fit(c));
  EXPECT_TRUE(BuilderFitting(profile).Fits(c));
  return c.steps.at(0).operation.flags;
}

TEST(BuilderProfileTest, WithoutAWordOnFlagsAllAreAskedFor) {
  EXPECT_EQ(Asked(Everything(), 0x77), 0x77u);
  EXPECT_EQ(Asked(Everything(), 0x0010000000000837), 0x0010000000000837u);
}

TEST(BuilderProfileTest, FlagsThatTheInterfaceLacksAreNotAskedFor) {
  eptdiff_builder_profile profile = Everything();
  profile.leaf_flags = 0x3f;  // rights and memory type
  EXPECT_EQ(Asked(profile, 0x77), 0x37u);
  EXPECT_EQ(Asked(profile, 0x0010000000000b35), 0x35u);
}

TEST(BuilderProfileTest, AMemoryTypeThatItDoesNotMakeBecomesOneThatItMakes) {
  static constexpr struct {
    std::uint8_t types;
    std::uint64_t flags, asked;
  } kTests[] = {
      {1 << 6 | 1 << 0, 0x07, 0x07}, {1 << 6 | 1 << 0, 0x37, 0x37},
      {1 << 6 | 1 << 0, 0x0f, 0x37}, {1 << 4 | 1 << 1, 0x37, 0x0f},
      {1 << 6, 0x1f, 0x37},  // type 3, which is reserved
  };
  for (const auto& test : kTests) {
    eptdiff_builder_profile profile = Everything();
    profile.memory_types = test.types;
    EXPECT_EQ(Asked(profile, test.flags), test.asked) << int{test.types};
    // An interface without types has one, whatever its flags.
    profile.leaf_flags = 7;
    EXPECT_EQ(Asked(profile, test.flags), test.asked) << int{test.types};
  }
}

TEST(BuilderProfileTest, FlagsToClearAreNoFlagsToSet) {
  eptdiff_builder_profile profile = Everything();
  profile.leaf_flags = 0x3f;
  profile.memory_types = 1 << 6;
  Case c =
      TableCase(0x10005e).Map(0, 0x5000, 0x37).Clear(0, 0x1000, 0x300).Build();
  const Case before = c;
  EXPECT_TRUE(BuilderFitting(profile).Fit(c));
  EXPECT_EQ(c, before);
}

TEST(BuilderProfileTest, NothingButAccessedAndDirtyIsToBeCleared) {
  static constexpr struct {
    std::uint64_t flags, asked;
  } kTests[] = {{0x300, 0x300},
                {0x100, 0x100},
                {0x0010000000000237, 0x200},
                {0x37, 0x300},
                {0, 0x300}};
  for (const auto& [flags, asked] : kTests) {
    Case c = TableCase(0x10005e)
                 .Map(0, 0x5000, 0x37)
                 .Clear(0, 0x1000, flags)
                 .Build();
    EXPECT_TRUE(BuilderFitting(Everything()).Fit(c));
    EXPECT_EQ(c.steps.at(1).operation.flags, asked);
    EXPECT_TRUE(BuilderFitting(Everything()).Fits(c));
  }
}

TEST(BuilderProfileTest, WhoDoesNotLookAtAllocationsFindsNoneFailing) {
  Case c = TableCase().Map(0, 0x5000, 0x37).Failing(2).Build();
  EXPECT_TRUE(BuilderFitting(Everything()).Fits(c));
  eptdiff_builder_profile profile = Everything();
  profile.refusals &= ~EPTDIFF_REFUSAL(EPTDIFF_NO_FRAMES);
  EXPECT_TRUE(BuilderFitting(profile).Fit(c));
  EXPECT_EQ(c.steps.at(0).operation.failing_allocation, 0u);
}

TEST(BuilderProfileTest, NoTableIsAtAddress0) {
  Case c = TableCase(0x1e).Map(0, 0x5000, 0x37).Build();
  EXPECT_FALSE(BuilderFitting(Everything()).Fits(c));
  EXPECT_TRUE(BuilderFitting(Everything()).Fit(c));
  EXPECT_EQ(c.controls.eptp, 0x101eu);
}

TEST(BuilderProfileTest, TablesOfWhoCastsAddressesLieWhereTheyCan) {
  eptdiff_builder_profile profile = Everything();
  profile.casts_addresses = 1;
  Case c = TableCase(0x7ff00000001e).Map(0, 0x5000, 0x37).Build();
  EXPECT_TRUE(BuilderFitting(profile).Fit(c));
  EXPECT_EQ(c.controls.eptp, 0x4000001eu);
  EXPECT_TRUE(BuilderFitting(profile).Fits(c));
}

TEST(BuilderProfileTest, BitsThatAreAlwaysSetAreAskedFor) {
  eptdiff_builder_profile profile = Everything();
  profile.leaf_flags = 0x38;
  profile.always_flags = 7;
  EXPECT_EQ(Asked(profile, 0x31), 0x37u);
  EXPECT_EQ(Asked(profile, 0), 7u);
}

TEST(BuilderProfileTest, AddressesAreThoseThatItTakes) {
  const auto asked = [](const eptdiff_builder_profile& profile,
                        std::uint64_t gpa) {
    Case c = TableCase().MapRegion(gpa, 0x5000, 0x600000, 7).Build();
    EXPECT_TRUE(BuilderFitting(profile).Fit(c));
    EXPECT_TRUE(BuilderFitting(profile).Fits(c));
    return c.steps.at(0).operation;
  };
  eptdiff_builder_profile profile = Everything();
  EXPECT_EQ(asked(profile, 0x7000000000).gpa.value, 0x7000000000u);
  profile.gpa_width = 36;
  profile.max_bytes = 0x200000;
  // As far up as that goes.
  EXPECT_EQ(asked(profile, 0x7000003000).gpa.value, 0xc00003000u);
  EXPECT_EQ(asked(profile, 0).bytes, 0x200000u);
  EXPECT_EQ(asked(profile, 0xffffff000).bytes, 0x1000u);
  profile.identity_maps = EPTDIFF_IDENTITY_ALWAYS;
  EXPECT_EQ(asked(profile, 0x3000).hpa.value, 0x3000u);
  EXPECT_EQ(asked(profile, 0x4000).hpa.value, 0x4000u);
  profile.identity_maps = EPTDIFF_IDENTITY_HALF;
  EXPECT_EQ(asked(profile, 0x3000).hpa.value, 0x5000u);
  EXPECT_EQ(asked(profile, 0x4000).hpa.value, 0x4000u);
}

TEST(BuilderProfileTest, WhoTakesOneThreadRunsNothingBesideAnother) {
  Case c = TableCase().Map(0, 0x5000, 7).Unmap(0).Meanwhile(9).Build();
  c.steps[1].processor = 1;
  eptdiff_builder_profile profile = Everything();
  profile.several_threads = 1;
  EXPECT_TRUE(BuilderFitting(profile).Fits(c));
  profile.several_threads = 0;
  EXPECT_TRUE(BuilderFitting(profile).Fit(c));
  EXPECT_EQ(c.steps[1].processor, 0u);
  EXPECT_EQ(c.steps[1].operation.meanwhile, 0u);
}

TEST(BuilderProfileTest, WhoBuildsTablesHasInvept) {
  Case c = TableCase().Map(0, 0x5000, 7).Build();
  c.processor.ept_vpid_cap &= ~(std::uint64_t{0x61} << 20);
  EXPECT_TRUE(BuilderFitting(Everything()).Fit(c));
  EXPECT_EQ(c.processor.ept_vpid_cap >> 20 & 0x61, 0x61u);
  c.processor.ept_vpid_cap &= ~(std::uint64_t{0x20} << 20);
  EXPECT_TRUE(BuilderFitting(Everything()).Fits(c));
}

TEST(BuilderProfileTest, FaultsNameTheirField) {
  eptdiff_builder_profile profile = Everything();
  profile.trap_mask = 7;
  profile.trap_value = 2;
  profile.always_flags = 1;
  EXPECT_EQ(FaultOf(profile), "");
  const auto fault = [&](auto change) {
    eptdiff_builder_profile wrong = profile;
    change(wrong);
    return FaultOf(wrong);
  };
  EXPECT_EQ(fault([](auto& p) { p.trap_value = 8; }),
            "trap_value: bits that trap_mask does not have");
  EXPECT_EQ(fault([](auto& p) { p.always_flags = 0x1000; }),
            "always_flags: bits of the address, or bit 7");
  EXPECT_EQ(fault([](auto& p) { p.gpa_width = 31; }),
            "gpa_width: 0, or from 32 to 52");
  EXPECT_EQ(fault([](auto& p) { p.max_bytes = 1; }),
            "max_bytes: no multiple of 4096");
  EXPECT_EQ(fault([](auto& p) { p.frames = 9; }), "");
  EXPECT_EQ(fault([](auto& p) {
              p.frames = 9;
              p.refusals &= ~EPTDIFF_REFUSAL(EPTDIFF_NO_FRAMES);
            }),
            "frames: without EPTDIFF_NO_FRAMES in refusals");
  EXPECT_EQ(fault([](auto& p) { p.on_demand = 1; }),
            "on_demand: with operations on a page that need not be there");
  EXPECT_EQ(fault([](auto& p) {
              p.on_demand = 1;
              p.operations = EPTDIFF_OPERATION(EPTDIFF_MAP_REGION) |
                             EPTDIFF_OPERATION(EPTDIFF_UNMAP_REGION);
            }),
            "");
  EXPECT_EQ(fault([](auto& p) { p.identity_maps = 3; }),
            "identity_maps: none of EPTDIFF_IDENTITY_*");
  EXPECT_EQ(fault([](auto& p) { p.views = 4; }), "views: 3 at most");
  EXPECT_EQ(fault([](auto& p) { p.all_views = 1; }),
            "all_views: without views");
  EXPECT_EQ(fault([](auto& p) {
              p.views = 1;
              p.operations |= EPTDIFF_LOG_OPERATIONS;
            }),
            "");
  EXPECT_EQ(fault([](auto& p) { p.views = p.several_threads = 1; }), "");
}

// In which views an operation on a page and one on a region are asked for, and
// how many other steps there are.
TEST(BuilderProfileTest, OnlyTablesThatThereAreAreAskedFor) {
  static constexpr struct {
    std::uint8_t views, all_views;
    std::uint8_t asked, page, region;
    std::size_t steps;
  } kTests[] = {
      {0, 0, 1, 0, 0, 2},
      {2, 0, 1, 1, 1, 3},
      {2, 0, 3, 0, 0, 3},
      {3, 0, kAllViews, 0, 0, 3},
      {3, 1, kAllViews, 0, kAllViews, 3},
      {3, 1, 3, 3, 3, 3},
  };
  for (const auto& test : kTests) {
    eptdiff_builder_profile profile = Everything();
    profile.views = test.views;
    profile.all_views = test.all_views;
    Case c = TableCase()
                 .Map(0, 0x5000, 7)
                 .In(test.asked)
                 .Switch(4)
                 .UnmapRegion(0, 0x1000)
                 .In(test.asked)
                 .Build();
    EXPECT_TRUE(BuilderFitting(profile).Fit(c));
    EXPECT_TRUE(BuilderFitting(profile).Fits(c));
    ASSERT_EQ(c.steps.size(), test.steps);
    EXPECT_EQ(c.steps.front().operation.view, test.page);
    EXPECT_EQ(c.steps.back().operation.view, test.region);
    EXPECT_LE(c.steps[1].index, test.views);
  }
}

// About the log each is about all that there are.
TEST(BuilderProfileTest, TheLogIsNoViewsOwn) {
  eptdiff_builder_profile profile = Everything();
  profile.operations |= EPTDIFF_LOG_OPERATIONS;
  profile.views = 2;
  for (const std::uint8_t view :
       {std::uint8_t{0}, std::uint8_t{1}, kAllViews}) {
    Case c = TableCase()
                 .Map(0, 0x5000, 7)
                 .LogOn()
                 .In(view)
                 .LogAsk(0, 0x1000)
                 .In(view)
                 .Build();
    EXPECT_TRUE(BuilderFitting(profile).Fit(c));
    ASSERT_EQ(c.steps.size(), 3u);
    EXPECT_EQ(c.steps[1].operation.view, 0);
    EXPECT_EQ(c.steps[2].operation.view, 0);
  }
}

TEST(BuilderProfileTest, NoMemoryTypeIsAFault) {
  eptdiff_builder_profile profile = Everything();
  EXPECT_EQ(FaultOf(profile), "");
  profile.memory_types = 0;
  EXPECT_EQ(FaultOf(profile), "memory_types: none is declared");
}

}  // namespace
}  // namespace eptdiff
