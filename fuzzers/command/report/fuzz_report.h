// A fuzzing run told: the live line, and report.json.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_REPORT_FUZZ_REPORT_H_
#define EPTDIFF_FUZZERS_COMMAND_REPORT_FUZZ_REPORT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "fuzzers/command/fuzz/fuzz_run.h"
#include "fuzzers/command/fuzz/triage.h"

namespace eptdiff {

// Time, cases, cases per second, leaf share, rules that were asked of all,
// skips, disagreements: less than 80 columns.
std::string LiveLine(const FuzzResult& result);

// Which rules the resulting corpus decides (decided.h), as far as it was
// looked at.
struct CorpusDecides {
  std::vector<std::string> undecided;  // rules
  std::size_t decided = 0;
  std::size_t total = 0;
  std::size_t cases = 0;      // looked at ...
  std::size_t all_cases = 0;  // ... of these
};

// "9 of 10 rules decided by 3 of the corpus's 4 cases; the others were not
// looked at".
std::string DecidedWords(const CorpusDecides& decides);

// Looks at the cases under `directory` for at most `seconds`.
CorpusDecides WhatCorpusDecides(const std::string& directory, double seconds);

// A disagreement as the report lists it.
struct Disagreed {
  std::string signature;
  std::string file;  // the regression case, else the artifact, else ""
  std::uint64_t count = 0;
  bool reproduced = false;  // by this process, outside the target
  std::string target;       // if not: that which found it; else ""
};
std::vector<Disagreed> DisagreementsOf(const FuzzResult& result,
                                       const TriageResult& triage);

// "1 disagreement"; "a signature (3 times), not reproduced here"; "to see it
// again: ...", "" where it is as plain.
std::string DisagreementsWords(std::size_t count);
std::string DisagreedWords(const Disagreed& disagreed);
std::string AgainWords(const Disagreed& disagreed);

// "1234 cases in 10 seconds (123 per second); ...".
std::string RunWords(const FuzzResult& result);

// What one oracle did: "623 comparisons; answered 71.3% of cases", and what it
// skipped, by reason, the most first.
struct OracleTold {
  std::string name;
  std::string words;
  double answered = 0;  // of the cases, 0 to 1
  std::vector<std::pair<std::string, double>> skipped;
};
std::vector<OracleTold> OraclesTold(const FuzzResult& result);

// The share of each shape in the cases about caches, and what that is of.
std::vector<std::pair<std::string, double>> ShapesOf(const WorkerStats& stats);
inline constexpr char kShapesWords[] =
    "between two accesses of a case about caches, what they use is";

std::string ReportJson(const FuzzOptions& options, const FuzzResult& result,
                       const CorpusDecides& decides,
                       const std::vector<Disagreed>& disagreements);

// The same for the screen.
std::string ReportText(const FuzzResult& result, const CorpusDecides& decides,
                       const std::vector<Disagreed>& disagreements);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_REPORT_FUZZ_REPORT_H_
