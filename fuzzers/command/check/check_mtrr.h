// `eptdiff check` on code that says what memory types pages get.
// Thread-safety: as MtrrSession.
#ifndef EPTDIFF_FUZZERS_COMMAND_CHECK_CHECK_MTRR_H_
#define EPTDIFF_FUZZERS_COMMAND_CHECK_CHECK_MTRR_H_

#include <cstdint>
#include <string>
#include <vector>

#include "fuzzers/command/report/check_report.h"
#include "oracle/target/session/mtrr_session.h"

namespace eptdiff {

struct MtrrCheckOptions {
  std::string target;         // as the user named it
  std::uint64_t seconds = 0;  // if `cases` is 0
  std::uint64_t cases = 0;    // questions, at least
  std::uint64_t seed = 0;
};

// Puts questions to it, until an Interrupt came at most, and shows on standard
// error how far it is.
// `given` comes first, as far as the session says such things.
CheckReport CheckMtrr(MtrrSession& session,
                      const std::vector<MtrrQuestion>& given,
                      const MtrrCheckOptions& options);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_CHECK_CHECK_MTRR_H_
