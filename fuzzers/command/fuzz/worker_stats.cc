#include "fuzzers/command/fuzz/worker_stats.h"

#include <cmath>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace eptdiff {

WorkerStats WorkerStats::Parse(absl::string_view text) {
  WorkerStats stats;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::size_t space = line.rfind(' ');
    double value;
    if (space == absl::string_view::npos || space == 0 ||
        !absl::SimpleAtod(line.substr(space + 1), &value) ||
        !std::isfinite(value)) {
      continue;
    }
    stats.counters_[std::string(line.substr(0, space))] += value;
  }
  return stats;
}

void WorkerStats::Add(const WorkerStats& other) {
  for (const auto& [name, value] : other.counters_) counters_[name] += value;
}

double WorkerStats::Get(absl::string_view name) const {
  const auto found = counters_.find(std::string(name));
  return found == counters_.end() ? 0 : found->second;
}

double WorkerStats::Share(absl::string_view numerator,
                          absl::string_view denominator) const {
  const double whole = Get(denominator);
  return whole == 0 ? 0 : Get(numerator) / whole;
}

std::vector<std::pair<std::string, double>> WorkerStats::Under(
    absl::string_view prefix) const {
  std::vector<std::pair<std::string, double>> found;
  for (auto i = counters_.lower_bound(std::string(prefix));
       i != counters_.end() && absl::StartsWith(i->first, prefix); ++i) {
    found.emplace_back(i->first.substr(prefix.size()), i->second);
  }
  return found;
}

}  // namespace eptdiff
