// The report of a check as files, in the forms that the user names: options
// that `check` and `image` have in common.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_COMMAND_PAGE_REPORT_FILES_H_
#define EPTDIFF_FUZZERS_COMMAND_PAGE_REPORT_FILES_H_

#include <string>

#include "absl/status/status.h"
#include "fuzzers/command/options/command_line.h"
#include "fuzzers/command/report/check_report.h"

namespace eptdiff {

struct ReportFiles {
  // "" is no file.
  std::string json;
  std::string junit;
  std::string sarif;
  std::string html;

  // --json, --junit, --sarif and --html.
  void AddOptions(CommandLine& line);
  // Whether all can be written: asked before the work.
  absl::Status CheckCanBeWritten() const;
  absl::Status Write(const CheckReports& reports) const;
  // The first option whose file is named ("--json"); "" if none is.
  std::string Named() const;
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_PAGE_REPORT_FILES_H_
