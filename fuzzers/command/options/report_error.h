// How a subcommand reports that it cannot go on.
#ifndef EPTDIFF_FUZZERS_COMMAND_OPTIONS_REPORT_ERROR_H_
#define EPTDIFF_FUZZERS_COMMAND_OPTIONS_REPORT_ERROR_H_

#include "absl/status/status.h"

namespace eptdiff {

// Prints the status' message to standard error. Returns the exit status: bad
// input if the user can mend it by naming or writing something else, else that
// it could not be done.
int ReportInputError(const absl::Status& status);
int ReportOutputError(const absl::Status& status);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_OPTIONS_REPORT_ERROR_H_
