#include "fuzzers/command/page/report_files.h"

#include "fuzzers/command/files/case_file.h"
#include "fuzzers/command/files/writable.h"
#include "fuzzers/command/page/check_page.h"

namespace eptdiff {
namespace {

struct Form {
  const char* option;
  const char* words;
  std::string ReportFiles::* path;
  std::string (*text)(const CheckReports&);
};
constexpr Form kForms[] = {
    {"json", "the report as JSON", &ReportFiles::json, CheckJson},
    {"junit", "the report as JUnit XML", &ReportFiles::junit, CheckJUnit},
    {"sarif", "the report as SARIF", &ReportFiles::sarif, CheckSarif},
    {"html", "the report as a page to look at", &ReportFiles::html, CheckPage},
};

}  // namespace

void ReportFiles::AddOptions(CommandLine& line) {
  for (const Form& form : kForms) {
    line.Text(form.option, "FILE", &(this->*form.path), form.words);
  }
}

absl::Status ReportFiles::CheckCanBeWritten() const {
  for (const Form& form : kForms) {
    const absl::Status s = CheckFileCanBeWritten(this->*form.path);
    if (!s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status ReportFiles::Write(const CheckReports& reports) const {
  for (const Form& form : kForms) {
    if ((this->*form.path).empty()) continue;
    const absl::Status s = WriteFile(this->*form.path, form.text(reports));
    if (!s.ok()) return s;
  }
  return absl::OkStatus();
}

std::string ReportFiles::Named() const {
  for (const Form& form : kForms) {
    if (!(this->*form.path).empty()) return Spelled(form.option);
  }
  return "";
}

}  // namespace eptdiff
