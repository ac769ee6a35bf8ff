#include "fuzzers/command/fuzz/job_plan.h"

#include <algorithm>
#include <cmath>

namespace eptdiff {
namespace {

// What one step of niceness costs, of the time that a process gets (Linux).
constexpr double kOneNicer = 1.25;
constexpr int kNicest = 19;

// How nice `few` processes must be to get `percent` of the time, where there
// are `many` beside them.
int NicenessOf(double few, double many, double percent) {
  const double weight = many * percent / ((100 - percent) * few);
  const double niceness = std::round(-std::log(weight) / std::log(kOneNicer));
  return static_cast<int>(std::clamp(niceness, 0.0, double{kNicest}));
}

}  // namespace

std::vector<PlannedJob> PlanJobs(const std::vector<std::size_t>& twins,
                                 std::uint64_t processes, unsigned percent) {
  const std::uint64_t count = twins.size();
  std::vector<std::size_t> plain;
  for (std::size_t i = 0; i < count; ++i) {
    if (twins[i] != i) plain.push_back(twins[i]);
  }
  std::vector<PlannedJob> jobs;
  if (plain.empty() || percent >= 100) {
    for (std::uint64_t i = 0; i < std::max(processes, count); ++i) {
      jobs.push_back({i % count});
    }
    return jobs;
  }
  const std::uint64_t few =
      std::max<std::uint64_t>(count, (processes * percent + 50) / 100);
  const std::uint64_t many = std::max<std::uint64_t>(
      plain.size(), processes - std::min(processes, few));
  const int niceness =
      NicenessOf(static_cast<double>(few), static_cast<double>(many), percent);
  for (std::uint64_t i = 0; i < many; ++i) {
    jobs.push_back({plain[i % plain.size()]});
  }
  for (std::uint64_t i = 0; i < few; ++i) {
    const std::size_t target = i % count;
    // Who has no twin does the whole of the work.
    jobs.push_back({target, twins[target] == target ? 0 : niceness});
  }
  return jobs;
}

}  // namespace eptdiff
