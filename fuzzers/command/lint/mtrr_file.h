// The MTRRs of a machine as people have them: what Linux prints at its start
// ("MTRR default type: ...", with mtrr=debug or on older kernels), /proc/mtrr,
// and MSRs by name or number, a line each.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_LINT_MTRR_FILE_H_
#define EPTDIFF_FUZZERS_COMMAND_LINT_MTRR_FILE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "oracle/mtrr/mtrrs.h"

namespace eptdiff {

struct GivenMtrrs {
  Mtrrs mtrrs;
  std::string words;                 // "3 variable ranges, WB elsewhere"
  std::vector<std::string> assumed;  // "the MTRRs' default type is UC"
};

// Lines that say nothing of MTRRs are skipped, as in a whole log.
// kInvalidArgument if none does, and for a line that does and makes no sense,
// with its number. `maxphyaddr`: of the machine; without it, as many bits as
// the masks have.
absl::StatusOr<GivenMtrrs> ReadMtrrs(absl::string_view text,
                                     std::optional<unsigned> maxphyaddr);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_LINT_MTRR_FILE_H_
