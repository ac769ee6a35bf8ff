#include "fuzzers/command/fuzz/job_plan.h"

#include <cmath>
#include <set>

#include "gtest/gtest.h"

namespace eptdiff {
namespace {

// Four targets, 0 to 3, with twins 4 to 7.
const std::vector<std::size_t> kTwins = {4, 5, 6, 7};

// The scheduler's: what share of the time goes to targets below 4.
double ShareWithSanitizers(const std::vector<PlannedJob>& jobs) {
  double with = 0;
  double all = 0;
  for (const PlannedJob& job : jobs) {
    const double weight = std::pow(1.25, -job.niceness);
    all += weight;
    if (job.target < 4) with += weight;
  }
  return with / all;
}

TEST(JobPlanTest, EachTargetRunsWithSanitizersAndWithout) {
  for (const std::uint64_t processes : {1u, 2u, 8u, 13u, 64u, 200u}) {
    for (const unsigned percent : {1u, 5u, 20u, 50u, 99u}) {
      const std::vector<PlannedJob> jobs = PlanJobs(kTwins, processes, percent);
      std::set<std::size_t> targets;
      for (const PlannedJob& job : jobs) targets.insert(job.target);
      EXPECT_EQ(targets.size(), 8u) << processes << ", " << percent;
      EXPECT_GE(jobs.size(), processes);
    }
  }
}

TEST(JobPlanTest, SanitizersGetTheirShareHoweverManyProcessors) {
  for (const std::uint64_t processes : {1u, 2u, 4u, 8u, 16u, 40u, 128u}) {
    for (const unsigned percent : {10u, 20u, 40u}) {
      EXPECT_NEAR(ShareWithSanitizers(PlanJobs(kTwins, processes, percent)),
                  percent / 100.0, 0.03)
          << processes;
    }
  }
}

TEST(JobPlanTest, WhoHasNoTwinIsRunAsItIs) {
  const std::vector<PlannedJob> jobs = PlanJobs({0, 1}, 3, 20);
  ASSERT_EQ(jobs.size(), 3u);
  EXPECT_EQ(jobs[2].target, 0u);
  for (const PlannedJob& job : jobs) EXPECT_EQ(job.niceness, 0);
  // All time for sanitizers: no twin is run.
  for (const PlannedJob& job : PlanJobs(kTwins, 6, 100)) {
    EXPECT_LT(job.target, 4u);
    EXPECT_EQ(job.niceness, 0);
  }
}

}  // namespace
}  // namespace eptdiff
