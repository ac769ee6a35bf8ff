// Which rules a corpus decides, told: `eptdiff rules --corpus`.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_REPORT_DECIDED_REPORT_H_
#define EPTDIFF_FUZZERS_COMMAND_REPORT_DECIDED_REPORT_H_

#include <cstddef>
#include <string>
#include <vector>

#include "fuzzers/command/distill/decided.h"
#include "oracle/rules.h"

namespace eptdiff {

struct DecidedRule {
  Rule rule = Rule::kWalk6;
  std::size_t cases = 0;  // that decide it
  std::size_t alterations = 0;
  std::vector<std::string> untold;  // those that no case tells from the SDM
};

// All that the reference asks, in the order of the catalogue.
std::vector<DecidedRule> DecidedRulesOf(const DecidedRules& decided);

// "2 of 3, not CFG-9/mask": what stands below kToldWords.
std::string ToldWords(const DecidedRule& rule);
inline constexpr char kToldWords[] = "alterations told from the SDM";

// "12 cases decide 3 of 184 rules".
std::string CorpusWords(std::size_t cases, const DecidedRules& decided);

// Before the matrix: "Cases that decide a rule in a situation, ...".
std::string MatrixWords();

// The table, the sums, the matrix and what is missing in it.
std::string DecidedText(std::size_t cases, const DecidedRules& decided);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_REPORT_DECIDED_REPORT_H_
