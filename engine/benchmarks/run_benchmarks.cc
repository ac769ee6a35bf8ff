#include "engine/benchmarks/run_benchmarks.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

namespace eptdiff {
namespace {

double Median(std::vector<double> times) {
  const auto middle =
      times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

// Shows what --benchmark_format asks for, and keeps what the table needs.
class RatioReporter : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context& context) override {
    return shown_.ReportContext(context);
  }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.error_occurred) {
        failed_ = true;
      } else if (run.run_type == Run::RT_Iteration) {
        times_[run.run_name.function_name].push_back(run.GetAdjustedCPUTime());
      }
    }
    shown_.ReportRuns(runs);
  }
  void Finalize() override { shown_.Finalize(); }

  bool failed() const { return failed_; }

  void PrintRatios() const {
    if (dynamic_cast<benchmark::ConsoleReporter*>(&shown_) == nullptr) return;
    const char* title = "\n%-28s %10s %10s %8s\n";
    for (const auto& [name, times] : times_) {
      const auto bare = times_.find(BareOf(name));
      if (bare == times_.end() || bare->first == name) continue;
      if (title != nullptr) {
        std::printf(title, "median", "ns", "bare ns", "ratio");
        title = nullptr;
      }
      const double ns = Median(times);
      const double bare_ns = Median(bare->second);
      std::printf("%-28s %10.2f %10.2f %8.2f\n", name.c_str(), ns, bare_ns,
                  ns / bare_ns);
    }
  }

 private:
  static std::string BareOf(const std::string& name) {
    const std::size_t first = name.find('/') + 1;
    const std::size_t last = name.find('/', first);
    if (first == 0 || last == std::string::npos) return name;
    return name.substr(0, first) + "bare" + name.substr(last);
  }

  // The library's own.
  benchmark::BenchmarkReporter& shown_ =
      *benchmark::CreateDefaultDisplayReporter();
  std::map<std::string, std::vector<double>> times_;
  bool failed_ = false;
};

}  // namespace

int RunBenchmarks(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  RatioReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  reporter.PrintRatios();
  return reporter.failed() ? 1 : 0;
}

}  // namespace eptdiff
