// What a run about builders has done, beside what every run counts
// (statistics.h). Lines "name value":
//   table.<operation>.<what>  operations: "done", "refused.<why>",
//                             "allocation_failed", and what happened in them
//   table.access.<how>        accesses by how they ended, and "stale": those
//                             that could have gone by what memory does not say
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_FEEDBACK_BUILDER_STATISTICS_H_
#define EPTDIFF_FUZZERS_FEEDBACK_BUILDER_STATISTICS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "oracle/builder/judge/builder_trial.h"

namespace eptdiff {

class BuilderStatistics {
 public:
  // Of an operation: done, why not, and what happened. Of an access: its kind,
  // how it ended, and whether anything stale was at hand.
  static constexpr std::size_t kErrors = 12;
  static constexpr std::size_t kOutcomes = kErrors + kHappeningCount;
  static constexpr std::size_t kOperationCounters =
      kTableOperationKindCount * kOutcomes;
  static constexpr std::size_t kAccessKinds = 7;
  static constexpr std::size_t kCounters =
      kOperationCounters + kAccessKinds * kAccessEndCount * 2;

  // Calls f(n) with the number, below kCounters, of each thing that the report
  // says.
  template <typename F>
  static void ForEach(const BuilderStepReport& report, F f) {
    if (report.step == nullptr) return;
    if (report.step->kind == StepKind::kTableOperation) {
      const std::size_t first =
          static_cast<std::size_t>(report.step->operation.kind) * kOutcomes;
      f(first + static_cast<std::size_t>(report.result.error));
      for (std::size_t i = 0; i < kHappeningCount; ++i) {
        if (report.happenings >> i & 1) f(first + kErrors + i);
      }
    } else if (report.verdict != nullptr) {
      const auto kind = static_cast<std::size_t>(report.step->access.kind);
      const auto end = static_cast<std::size_t>(report.end);
      f(kOperationCounters + (kind * kAccessEndCount + end) * 2 +
        (report.stale > 0 ? 1 : 0));
    }
  }

  void Observe(const BuilderStepReport& report) {
    ForEach(report, [this](std::size_t n) { ++counts_[n]; });
  }

  std::string Text() const;

 private:
  std::array<std::uint64_t, kCounters> counts_ = {};
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_FEEDBACK_BUILDER_STATISTICS_H_
