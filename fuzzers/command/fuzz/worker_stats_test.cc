#include "fuzzers/command/fuzz/worker_stats.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(WorkerStatsTest, WorkersAreSummed) {
  WorkerStats sum = WorkerStats::Parse("cases 10\nrule.CFG-8 2\nseconds 1.5\n");
  sum.Add(WorkerStats::Parse("cases 5\nrule.CFG-9 1\n"));
  EXPECT_EQ(sum.Get("cases"), 15);
  EXPECT_EQ(sum.Get("seconds"), 1.5);
  EXPECT_EQ(sum.Get("steps"), 0);
  EXPECT_THAT(sum.Under("rule."),
              ElementsAre(Pair("CFG-8", 2), Pair("CFG-9", 1)));
}

TEST(WorkerStatsTest, WhatIsNoCounterIsLeftOut) {
  const WorkerStats stats =
      WorkerStats::Parse("\ncases\ncases many\n 3\ncases nan\ncases 4");
  EXPECT_EQ(stats.Get("cases"), 4);
  EXPECT_TRUE(stats.Under("x").empty());
}

TEST(WorkerStatsTest, ShareOfNothingIsNothing) {
  const WorkerStats stats = WorkerStats::Parse("leaves 3\naccesses 4\n");
  EXPECT_EQ(stats.Share("leaves", "accesses"), 0.75);
  EXPECT_EQ(stats.Share("leaves", "none"), 0);
}

}  // namespace
}  // namespace eptdiff
