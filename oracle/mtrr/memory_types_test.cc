#include "oracle/mtrr/memory_types.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string_view>
#include <vector>

namespace eptdiff {
namespace {

constexpr std::uint64_t k4K = 0x1000, k2M = 0x200000, k1G = 0x40000000;
constexpr std::uint8_t kUc = 0, kWc = 1, kWt = 4, kWp = 5, kWb = 6;
constexpr std::uint64_t kEnabled = 1 << 11, kFixedEnabled = 1 << 10;

// Enabled, of type `other` where no range is.
Mtrrs With(std::uint8_t other, std::uint64_t flags = kEnabled) {
  Mtrrs mtrrs;
  mtrrs.cap = 1 << 8 | 10;
  mtrrs.def_type = flags | other;
  return mtrrs;
}

struct Range {
  std::uint64_t base, bytes;
  std::uint8_t type;
};
Mtrrs With(std::uint8_t other, const std::vector<Range>& ranges) {
  Mtrrs mtrrs = With(other);
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const std::uint64_t width = (std::uint64_t{1} << mtrrs.maxphyaddr) - 1;
    mtrrs.variable[i] = {ranges[i].base | ranges[i].type,
                         (width & ~(ranges[i].bytes - 1)) | kEnabled};
  }
  return mtrrs;
}

void ExpectByte(const Mtrrs& mtrrs, std::uint64_t hpa, MtrrRule rule,
                std::uint8_t type) {
  const ByteType found = TypeAt(mtrrs, hpa);
  EXPECT_EQ(found.rule, rule) << std::hex << hpa;
  if (rule != MtrrRule::kUndefined) {
    EXPECT_EQ(found.type, type) << std::hex << hpa;
  }
  EXPECT_GT(found.end, hpa);
}

TEST(MemoryTypesTest, DisabledMtrrsMakeAllMemoryUncacheable) {
  Mtrrs mtrrs = With(kWb, {{0, k1G, kWb}});
  mtrrs.def_type &= ~kEnabled;
  ExpectByte(mtrrs, 0, MtrrRule::kDisabled, kUc);
  ExpectByte(mtrrs, 2 * k1G, MtrrRule::kDisabled, kUc);
}

TEST(MemoryTypesTest, OverlapsAreAsTheSdmHasThemInWhateverOrder) {
  const struct {
    std::uint8_t one, other;
    MtrrRule rule;
    std::uint8_t type;
  } kTests[] = {
      {kWb, kWb, MtrrRule::kSameTypes, kWb},
      {kWc, kWc, MtrrRule::kSameTypes, kWc},
      {kWb, kUc, MtrrRule::kUncacheableWins, kUc},
      {kWc, kUc, MtrrRule::kUncacheableWins, kUc},
      {kWb, kWt, MtrrRule::kWriteThroughWins, kWt},
      {kWb, kWc, MtrrRule::kUndefined, 0},
      {kWp, kWt, MtrrRule::kUndefined, 0},
  };
  for (const auto& [one, other, rule, type] : kTests) {
    ExpectByte(With(kWb, {{0, k1G, one}, {0, k2M, other}}), 0, rule, type);
    ExpectByte(With(kWb, {{0, k1G, other}, {0, k2M, one}}), 0, rule, type);
    ExpectByte(With(kWt, {{0, k1G, one}, {0, k2M, other}}), k2M,
               MtrrRule::kOneRange, one);
    ExpectByte(With(kWt, {{0, k1G, one}, {0, k2M, other}}), k1G,
               MtrrRule::kDefault, kWt);
  }
}

TEST(MemoryTypesTest, OnlyRangesThatAreThereAndValidCount) {
  Mtrrs mtrrs = With(kWb, {{0, k1G, kUc}, {0, k1G, kWt}});
  mtrrs.cap = 0;
  ExpectByte(mtrrs, 0, MtrrRule::kDefault, kWb);
  mtrrs.cap = 1;
  ExpectByte(mtrrs, 0, MtrrRule::kOneRange, kUc);
  mtrrs.cap = 2;
  mtrrs.variable[0].mask &= ~kEnabled;
  ExpectByte(mtrrs, 0, MtrrRule::kOneRange, kWt);
}

TEST(MemoryTypesTest, EachFixedRangeHasAFieldOfARegister) {
  const struct {
    std::uint64_t hpa;
    std::size_t at;
    int field;
    std::uint64_t end;
  } kTests[] = {
      {0, 0, 0, 0x10000},       {0x7ffff, 0, 7, 0x80000},
      {0x80000, 1, 0, 0x84000}, {0x9ffff, 1, 7, 0xa0000},
      {0xa0000, 2, 0, 0xa4000}, {0xbc000, 2, 7, 0xc0000},
      {0xc0000, 3, 0, 0xc1000}, {0xc7fff, 3, 7, 0xc8000},
      {0xc8000, 4, 0, 0xc9000}, {0xff000, 10, 7, 0x100000},
  };
  for (const auto& [hpa, at, field, end] : kTests) {
    Mtrrs mtrrs = With(kWb, kEnabled | kFixedEnabled);
    for (std::uint64_t& word : mtrrs.fixed) word = 0x0606060606060606;
    mtrrs.fixed[at] ^= std::uint64_t{kWb ^ kWp} << 8 * field;
    ExpectByte(mtrrs, hpa, MtrrRule::kFixed, kWp);
    EXPECT_EQ(TypeAt(mtrrs, hpa).end, end);
    // They decide also where variable ranges are, and only if enabled.
    mtrrs.variable[0] = {kUc, kEnabled};
    ExpectByte(mtrrs, hpa, MtrrRule::kFixed, kWp);
    mtrrs.def_type &= ~kFixedEnabled;
    ExpectByte(mtrrs, hpa, MtrrRule::kOneRange, kUc);
  }
}

TEST(MemoryTypesTest, ALargePageOfSeveralTypesIsSplitOrConservative) {
  constexpr std::uint32_t kSplit = 1u << kSmallerPages | 1u << kNoSuchPage;
  constexpr std::uint64_t kInside = k2M + 5 * k4K;
  const auto permitted = [](const Mtrrs& mtrrs, std::uint64_t hpa,
                            std::uint64_t bytes) {
    return TypeOf(mtrrs, hpa, bytes).permitted;
  };
  const Mtrrs uc = With(kWb, {{kInside, k4K, kUc}});
  EXPECT_EQ(permitted(uc, k2M, k2M), kSplit | 1u << kUc);
  EXPECT_EQ(permitted(uc, 0, k1G), kSplit | 1u << kUc);
  EXPECT_EQ(permitted(uc, 0, k2M), kSplit | 1u << kWb);
  EXPECT_EQ(permitted(uc, kInside, k4K), 1u << kUc | 1u << kNoSuchPage);
  const Mtrrs wt = With(kWb, {{kInside, k4K, kWt}});
  EXPECT_EQ(permitted(wt, k2M, k2M), kSplit | 1u << kUc | 1u << kWt);
  const Mtrrs wc = With(kWb, {{kInside, k4K, kWc}});
  EXPECT_EQ(permitted(wc, k2M, k2M), kSplit | 1u << kUc);
  // Of one type, whatever ranges there are.
  const Mtrrs wb = With(kWb, {{kInside, k4K, kWb}, {k2M, k2M, kWb}});
  EXPECT_EQ(permitted(wb, k2M, k2M), kSplit | 1u << kWb);
  // Nothing is said of a page in which a part is undefined.
  const Mtrrs odd = With(kWb, {{kInside, k4K, kWc}, {k2M, k2M, kWb}});
  EXPECT_EQ(permitted(odd, k2M, k2M), ~0u);
}

TEST(MemoryTypesTest, AMaskWithAGapHasManyRanges) {
  Mtrrs mtrrs = With(kWb, {{0, k4K, kUc}});
  mtrrs.variable[0].mask &= ~k2M;  // at 0 and at 2 MBytes
  ExpectByte(mtrrs, 0, MtrrRule::kOneRange, kUc);
  ExpectByte(mtrrs, k4K, MtrrRule::kDefault, kWb);
  ExpectByte(mtrrs, k2M, MtrrRule::kOneRange, kUc);
  EXPECT_EQ(TypeOf(mtrrs, k2M, k2M).rule, MtrrRule::kSeveralTypes);
}

// 3A 12.11.2.4. Where MTRRs say something else, that is no mistake: nothing can
// be reached there.
TEST(MemoryTypesTest, SmramIsUncacheableWhateverItsTypeInSmm) {
  constexpr std::uint64_t kBase = 0x7f80'0000, kSize = 0x80'0000;
  Mtrrs mtrrs = With(kWb, {{0, 2 * k1G, kWt}});
  mtrrs.smrr = {kBase | kWc, (0xffff'ffff & ~(kSize - 1)) | kEnabled};
  ExpectByte(mtrrs, kBase, MtrrRule::kOneRange, kWt);
  mtrrs.cap |= 1 << 11;
  ExpectByte(mtrrs, kBase, MtrrRule::kSmrr, kWt);
  ExpectByte(mtrrs, kBase + kSize - 1, MtrrRule::kSmrr, kWt);
  ExpectByte(mtrrs, kBase - 1, MtrrRule::kOneRange, kWt);
  ExpectByte(mtrrs, kBase + kSize, MtrrRule::kDefault, kWb);
  // The range is below 4 GBytes.
  ExpectByte(mtrrs, kBase + 4 * k1G, MtrrRule::kDefault, kWb);
  EXPECT_EQ(TypeOf(mtrrs, kBase, k4K).permitted,
            1u << kWt | 1u << kUc | 1u << kNoSuchPage);
  // Of a large page of which a part is SMRAM.
  EXPECT_EQ(TypeOf(mtrrs, k1G, k1G).permitted,
            1u << kWt | 1u << kUc | 1u << kNoSuchPage | 1u << kSmallerPages);
  mtrrs.smrr.mask &= ~kEnabled;
  ExpectByte(mtrrs, kBase, MtrrRule::kOneRange, kWt);
}

// Who reads no SMRR is right wherever the MTRRs say what is right, and makes no
// mistake either where they leave it open.
TEST(MemoryTypesTest, WhatMtrrsLeaveUndefinedSmramDoesNotSettle) {
  constexpr std::uint64_t kBase = 0x7f80'0000, kSize = 0x80'0000;
  Mtrrs mtrrs = With(kWb, {{0, 2 * k1G, kWp}, {kBase, k4K, kWb}});
  mtrrs.cap |= 1 << 11;
  mtrrs.smrr = {kBase | kWb, (0xffff'ffff & ~(kSize - 1)) | kEnabled};
  ExpectByte(mtrrs, kBase, MtrrRule::kUndefined, 0);
  EXPECT_EQ(TypeOf(mtrrs, kBase, k4K).permitted, ~0u);
  ExpectByte(mtrrs, kBase + k4K, MtrrRule::kSmrr, kWp);
  EXPECT_EQ(TypeOf(mtrrs, kBase + k4K, k4K).permitted,
            1u << kWp | 1u << kUc | 1u << kNoSuchPage);
}

// ... and who gives a large page in SMRAM the type of a part of it is wrong
// about that, not about SMRAM.
TEST(MemoryTypesTest, ALargePageOfSeveralTypesInSmramIsOfSeveralTypes) {
  constexpr std::uint64_t kBase = 0x7f80'0000, kSize = 0x80'0000;
  Mtrrs mtrrs = With(kUc, {{kBase + k4K, k4K, kWb}});
  mtrrs.cap |= 1 << 11;
  mtrrs.smrr = {kBase, (0xffff'ffff & ~(kSize - 1)) | kEnabled};
  const PageType type = TypeOf(mtrrs, kBase, k2M);
  EXPECT_EQ(type.rule, MtrrRule::kSeveralTypes);
  EXPECT_EQ(type.permitted,
            1u << kUc | 1u << kNoSuchPage | 1u << kSmallerPages);
  EXPECT_EQ(TypeOf(mtrrs, kBase + k2M, k2M).rule, MtrrRule::kSmrr);
}

TEST(MemoryTypesTest, EachRuleHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (int i = 0; i < kMtrrRuleCount; ++i) {
    const MtrrRuleInfo& info = InfoOf(static_cast<MtrrRule>(i));
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_NE(info.words, "");
  }
}

}  // namespace
}  // namespace eptdiff
