// `eptdiff check` on a walker of tables.
// Thread-safety: as TargetOracle.
#ifndef EPTDIFF_FUZZERS_COMMAND_CHECK_CHECK_WALKER_H_
#define EPTDIFF_FUZZERS_COMMAND_CHECK_CHECK_WALKER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "fuzzers/check/scouts.h"
#include "fuzzers/command/report/check_report.h"
#include "oracle/case.h"
#include "oracle/target/session/target_oracle.h"

namespace eptdiff {

struct WalkerCheckOptions {
  std::string target;         // as the user named it
  std::uint64_t seconds = 0;  // in all, if `cases` is 0
  std::uint64_t cases = 0;    // new ones
  std::uint64_t seed = 0;
  unsigned jobs = 1;         // walkers that are asked at a time
  std::uint64_t effort = 0;  // percent, for experiments
};

// Puts `given` and new cases to the walker, until an Interrupt came at most,
// and shows on standard error how far it is. `open` makes one more like it.
CheckReport CheckWalker(TargetOracle& oracle, const TargetOpener& open,
                        const std::vector<Case>& given,
                        const WalkerCheckOptions& options);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_CHECK_CHECK_WALKER_H_
