// Which findings have one cause: what a walker does is found out by experiment
// (experiment/experiments.h), what one that keeps translations does by what is
// known to be done (diagnosis/diagnosis.h), what a builder does by what sets
// its failing operations apart, or by experiment (check/builder_causes.h). The
// other findings are held against that.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_COMMAND_FUZZ_COMMON_CAUSES_H_
#define EPTDIFF_FUZZERS_COMMAND_FUZZ_COMMON_CAUSES_H_

#include <map>
#include <string>
#include <vector>

#include "fuzzers/command/panel/oracles.h"
#include "oracle/case.h"

namespace eptdiff {

// Findings of one cause.
struct CommonCause {
  std::string words;                    // what the oracle does, and when
  std::vector<std::string> signatures;  // the worst consequence first
};

// The oracle whose findings have signatures like this one, if its causes can be
// found out; "" if not: it is not one that a panel has, or keeps translations
// and is judged by known departures.
std::string OracleWithCauses(const std::string& signature);

// Of findings of this oracle, each with a case that shows it in its last step,
// those that have a cause in common with another; of a builder, all. It answers
// in this process, and may crash it.
std::vector<CommonCause> CommonCauses(const OracleOptions& options,
                                      const std::string& oracle,
                                      const std::map<std::string, Case>& cases);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_FUZZ_COMMON_CAUSES_H_
