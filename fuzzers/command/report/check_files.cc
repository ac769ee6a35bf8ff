#include "fuzzers/command/report/check_files.h"

#include <filesystem>
#include <map>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "fuzzers/command/files/case_file.h"

namespace eptdiff {
namespace {

// `written` counts the files by name.
absl::Status WriteCases(const std::vector<CheckFinding>& findings,
                        const std::string& directory,
                        std::map<std::string, int>& written) {
  for (const CheckFinding& finding : findings) {
    if (!finding.has_case && !finding.memory_types.has_value()) continue;
    // Two departures may show in the same field.
    const int times = ++written[finding.told_as()];
    const absl::Status status = WriteFile(
        absl::StrCat(directory, "/", finding.told_as(),
                     times == 1 ? "" : absl::StrCat("-", times),
                     finding.has_case ? ".textproto" : ".mtrr"),
        finding.has_case ? FormatCase(finding.text_case)
                         : FormatMemoryTypeCase(*finding.memory_types));
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status WriteSmallestCases(const CheckReports& reports,
                                const std::string& directory) {
  if (directory.empty()) return absl::OkStatus();
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    return absl::PermissionDeniedError(
        absl::StrCat("cannot make ", directory, ": ", error.message()));
  }
  std::map<std::string, int> written;
  for (const CheckReport& report : reports) {
    for (const auto* list : {&report.departures, &report.findings}) {
      if (absl::Status s = WriteCases(*list, directory, written); !s.ok()) {
        return s;
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace eptdiff
