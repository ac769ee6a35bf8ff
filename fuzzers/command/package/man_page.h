// Manual pages, made of what --help prints.
//
// This folder is how eptdiff is installed: package.cmake has the rules for
// `cmake --install` and `cpack`, package_test uses what they made. It uses
// nothing of the command but its --help. Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_PACKAGE_MAN_PAGE_H_
#define EPTDIFF_FUZZERS_COMMAND_PACKAGE_MAN_PAGE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace eptdiff {

// What a page says beside the help.
struct ManPageHead {
  std::string name;     // "eptdiff-run"
  std::string summary;  // one line
  std::string version;
  std::vector<std::string> see_also;  // other pages' names
};

// `help` as a page of section 1, in roff: its usage, its paragraphs, its rows
// of options (or of subcommands), exit statuses and examples, each in a
// section.
std::string ManPage(const ManPageHead& head, absl::string_view help);

// The rows of subcommands in the help of the command itself: their names and
// summaries.
struct HelpRow {
  std::string lead;
  std::string text;
};
std::vector<HelpRow> RowsOf(absl::string_view help);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_PACKAGE_MAN_PAGE_H_
