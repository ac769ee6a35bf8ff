// What the workers of a fuzzing run count, and the sum of it.
//
// A worker rewrites the file that EPTDIFF_STATS names about once a second, as
// lines "name value": cases, steps, accesses, leaves, alias, seconds,
// oracle.<name>.cases, .answered, .compared and .skipped.<reason>,
// muted.<signature>, rule.<identifier>. Names that are not known here are kept:
// the report groups them by their beginnings.
// Thread-safety: plain values.
#ifndef EPTDIFF_FUZZERS_COMMAND_FUZZ_WORKER_STATS_H_
#define EPTDIFF_FUZZERS_COMMAND_FUZZ_WORKER_STATS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace eptdiff {

class WorkerStats {
 public:
  // Lines that are no "name value" are left out.
  static WorkerStats Parse(absl::string_view text);

  void Add(const WorkerStats& other);

  // 0 for what was never counted.
  double Get(absl::string_view name) const;
  // `numerator` / `denominator`; 0 of nothing.
  double Share(absl::string_view numerator,
               absl::string_view denominator) const;

  // The counters whose name begins with `prefix`, by the rest of their names,
  // in alphabetical order.
  std::vector<std::pair<std::string, double>> Under(
      absl::string_view prefix) const;

 private:
  std::map<std::string, double> counters_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_FUZZ_WORKER_STATS_H_
