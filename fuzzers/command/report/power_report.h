// What a run of `eptdiff power` says: in numbers, as text and as JSON.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_REPORT_POWER_REPORT_H_
#define EPTDIFF_FUZZERS_COMMAND_REPORT_POWER_REPORT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "fuzzers/command/fuzz/power_run.h"

namespace eptdiff {

// Over all alterations. One that was not noticed counts as the cap.
struct PowerSummary {
  std::size_t alterations = 0;
  std::size_t noticed = 0;
  std::uint64_t median = 0;  // executions, the upper one of two
  std::uint64_t worst = 0;
  double median_seconds = 0;  // of those that were noticed; 0: none
};
PowerSummary Summarise(const std::vector<std::string>& alterations,
                       const PowerResult& result);

// The table of figures, a row each.
struct PowerRow {
  std::string name;
  std::string structured;
  std::string bytes;
};
std::vector<PowerRow> PowerFigures(const std::vector<std::string>& alterations,
                                   const PowerResults& results);

// How many executions it took to notice one; the cap if it was not. In words,
// "not noticed" then.
std::uint64_t ExecutionsUntil(const std::string& alteration,
                              const PowerResult& result);
std::string ExecutionsWords(const std::string& alteration,
                            const PowerResult& result);

inline constexpr char kEquivalentWords[] =
    "Not among them, since no case can show them:";

// The table of figures, and the alterations that took longest or were not
// noticed, at most `longest` of them.
std::string PowerText(const std::vector<std::string>& alterations,
                      const PowerResults& results, std::size_t longest);

std::string PowerJson(const std::vector<std::string>& alterations,
                      const PowerOptions& options, const PowerResults& results);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_REPORT_POWER_REPORT_H_
