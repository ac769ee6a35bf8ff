// `eptdiff check` as a page: what is wrong, the worst first, each with its case
// and the walk in it; then the rules by situation. Thread-safety: pure
// function.
#ifndef EPTDIFF_FUZZERS_COMMAND_PAGE_CHECK_PAGE_H_
#define EPTDIFF_FUZZERS_COMMAND_PAGE_CHECK_PAGE_H_

#include <string>

#include "fuzzers/command/report/check_report.h"

namespace eptdiff {

// A whole page; `reports` is not empty.
std::string CheckPage(const CheckReports& reports);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_PAGE_CHECK_PAGE_H_
