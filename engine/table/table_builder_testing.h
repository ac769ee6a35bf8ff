// What the tests of TableBuilder share: a builder over frames that are counted.
// Thread-safety: for tests with one thread.
#ifndef EPTDIFF_ENGINE_TABLE_TABLE_BUILDER_TESTING_H_
#define EPTDIFF_ENGINE_TABLE_TABLE_BUILDER_TESTING_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "engine/table/table_builder.h"
#include "engine/table/test_frames.h"

namespace eptdiff {

inline constexpr EptFlags kRwx =
    EptFlags::kRead | EptFlags::kWrite | EptFlags::kExecute;
inline constexpr EptFlags kRam = kRwx | EptFlags::kWriteBack;
inline constexpr EptFlags kReadOnly = EptFlags::kRead | EptFlags::kWriteBack;
inline constexpr std::uint64_t k4K = 0x1000, k2M = 0x200000, k1G = 0x40000000;

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
  // The word of the entry that maps `gpa`, or of the one of level `lowest` on
  // the way there, to be tampered with.
  std::uint64_t& Entry(std::uint64_t gpa, int lowest = 1) {
    std::uint64_t entry = Table().eptp();
    for (int level = Table().format().levels();; --level) {
      const std::uint64_t address =
          (entry & bits::kAddress) + (gpa >> (9 * level) & 0xff8);
      std::uint64_t& word = frames.At(address);
      if (level == lowest || (word & 0x80) != 0 || (word & 7) == 0) return word;
      entry = word;
    }
  }

  TestFrames frames;
  Processor processor = TableProcessor();
  Controls controls = TableControls();
  EptEntry unused;
  std::optional<Builder> table;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ENGINE_TABLE_TABLE_BUILDER_TESTING_H_
