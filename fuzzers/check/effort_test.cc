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
  EXPECT_TRUE(quarter.AllowsTime(seconds(0), seconds(0)));
  EXPECT_TRUE(quarter.AllowsTime(seconds(5), seconds(20)));
  EXPECT_FALSE(quarter.AllowsTime(seconds(6), seconds(20)));
  EXPECT_TRUE(Effort(90).AllowsTime(seconds(17), seconds(20)));
  EXPECT_FALSE(Effort(1).AllowsTime(seconds(1), seconds(20)));
}

}  // namespace
}  // namespace eptdiff
