// Mistakes that no list has, a few of them: how well they are named now. What
// is reached is not given up again.
#include "fuzzers/command/mistakes/measure.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "fuzzers/command/mistakes/planted_mistake.h"

namespace eptdiff {
namespace {

TEST(MeasureTest, TheSameNumberIsTheSameMistake) {
  EXPECT_EQ(DrawMistake(7).words, DrawMistake(7).words);
  EXPECT_NE(DrawMistake(7).words, DrawMistake(8).words);
}

// How long it takes is no part of what is expected.
constexpr std::chrono::seconds kLong{3600};

TEST(MeasureTest, WhatMakesNoDifferenceIsNoFinding) {
  const MistakeResult result = Measure(3, 2000, kLong);
  EXPECT_EQ(result.findings, 0u) << result.words << "\n" << result.headline;
}

TEST(MeasureTest, MistakesThatNoListHasAreNamed) {
  constexpr std::uint64_t kMistakes = 10;
  constexpr std::uint64_t kCases = 10'000;
  std::vector<MistakeResult> results;
  std::string told;
  for (std::uint64_t i = 1; i <= kMistakes; ++i) {
    results.push_back(Measure(i, kCases, kLong));
    told += results.back().words + ": " + results.back().headline + "\n";
  }
  const MistakeTotals totals = TotalsOf(results);
  EXPECT_GE(totals.noticed, 9u) << told;
  EXPECT_GE(totals.one, 9u) << told;
  EXPECT_GE(totals.named, 9u) << told;
  EXPECT_GE(totals.whole, 8u) << told;
}

}  // namespace
}  // namespace eptdiff
