// Medians and ratios of a run of benchmarks, for machines whose clock wanders:
// only what was measured side by side can be compared.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ENGINE_BENCHMARKS_RATIO_REPORTER_H_
#define EPTDIFF_ENGINE_BENCHMARKS_RATIO_REPORTER_H_

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

namespace eptdiff {

// Prints as the console does, and keeps what the summary needs.
class RatioReporter : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.run_type == Run::RT_Iteration && !run.error_occurred) {
        times_[run.run_name.function_name].push_back(run.GetAdjustedCPUTime());
      }
    }
    ConsoleReporter::ReportRuns(runs);
  }

  // "latency/walk/4K/off" is set against "latency/bare/4K/off".
  void PrintRatios() const {
    std::printf("\n%-28s %10s %10s %8s\n", "median", "ns", "bare ns", "ratio");
    for (const auto& [name, times] : times_) {
      const std::size_t first = name.find('/') + 1;
      const std::size_t last = name.find('/', first);
      if (name.substr(first, last - first) == "bare") continue;
      const auto bare =
          times_.find(name.substr(0, first) + "bare" + name.substr(last));
      if (bare == times_.end()) continue;
      const double ns = Median(times);
      const double bare_ns = Median(bare->second);
      std::printf("%-28s %10.2f %10.2f %8.2f\n", name.c_str(), ns, bare_ns,
                  ns / bare_ns);
    }
  }

 private:
  static double Median(std::vector<double> times) {
    std::nth_element(times.begin(), times.begin() + times.size() / 2,
                     times.end());
    return times[times.size() / 2];
  }
  std::map<std::string, std::vector<double>> times_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ENGINE_BENCHMARKS_RATIO_REPORTER_H_
