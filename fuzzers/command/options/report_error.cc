#include "fuzzers/command/options/report_error.h"

#include <cstdio>

#include "absl/strings/str_format.h"
#include "fuzzers/command/options/exit_code.h"

namespace eptdiff {

int ReportInputError(const absl::Status& status) {
  absl::FPrintF(stderr, "eptdiff: %s\n", status.message());
  return kExitBadInput;
}

int ReportOutputError(const absl::Status& status) {
  absl::FPrintF(stderr, "eptdiff: %s\n", status.message());
  return kExitFailed;
}

}  // namespace eptdiff
