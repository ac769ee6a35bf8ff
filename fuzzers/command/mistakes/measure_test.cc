// Mistakes that no list has, a few of them: how well they are named now. What
// is reached is not given up again.
#include "fuzzers/command/mistakes/measure.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "fuzzers/command/mistakes/planted_mistake.h"

namespace eptdiff {
namespace {

TEST(MeasureTest, TheSameNumberIsTheSameMistake) {
  EXPECT_EQ(DrawMistake(7).words, DrawMistake(7).words);
  EXPECT_NE(DrawMistake(7).words, DrawMistake(8).words);
}

TEST(MeasureTest, AWalkerWithoutAMistakeIsNoticedForNothing) {
  // One that is planted where nothing follows from it.
  const MistakeResult result = Measure(3, 2000);
  EXPECT_EQ(result.findings, 0u) << result.words << "\n" << result.headline;
}

TEST(MeasureTest, MistakesThatNoListHasAreNamed) {
  constexpr std::uint64_t kMistakes = 14;
  constexpr std::uint64_t kCases = 5000;
  std::vector<MistakeResult> results;
  for (std::uint64_t i = 1; i <= kMistakes; ++i) {
    results.push_back(Measure(i, kCases));
  }
  const MistakeTotals totals = TotalsOf(results);
  EXPECT_GE(totals.noticed, 12u);
  EXPECT_GE(totals.named, 11u);
  EXPECT_GE(totals.whole, 10u);
  EXPECT_GE(totals.three, 10u);
  EXPECT_GE(totals.one, 7u);
}

}  // namespace
}  // namespace eptdiff
