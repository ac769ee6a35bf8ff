// Which process of a fuzzing run runs which target. Answers are compared as
// well without sanitizers, several times as fast; what guards our own memory
// needs few cases. So most of the processors' time goes to targets without
// them, and each target is run with them, too.
//
// Where there are processors enough that is a matter of numbers. On fewer, the
// scheduler deals out the time: who is nicer gets less of it.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_FUZZ_JOB_PLAN_H_
#define EPTDIFF_FUZZERS_COMMAND_FUZZ_JOB_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace eptdiff {

struct PlannedJob {
  std::size_t target;  // its number
  int niceness = 0;
};

// For `count` targets, numbers 0 to count - 1, each of which has a twin without
// sanitizers, of number twins[target], or none (its own number): at least
// `processes` jobs, one of each target and each twin at least. Of the time of
// those that have a twin, about `percent` goes to jobs with sanitizers.
std::vector<PlannedJob> PlanJobs(const std::vector<std::size_t>& twins,
                                 std::uint64_t processes, unsigned percent);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_FUZZ_JOB_PLAN_H_
