// The part of walk_benchmark that is about linear addresses.
#ifndef EPTDIFF_ENGINE_BENCHMARKS_LINEAR_WALK_BENCHMARK_H_
#define EPTDIFF_ENGINE_BENCHMARKS_LINEAR_WALK_BENCHMARK_H_

namespace eptdiff {

void RegisterLinearWalks();

}  // namespace eptdiff

#endif  // EPTDIFF_ENGINE_BENCHMARKS_LINEAR_WALK_BENCHMARK_H_
