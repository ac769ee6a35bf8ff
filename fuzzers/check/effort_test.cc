#include "fuzzers/check/effort.h"

#include <gtest/gtest.h>

namespace eptdiff {
namespace {

using std::chrono::seconds;

TEST(EffortTest, AShareOfTheVerdictsIsForExperiments) {
  const Effort quarter(25);
  EXPECT_TRUE(quarter.AllowsVerdicts(399'999, 0));
  EXPECT_FALSE(quarter.AllowsVerdicts(400'000, 0));
  // A case counts as four verdicts, of which these are a third as many.
  EXPECT_TRUE(quarter.AllowsVerdicts(399'999 + 400'000, 300'000));
  EXPECT_FALSE(quarter.AllowsVerdicts(400'000 + 400'000, 300'000));
  EXPECT_TRUE(Effort(90).AllowsVerdicts(400'000 + 400'000, 300'000));
}

TEST(EffortTest, AShareOfTheTimeIsForDiagnosis) {
  const Effort quarter(25);
  EXPECT_EQ(quarter.TimeLeft(seconds(0), seconds(0)), seconds(0));
  EXPECT_EQ(quarter.TimeLeft(seconds(3), seconds(20)), seconds(2));
  EXPECT_EQ(quarter.TimeLeft(seconds(6), seconds(20)), seconds(-1));
  EXPECT_EQ(Effort(90).TimeLeft(seconds(17), seconds(20)), seconds(1));
}

}  // namespace
}  // namespace eptdiff
