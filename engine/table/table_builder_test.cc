// What TableBuilder maps, and what can be read of it.
#include <gtest/gtest.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "engine/table/table_builder_testing.h"

namespace eptdiff {
namespace {

TEST_F(TableBuilderTest, MapsOnePageOfEachSize) {
  ASSERT_TRUE(
      Table().Map(Gpa{0x1000}, Hpa{0x5000}, PageSize::k4KByte, kRam).ok());
  ASSERT_TRUE(
      Table().Map(Gpa{k2M}, Hpa{3 * k2M}, PageSize::k2MByte, kReadOnly).ok());
  ASSERT_TRUE(
      Table().Map(Gpa{k1G}, Hpa{5 * k1G}, PageSize::k1GByte, kRam).ok());
  const std::vector<Mapping> expected = {
      {Gpa{0x1000}, Hpa{0x5000}, k4K, kRam},
      {Gpa{k2M}, Hpa{3 * k2M}, k2M, kReadOnly},
      {Gpa{k1G}, Hpa{5 * k1G}, k1G, kRam}};
  EXPECT_EQ(All(), expected);
  EXPECT_EQ(At(0x1abc), expected[0]);
  EXPECT_EQ(At(k1G + 0x12345678), expected[2]);
  EXPECT_EQ(Error(0), TableError::kNotMapped);
  EXPECT_EQ(Invepts(), 0);
  // Tables, and pages, as the SDM has them.
  EXPECT_EQ(Entry(0x1000), 0x5037u);
  EXPECT_EQ(Entry(k2M), 0x6000b1u);
  EXPECT_EQ(Entry(k1G), 0x1400000b7u);
  EXPECT_EQ(frames.At(Table().eptp() & ~0xfffull) & 0xfff, 0x7u);
}

TEST_F(TableBuilderTest, TablesGrantUserExecutionUnderMbec) {
  controls.secondary |= 1u << 22;
  Table().Map(Gpa{}, Hpa{}, PageSize::k4KByte,
              EptFlags::kRead | EptFlags::kExecuteForUser);
  EXPECT_EQ(frames.At(Table().eptp() & ~0xfffull) & 0xfff, 0x407u);
  Translation translation;
  EXPECT_TRUE(Table().Translate(Gpa{}, Use::kUserFetch, translation).ok());
  EXPECT_EQ(Table().Translate(Gpa{}, Use::kSupervisorFetch, translation).error,
            TableError::kNotAllowed);
}

TEST_F(TableBuilderTest, FiveLevelsReachWhatTheArchitectureDoes) {
  controls = TableControls(/*eptp=*/0x26);
  const std::uint64_t last = (1ull << 52) - k4K;
  ASSERT_TRUE(
      Table().Map(Gpa{last}, Hpa{0x7000}, PageSize::k4KByte, kRam).ok());
  EXPECT_EQ(frames.in_use.size(), 5u);
  EXPECT_EQ(At(last).hpa, Hpa{0x7000});
  EXPECT_EQ(Table().Map(Gpa{1ull << 52}, Hpa{}, PageSize::k4KByte, kRam).error,
            TableError::kOutOfRange);
}

TEST_F(TableBuilderTest, RegionTakesTheLargestPages) {
  // 4 KBytes before a 2-MByte boundary to 4 KBytes after 3 GBytes.
  const std::uint64_t begin = k1G - k2M - k4K;
  const std::uint64_t end = 3 * k1G + k4K;
  ASSERT_TRUE(
      Table().MapRegion(Gpa{begin}, Hpa{begin + k1G}, end - begin, kRam).ok());
  const std::vector<Mapping> expected = {
      {Gpa{begin}, Hpa{begin + k1G}, k4K, kRam},
      {Gpa{k1G - k2M}, Hpa{2 * k1G - k2M}, k2M, kRam},
      {Gpa{k1G}, Hpa{2 * k1G}, k1G, kRam},
      {Gpa{2 * k1G}, Hpa{3 * k1G}, k1G, kRam},
      {Gpa{3 * k1G}, Hpa{4 * k1G}, k4K, kRam}};
  EXPECT_EQ(All(), expected);
}

TEST_F(TableBuilderTest, PagesAreNoLargerThanAskedForAndThanTheProcessorHas) {
  constexpr struct {
    std::uint64_t hpa;
    PageSize largest;
    std::uint64_t missing;
    EptFlags more;
    std::uint64_t pages;  // of 1 GByte
    const char* words;
  } kCases[] = {
      {0, PageSize::k1GByte, 0, {}, 1, "1-GByte pages"},
      {k2M, PageSize::k1GByte, 0, {}, 512, "not aligned"},
      {0, PageSize::k2MByte, 0, {}, 512, "not wanted"},
      {0, PageSize::k1GByte, 1 << 17, {}, 512, "not there"},
      {k4K, PageSize::k1GByte, 0, {}, 512 * 512, "aligned to 4 KBytes"},
      {0, PageSize::k1GByte, 3 << 16, {}, 512 * 512, "only 4 KBytes there"},
      {0, PageSize::k1GByte, 0, EptFlags::kSubPageWrite, 512 * 512, "SPP"},
  };
  for (const auto& c : kCases) {
    table.reset();
    processor = TableProcessor();
    processor.ept_vpid_cap &= ~c.missing;
    controls.secondary |= 1u << 23;  // SPP
    ASSERT_TRUE(
        Table()
            .MapRegion(Gpa{}, Hpa{c.hpa}, k1G, kReadOnly | c.more, c.largest)
            .ok());
    EXPECT_EQ(All().size(), c.pages) << c.words;
  }
}

TEST_F(TableBuilderTest, AbsentEntriesHoldWhatTheVmmWants) {
  unused = EptEntry(1ull << 63);
  Table().Map(Gpa{k1G}, Hpa{}, PageSize::k1GByte, kRam);
  Table().UnmapRegion(Gpa{k1G + k2M}, k2M);
  EXPECT_EQ(Entry(0), 1ull << 63);
  EXPECT_EQ(Entry(k1G + k2M), 1ull << 63);
  Table().UnmapRegion(Gpa{k1G}, k1G);
  EXPECT_EQ(frames.At(Table().eptp() & ~0xfffull), 1ull << 63);
}

TEST_F(TableBuilderTest, IterationStopsWhereItIsTold) {
  Table().MapRegion(Gpa{}, Hpa{}, 8 * k4K, kRam);
  int visited = 0;
  Table().ForEach(Gpa{k4K}, k1G, [&](const Mapping&) { return ++visited < 3; });
  EXPECT_EQ(visited, 3);
}

TEST_F(TableBuilderTest, RangesEndWhereAnythingChanges) {
  Table().MapRegion(Gpa{}, Hpa{k1G}, 3 * k2M, kRam);  // large pages
  Table().MapRegion(Gpa{3 * k2M}, Hpa{k1G + 3 * k2M}, 5 * k4K, kRam);
  Table().MapRegion(Gpa{3 * k2M + 5 * k4K}, Hpa{k4K}, k4K, kRam);
  Table().MapRegion(Gpa{3 * k2M + 7 * k4K}, Hpa{3 * k4K}, 9 * k4K, kRam);
  Table().ProtectRegion(Gpa{3 * k2M + 9 * k4K}, k4K, EptFlags::kRead);
  const std::uint64_t end = std::uint64_t{1} << 46;
  Table().MapRegion(Gpa{k1G}, Hpa{end - 2 * k4K}, 2 * k4K, kRam);
  std::vector<std::array<std::uint64_t, 3>> seen;
  const auto see = [&](const Mapping& range) {
    seen.push_back({range.gpa.value, range.hpa.value, range.bytes / k4K});
    return seen.size() < 7;
  };
  Table().ForEachRange(Gpa{k4K}, 2 * k1G, see);
  const std::vector<std::array<std::uint64_t, 3>> expected = {
      {k4K, k1G + k4K, 3 * 512 + 4},    {3 * k2M + 5 * k4K, k4K, 1},
      {3 * k2M + 7 * k4K, 3 * k4K, 2},  {3 * k2M + 9 * k4K, 5 * k4K, 1},
      {3 * k2M + 10 * k4K, 6 * k4K, 6}, {k1G, end - 2 * k4K, 2}};
  EXPECT_EQ(seen, expected);
  seen.resize(6);  // it is seen enough at the next one
  Table().ForEachRange(Gpa{}, 2 * k1G, see);
  EXPECT_EQ(seen.size(), 7u);
}

TEST_F(TableBuilderTest, TranslatesAsTheProcessorWould) {
  controls.tertiary = 1u << 2;  // paging-write control
  const EptFlags type = EptFlags::kWriteThrough;
  Table().Map(Gpa{k2M}, Hpa{k1G}, PageSize::k2MByte, EptFlags::kExecute | type);
  Table().Map(Gpa{}, Hpa{k4K}, PageSize::k4KByte,
              EptFlags::kRead | EptFlags::kPagingWrite | type);
  constexpr struct {
    std::uint64_t gpa;
    Use use;
    TableError error;
    std::uint64_t hpa;
    int shift;
  } kCases[] = {
      {0x123, Use::kRead, TableError::kNone, 0x1123, 12},
      {0x123, Use::kWrite, TableError::kNotAllowed, 0, 0},
      {0x123, Use::kPagingUpdate, TableError::kNone, 0x1123, 12},
      {k2M + 1, Use::kSupervisorFetch, TableError::kNone, k1G + 1, 21},
      {k2M + 1, Use::kRead, TableError::kNotAllowed, 0, 0},
      {k4K, Use::kRead, TableError::kNotMapped, 0, 0},
      {0x123, static_cast<Use>(9), TableError::kNotAllowed, 0, 0},
      {0x123, static_cast<Use>(255), TableError::kNotAllowed, 0, 0},
      {1ull << 48, Use::kRead, TableError::kOutOfRange, 0, 0},
  };
  for (const auto& c : kCases) {
    Translation translation;
    EXPECT_EQ(Table().Translate(Gpa{c.gpa}, c.use, translation).error, c.error);
    if (c.error != TableError::kNone) continue;
    EXPECT_EQ(translation.address, Hpa{c.hpa});
    EXPECT_EQ(translation.page_shift, c.shift);
    EXPECT_EQ(translation.memory_type, MemoryType::kWriteThrough);
    EXPECT_EQ(translation.structure_memory_type, MemoryType::kWriteBack);
  }
}

TEST_F(TableBuilderTest, MovesAndIsDestroyedAfterInvept) {
  Table().Map(Gpa{}, Hpa{}, PageSize::k4KByte, kRam);
  Builder moved = std::move(Table());
  table.reset();
  EXPECT_EQ(frames.in_use.size(), 4u);
  frames.on_free = [&](Hpa) { EXPECT_EQ(frames.invepts, 1); };
  {
    const Builder last = std::move(moved);
  }
  frames.on_free = nullptr;
  EXPECT_EQ(Invepts(), 1);
  EXPECT_TRUE(frames.in_use.empty());
}

}  // namespace
}  // namespace eptdiff
