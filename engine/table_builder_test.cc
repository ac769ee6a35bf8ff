#include "engine/table_builder.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/test_frames.h"

namespace eptdiff {
namespace {

constexpr EptFlags kRwx =
    EptFlags::kRead | EptFlags::kWrite | EptFlags::kExecute;
constexpr EptFlags kRam = kRwx | EptFlags::kWriteBack;
constexpr EptFlags kReadOnly = EptFlags::kRead | EptFlags::kWriteBack;
constexpr std::uint64_t k4K = 0x1000, k2M = 0x200000, k1G = 0x40000000;

class TableBuilderTest : public testing::Test {
 protected:
  using Builder = TableBuilder<TestFrames>;

  ~TableBuilderTest() override {
    table.reset();
    EXPECT_TRUE(frames.in_use.empty()) << frames.in_use.size() << " leaked";
    EXPECT_TRUE(frames.faults.empty()) << frames.faults.front();
  }
  // The table, made at first use.
  Builder& Table() {
    if (!table.has_value()) {
      TableError error;
      std::optional<Builder> made =
          Builder::Create(frames, processor, controls, error, unused);
      EXPECT_EQ(error, TableError::kNone);
      table.emplace(std::move(*made));
    }
    return *table;
  }
  std::vector<Mapping> All() {
    std::vector<Mapping> all;
    Table().ForEach(Gpa{}, Table().format().gpa_end(),
                    [&](const Mapping& page) { all.push_back(page); });
    return all;
  }
  Mapping At(std::uint64_t gpa) {
    Mapping page;
    EXPECT_TRUE(Table().Query(Gpa{gpa}, page).ok()) << std::hex << gpa;
    return page;
  }
  TableError Error(std::uint64_t gpa) {
    Mapping page;
    return Table().Query(Gpa{gpa}, page).error;
  }
  // The INVEPTs since the last call.
  int Invepts() { return std::exchange(frames.invepts, 0); }
  // The word of the entry that maps `gpa`, to be tampered with.
  std::uint64_t& Entry(std::uint64_t gpa) {
    std::uint64_t entry = Table().eptp();
    for (int level = Table().format().levels();; --level) {
      const std::uint64_t address =
          (entry & bits::kAddress) + (gpa >> (9 * level) & 0xff8);
      std::uint64_t& word = frames.At(address);
      if (level == 1 || (word & 0x80) != 0 || (word & 7) == 0) return word;
      entry = word;
    }
  }

  TestFrames frames;
  Processor processor = TableProcessor();
  Controls controls = TableControls();
  EptEntry unused;
  std::optional<Builder> table;
};

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

TEST_F(TableBuilderTest, UnmapOfThePartOfALargePageKeepsTheRest) {
  Table().Map(Gpa{0}, Hpa{k1G}, PageSize::k1GByte, kRam);
  ASSERT_TRUE(Table().UnmapRegion(Gpa{k2M + k4K}, k4K).ok());
  EXPECT_EQ(Invepts(), 1);
  const std::vector<Mapping> all = All();
  ASSERT_EQ(all.size(), 511u + 511u);
  EXPECT_EQ(At(k2M), (Mapping{Gpa{k2M}, Hpa{k1G + k2M}, k4K, kRam}));
  EXPECT_EQ(Error(k2M + k4K), TableError::kNotMapped);
  EXPECT_EQ(At(k1G - 1).bytes, k2M);
}

TEST_F(TableBuilderTest, ProtectSplitsMergeHeals) {
  Table().Map(Gpa{0}, Hpa{k1G}, PageSize::k1GByte, kRam);
  ASSERT_TRUE(Table().ProtectRegion(Gpa{k2M}, k4K, kReadOnly).ok());
  EXPECT_EQ(Invepts(), 1);
  EXPECT_EQ(frames.in_use.size(), 4u);
  EXPECT_EQ(At(k2M).flags, kReadOnly);
  ASSERT_TRUE(Table().ProtectRegion(Gpa{0}, k1G, kRam).ok());
  EXPECT_EQ(Invepts(), 0);
  ASSERT_TRUE(Table().MergeRegion(Gpa{0}, k1G).ok());
  EXPECT_EQ(Invepts(), 1);
  EXPECT_EQ(All(), (std::vector<Mapping>{{Gpa{0}, Hpa{k1G}, k1G, kRam}}));
  EXPECT_EQ(frames.in_use.size(), 2u);
}

}  // namespace
}  // namespace eptdiff
