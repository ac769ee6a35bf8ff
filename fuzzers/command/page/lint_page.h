// `eptdiff lint` as a page: what is wrong first, then the tree of tables,
// folded by range. Thread-safety: pure function.
#ifndef EPTDIFF_FUZZERS_COMMAND_PAGE_LINT_PAGE_H_
#define EPTDIFF_FUZZERS_COMMAND_PAGE_LINT_PAGE_H_

#include <cstddef>
#include <string>

#include "fuzzers/command/lint/lint_report.h"
#include "fuzzers/command/lint/tree_sweep.h"

namespace eptdiff {

// A whole page about the image in `file`. `most`: of each kind of thing so many
// are listed, and ten times as many lines of the tree.
std::string LintPage(const std::string& file, const LintSubject& subject,
                     const TreeSweep& sweep, std::size_t most);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_PAGE_LINT_PAGE_H_
