// Runs the registered benchmarks, with every option of Google Benchmark, and
// says how they compare: on machines whose clock wanders only what was measured
// side by side can be.
// Thread-safety: for one thread.
#ifndef EPTDIFF_ENGINE_BENCHMARKS_RUN_BENCHMARKS_H_
#define EPTDIFF_ENGINE_BENCHMARKS_RUN_BENCHMARKS_H_

namespace eptdiff {

// What main() returns: 2 for an option that there is not, 1 if a benchmark met
// an error. After the console's output (JSON and CSV are for programs, which
// read nothing else) a table of medians: "latency/walk/4K/off" is set against
// "latency/bare/4K/off".
int RunBenchmarks(int argc, char** argv);

}  // namespace eptdiff

#endif  // EPTDIFF_ENGINE_BENCHMARKS_RUN_BENCHMARKS_H_
