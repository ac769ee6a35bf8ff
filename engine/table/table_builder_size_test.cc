// How TableBuilder splits large pages and merges small ones.
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "engine/table/table_builder_testing.h"

namespace eptdiff {
namespace {

TEST_F(TableBuilderTest, WhatWasAccessedAsAPageIsAccessedAsTables) {
  controls = TableControls(/*eptp=*/0x5e);
  Table().Map(Gpa{0}, Hpa{0}, PageSize::k1GByte, kRam);
  Entry(0) |= 0x100;
  ASSERT_TRUE(Table().ProtectRegion(Gpa{0}, k4K, kReadOnly).ok());
  for (const int level : {3, 2, 1}) {
    EXPECT_EQ(Entry(0, level) & 0x300, 0x100u) << level;
  }
}

TEST_F(TableBuilderTest, SplitKeepsFlagsAndThoseSetMeanwhile) {
  controls = TableControls(/*eptp=*/0x5e);
  Table().Map(Gpa{}, Hpa{k1G}, PageSize::k1GByte, kRam);
  // A processor writes to the page after most parts have been made.
  std::uint64_t* entry = &Entry(0);
  int stores = 0;
  frames.on_store = [&](Hpa, std::uint64_t, std::uint64_t) {
    if (++stores == 1000) *entry |= 0x300;
  };
  ASSERT_TRUE(Table().ProtectRegion(Gpa{k2M}, k4K, kReadOnly).ok());
  frames.on_store = nullptr;
  EXPECT_EQ(Invepts(), 1);
  EXPECT_EQ(*entry & 0x307, 0x107u);  // a table has an accessed flag only
  const std::vector<Mapping> all = All();
  ASSERT_EQ(all.size(), 511u + 512u);
  for (const Mapping& page : all) {
    EXPECT_EQ(page.flags,
              (page.gpa == Gpa{k2M} ? kReadOnly : kRam) | EptFlags{0x300});
    EXPECT_EQ(page.hpa.value, page.gpa.value + k1G);
  }
}

TEST_F(TableBuilderTest, MergeKeepsFlagsAndThoseSetMeanwhile) {
  controls = TableControls(/*eptp=*/0x5e);
  for (const std::uint64_t early : {0x100, 0x200}) {
    table.reset();
    Table().MapRegion(Gpa{}, Hpa{k1G}, k1G, kRam, PageSize::k4KByte);
    Entry(5 * k4K) |= early;
    std::uint64_t* last = &Entry(k1G - k4K);
    // A processor that has read the old tables uses the last page.
    frames.on_invept = [&] {
      EXPECT_EQ(Entry(0) & 0x300, early);
      *last |= 0x300 - early;
    };
    Invepts();
    ASSERT_TRUE(Table().MergeRegion(Gpa{}, k1G).ok());
    frames.on_invept = nullptr;
    EXPECT_EQ(Invepts(), 1);
    EXPECT_EQ(
        All(),
        (std::vector<Mapping>{{Gpa{}, Hpa{k1G}, k1G, kRam | EptFlags{0x300}}}));
    EXPECT_EQ(frames.in_use.size(), 2u);
  }
}

TEST_F(TableBuilderTest, MergesNothingThatIsNotAlike) {
  const std::uint64_t page = 0x40005000;
  constexpr struct {
    std::uint64_t bits;  // that differ in the entry of GPA 5000H
    const char* words;
  } kCases[] = {
      {0x2, "a right"},
      {0x8, "memory type"},
      {0x40, "ignore PAT"},
      {0x800, "software's"},
      {0x1000, "address"},
      {1ull << 63, "bit 63"},
      {0x100, "bit 8, which is the software's with A/D flags off"},
      {0x7, "not present"},
  };
  for (const auto& c : kCases) {
    table.reset();
    Table().MapRegion(Gpa{}, Hpa{k1G}, k2M, kRam, PageSize::k4KByte);
    ASSERT_EQ(Entry(0x5000), page | 0x37);
    Entry(0x5000) ^= c.bits;
    Invepts();
    EXPECT_TRUE(Table().MergeRegion(Gpa{}, k1G).ok());
    EXPECT_EQ(Invepts(), 0) << c.words;
    EXPECT_EQ(frames.in_use.size(), 4u) << c.words;
  }
}

TEST_F(TableBuilderTest, MergesOnlyWhatAProcessorCanMap) {
  constexpr struct {
    std::uint64_t hpa, missing, region;
    const char* words;
  } kCases[] = {
      {k1G + k4K, 0, k2M, "not aligned"},
      {k1G, 3 << 16, k2M, "no 2-MByte pages"},
      {k1G, 0, k2M - k4K, "the region ends before"},
  };
  for (const auto& c : kCases) {
    table.reset();
    processor = TableProcessor();
    processor.ept_vpid_cap &= ~c.missing;
    Table().MapRegion(Gpa{}, Hpa{c.hpa}, k2M, kRam, PageSize::k4KByte);
    EXPECT_TRUE(Table().MergeRegion(Gpa{}, c.region).ok());
    EXPECT_EQ(All().size(), 512u) << c.words;
  }
}

TEST_F(TableBuilderTest, SubPagePermissionsNeedSmallPages) {
  controls.secondary |= 1u << 23;
  const EptFlags sub_page = kReadOnly | EptFlags::kSubPageWrite;
  Table().Map(Gpa{}, Hpa{}, PageSize::k2MByte, kRam);
  EXPECT_EQ(Table().Protect(Gpa{}, sub_page).error, TableError::kUnsupported);
  EXPECT_EQ(Table().Remap(Gpa{}, Hpa{}, sub_page).error,
            TableError::kUnsupported);
  ASSERT_TRUE(Table().ProtectRegion(Gpa{}, k2M, sub_page).ok());
  EXPECT_EQ(All().size(), 512u);
  EXPECT_EQ(At(k4K).flags, sub_page);
  Table().MergeRegion(Gpa{}, k2M);
  EXPECT_EQ(All().size(), 512u);
}

}  // namespace
}  // namespace eptdiff
