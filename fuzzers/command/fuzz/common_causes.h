// Which findings have one cause: what an oracle does is found out by experiment
// (experiment/experiments.h), and the other findings are held against it.
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

// The oracle whose findings have signatures like this one, if experiments can
// be made with it; "" if not: it keeps translations, is no walker, or is not
// one that a panel has.
std::string ExperimentedOn(const std::string& signature);

// Of findings of this oracle, each with a case that shows it in its last step,
// those that have a cause in common with another. It answers in this process,
// and may crash it.
std::vector<CommonCause> CommonCauses(const OracleOptions& options,
                                      const std::string& oracle,
                                      const std::map<std::string, Case>& cases);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_FUZZ_COMMON_CAUSES_H_
