// A sweep says what the walk says of each page that it covers and does not
// cover, in ranges that could not be longer.
#include "engine/walk/sweep.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <vector>

#include "engine/walk/random_tables.h"
#include "engine/walk/test_machine.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kPage = 4096;

// What a range says of one of its pages.
Translation At(const SweptRange& range, std::uint64_t gpa) {
  Translation page = range.first;
  page.address.value += gpa - range.gpa.value;
  return page;
}

class SweepTest : public testing::Test {
 protected:
  template <typename Memory>
  void ExpectWhatWalksSay(const TestMachine& m, const Memory& memory) {
    const Engine engine(m.processor, m.controls, m.guest);
    const auto use = static_cast<Use>(random_() % kUseCount);
    const auto pat = static_cast<std::uint8_t>(random_() % 8);
    const std::uint64_t begin =
        (random_() % (1ull << 52)) >> random_() % 8 & ~(kPage - 1);
    const std::uint64_t pages = 1 + random_() % 3000;

    std::vector<SweptRange> ranges;
    engine.SweepRanges(
        memory, Gpa{begin}, pages * kPage, use,
        [&](const SweptRange& range) { ranges.push_back(range); }, pat);
    auto range = ranges.begin();
    std::optional<Translation> before;  // of the last page
    for (std::uint64_t i = 0; i < pages; ++i) {
      const std::uint64_t gpa = begin + i * kPage;
      Translation page;
      const bool translates =
          engine.Translate(memory, Gpa{gpa}, use, page, pat);
      if (range != ranges.end() && range->gpa.value + range->bytes == gpa) {
        ++range;
      }
      const bool covered = range != ranges.end() && range->gpa.value <= gpa;
      ASSERT_EQ(covered, translates) << std::hex << gpa;
      if (!translates) {
        before.reset();
        continue;
      }
      ASSERT_EQ(At(*range, gpa), page) << std::hex << gpa;
      if (before) before->address.value += kPage;
      ASSERT_EQ(range->gpa.value == gpa, before != page)
          << std::hex << gpa << " begins a range, or should";
      before = page;
      ++ranged_;
      began_ += range->gpa.value == gpa;
    }
    ASSERT_TRUE(range == ranges.end() || range + 1 == ranges.end());
    if (range != ranges.end()) {
      EXPECT_EQ(range->gpa.value + range->bytes, begin + pages * kPage);
    }
  }

  std::mt19937_64 random_{1};
  int ranged_ = 0;
  int began_ = 0;
};

TEST_F(SweepTest, CoversWhatWalksTranslate) {
  for (int i = 0; i < 1500; ++i) {
    TestMachine m = RandomTables(random_);
    const FlatMemory memory(m.words.data(), m.words.size() * 8);
    ASSERT_NO_FATAL_FAILURE(ExpectWhatWalksSay(m, memory)) << i;
    ASSERT_NO_FATAL_FAILURE(ExpectWhatWalksSay(m, OnlyWords(memory))) << i;
  }
  EXPECT_GT(ranged_, 20'000);
  EXPECT_GT(began_, 1'000);
}

TEST(RunLengthTest, CountsWhatGoesOn) {
  for (int odd = 0; odd <= 40; ++odd) {
    const auto load = [odd](int i, std::uint64_t& word) {
      word = 0x1037 + 0x1000 * static_cast<std::uint64_t>(i);
      if (i == odd) word ^= 0x100;
      return i != 30;
    };
    for (int first = 0; first <= 20; ++first) {
      const std::uint64_t entry =
          0x1037 + 0x1000 * static_cast<std::uint64_t>(first);
      const int end = odd < first ? 30 : std::min(odd, 30);
      EXPECT_EQ(engine::RunLength(
                    load, [](int) {}, first, 40, entry, 0x1000),
                end - first)
          << odd << " " << first;
      EXPECT_EQ(engine::RunLength(
                    load, [](int) {}, first, first + 5, entry, 0x1000),
                std::min(end - first, 5));
    }
  }
}

TEST_F(SweepTest, StopsWhereItIsToldAndAtTheEndOfAllAddresses) {
  TestMachine m;
  for (int i = 0; i < 512; ++i) m.At(0x4000 + 8 * i) = 0x9037;  // all one page
  const FlatMemory memory(m.words.data(), m.words.size() * 8);
  const Engine engine(m.processor, m.controls, m.guest);
  const std::uint64_t table =
      TestMachine::kGpa.value & ~std::uint64_t{0x1fffff};
  std::vector<SweptRange> seen;
  const auto see = [&](const SweptRange& range) {
    seen.push_back(range);
    return seen.size() != 3;
  };
  engine.SweepRanges(memory, Gpa{table}, 0x200000, Use::kRead, see);
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[2], (SweptRange{Gpa{table + 0x2000},
                                 0x1000,
                                 {Hpa{0x9000}, 12, MemoryType::kWriteBack,
                                  MemoryType::kWriteBack}}));
  seen.clear();
  engine.SweepRanges(memory, Gpa{table + 0x1ff800}, ~std::uint64_t{0},
                     Use::kRead, see);
  ASSERT_EQ(seen.size(), 1u);  // to the end of the table's range
  EXPECT_EQ(seen[0].bytes, 0x800u);
  EXPECT_EQ(seen[0].first.address, Hpa{0x9800});
  seen.clear();
  engine.SweepRanges(memory, Gpa{table}, 0, Use::kRead, see);
  engine.SweepRanges(memory, Gpa{table}, 0x1000, static_cast<Use>(9), see);
  EXPECT_TRUE(seen.empty());
}

}  // namespace
}  // namespace eptdiff
