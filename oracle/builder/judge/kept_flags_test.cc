#include "oracle/builder/judge/kept_flags.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace eptdiff {
namespace {

using Until = KeptFlags::Until;

constexpr std::uint64_t kAccessed = 0x100, kDirty = 0x200, kBoth = 0x300;

KeptFlags For(TableOperationKind kind, std::uint64_t flags = 0) {
  KeptFlags kept;
  kept.Begin({.kind = kind, .flags = flags});
  return kept;
}

TEST(KeptFlagsTest, AStoreMayNotTakeThem) {
  KeptFlags kept = For(TableOperationKind::kProtect);
  EXPECT_FALSE(kept.OnChange({{0, 0x9000, 0x1000, 0x37 | kBoth}},
                             {{0, 0x9000, 0x1000, 0x35 | kBoth}}, Until::kNow)
                   .has_value());
  const auto lost =
      kept.OnChange({{0, 0x9000, 0x2000, 0x37 | kBoth}},
                    {{0x1000, 0xa000, 0x1000, 0x35 | kAccessed}}, Until::kNow);
  ASSERT_TRUE(lost.has_value());
  EXPECT_EQ(lost->gpa, 0x1000u);
  EXPECT_EQ(lost->flags, kDirty);
  EXPECT_FALSE(lost->between);
}

TEST(KeptFlagsTest, WhatIsToBeClearedMayGoAndNothingElse) {
  const std::vector<Interval> was = {{0, 0x9000, 0x1000, 0x37 | kBoth}};
  const std::vector<Interval> is = {{0, 0x9000, 0x1000, 0x37}};
  EXPECT_FALSE(For(TableOperationKind::kClearFlags, kBoth)
                   .OnChange(was, is, Until::kNow)
                   .has_value());
  EXPECT_EQ(For(TableOperationKind::kClearFlags, kDirty)
                .OnChange(was, is, Until::kNow)
                ->flags,
            kAccessed);
  EXPECT_FALSE(For(TableOperationKind::kRemap)
                   .OnChange(was, is, Until::kNow)
                   .has_value());
}

TEST(KeptFlagsTest, WhatIsAbsentForAWhileComesBackWithThem) {
  KeptFlags kept = For(TableOperationKind::kProtect);
  EXPECT_FALSE(
      kept.OnChange({{0, 0x9000, 0x1000, 0x37 | kBoth}}, {}, Until::kNow)
          .has_value());
  EXPECT_FALSE(kept.AtEnd({{0, 0x9000, 0x1000, 0x35 | kBoth}}).has_value());
  EXPECT_FALSE(kept.AtEnd({}).has_value());
  EXPECT_EQ(kept.AtEnd({{0, 0x9000, 0x1000, 0x35}})->flags, kBoth);
}

TEST(KeptFlagsTest, WhatIsUnmappedMeanwhileTakesItsFlagsAlong) {
  KeptFlags kept = For(TableOperationKind::kMap);
  kept.BeginBeside({.kind = TableOperationKind::kUnmapRegion});
  kept.LetGo(0x1000, 0x1000);
  EXPECT_FALSE(
      kept.OnChange({{0, 0x9000, 0x3000, 0x37 | kBoth}}, {}, Until::kNow)
          .has_value());
  const auto flags_after = [&](std::uint64_t gpa) {
    return kept.AtEnd({{gpa, 0x9000, 0x1000, 0x37}}).has_value();
  };
  EXPECT_TRUE(flags_after(0));
  EXPECT_FALSE(flags_after(0x1000));
  EXPECT_TRUE(flags_after(0x2000));
  // The next operation has nothing to do with it.
  kept.Begin({.kind = TableOperationKind::kProtect});
  EXPECT_FALSE(
      kept.OnChange({{0x1000, 0x9000, 0x1000, 0x37 | kBoth}}, {}, Until::kNow)
          .has_value());
  EXPECT_TRUE(flags_after(0x1000));
}

TEST(KeptFlagsTest, WhatIsMergedHasUntilTheEnd) {
  KeptFlags kept = For(TableOperationKind::kMergeRegion);
  EXPECT_FALSE(kept.OnChange({{0, 0x200000, 0x1000, 0x37 | kDirty},
                              {0x1000, 0x201000, 0x1ff000, 0x37}},
                             {{0, 0x200000, 0x200000, 0x37}}, Until::kTheEnd)
                   .has_value());
  // In the table that is linked no more.
  kept.OnSet({0x3000, 0, 0x1000, kAccessed}, /*in_use=*/false);
  EXPECT_FALSE(kept.AtEnd({{0, 0x200000, 0x200000, 0x37 | kBoth}}).has_value());
  const auto lost = kept.AtEnd({{0, 0x200000, 0x200000, 0x37 | kDirty}});
  ASSERT_TRUE(lost.has_value());
  EXPECT_EQ(lost->gpa, 0x3000u);
  EXPECT_EQ(lost->flags, kAccessed);
}

TEST(KeptFlagsTest, WhatIsSetBetweenLoadAndStoreIsToldApart) {
  KeptFlags kept = For(TableOperationKind::kProtect);
  kept.OnSet({0x1000, 0, 0x1000, kAccessed}, /*in_use=*/false);
  kept.OnSet({0, 0, 0x1000, kDirty}, /*in_use=*/true);
  EXPECT_EQ(kept.SetBetween(0xfff), kDirty);
  EXPECT_EQ(kept.SetBetween(0x1000), 0u);
  EXPECT_EQ(kept.set_between(), kDirty);
  const std::vector<Interval> is = {{0, 0x9000, 0x1000, 0x37}};
  EXPECT_TRUE(
      kept.OnChange({{0, 0x9000, 0x1000, 0x37 | kDirty}}, is, Until::kNow)
          ->between);
  EXPECT_FALSE(
      kept.OnChange({{0, 0x9000, 0x1000, 0x37 | kBoth}}, is, Until::kNow)
          ->between);
}

}  // namespace
}  // namespace eptdiff
