// The smallest cases of a check, as files. Thread-safety: one caller for each
// directory.
#ifndef EPTDIFF_FUZZERS_COMMAND_REPORT_CHECK_FILES_H_
#define EPTDIFF_FUZZERS_COMMAND_REPORT_CHECK_FILES_H_

#include <string>

#include "absl/status/status.h"
#include "fuzzers/command/report/check_report.h"

namespace eptdiff {

// Writes the case of each finding to `directory`, which is made, as
// SIGNATURE.textproto; of what experiments found out, by the name of its
// effect.
// "" is no place: nothing is written.
absl::Status WriteSmallestCases(const CheckReports& reports,
                                const std::string& directory);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_REPORT_CHECK_FILES_H_
