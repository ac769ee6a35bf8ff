#include "fuzzers/command/fuzz/fuzz_history.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

FuzzResult At(double seconds, double cases) {
  FuzzResult result;
  result.seconds = seconds;
  result.by_target = {WorkerStats::Parse(absl::StrCat("cases ", cases, "\n"))};
  result.stats = WorkerStats::Parse(
      absl::StrCat("cases ", cases, "\nrule.CFG-9 1\nrule.CFG-8 0\n"));
  return result;
}

TEST(FuzzHistoryTest, KeepsTheBeginningTheEndAndAFewHundredBetween) {
  FuzzHistory history;
  for (int i = 0; i <= 100000; ++i) history.Add(At(i * 0.25, i));
  const auto& moments = history.moments();
  EXPECT_LE(moments.size(), 600u);
  EXPECT_GE(moments.size(), 250u);
  EXPECT_EQ(moments.front().seconds, 0);
  EXPECT_EQ(moments.back().seconds, 25000);
  EXPECT_EQ(moments.back().cases, std::vector<double>{100000});
  EXPECT_EQ(moments.back().rules_met, 1u);
  // None is far from the next.
  for (std::size_t i = 1; i < moments.size(); ++i) {
    EXPECT_GT(moments[i].seconds, moments[i - 1].seconds);
    EXPECT_LT(moments[i].seconds - moments[i - 1].seconds, 200);
  }
}

TEST(FuzzHistoryTest, WhatWasAddedLastIsThere) {
  FuzzHistory history;
  history.Add(At(0, 0));
  history.Add(At(0.1, 7));
  EXPECT_EQ(history.moments().back().cases[0], 7);
  history.Add(At(0.2, 9));
  EXPECT_EQ(history.moments().size(), 2u);
  EXPECT_EQ(history.moments().back().cases[0], 9);
}

TEST(FuzzHistoryTest, AFindingHasTheTimeAtWhichItWasKnownFirst) {
  FuzzHistory history;
  history.Add(At(1, 1));
  FuzzResult result = At(2, 2);
  result.found["a"].count = 1;
  history.Add(result);
  result.seconds = 3;
  history.Add(result);
  EXPECT_EQ(history.FirstSeen("a"), 2);
  EXPECT_EQ(history.FirstSeen("b"), -1);
  EXPECT_EQ(history.moments().back().found, 1u);
}

}  // namespace
}  // namespace eptdiff
