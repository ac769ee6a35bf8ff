// What a sweep over a tree found, for people and as JSON.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_LINT_LINT_REPORT_H_
#define EPTDIFF_FUZZERS_COMMAND_LINT_LINT_REPORT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "fuzzers/command/decode/decoding.h"
#include "fuzzers/command/lint/tree_sweep.h"
#include "fuzzers/command/words/style.h"

namespace eptdiff {

struct LintSubject {
  std::string image;  // MemoryImage::words()
  std::uint64_t eptp = 0;
  DecodeContext context;             // of the machine
  std::vector<std::string> assumed;  // of it: "MAXPHYADDR 52 (--maxphyaddr)"
  std::string mtrrs;                 // where they are from; "": not known
};

// Whether something is there that no hypervisor means: a misconfiguration, a
// table that the guest can write, a frame with two memory types, a large page
// over several.
bool IsWrong(const TreeSweep& sweep);

// `most`: of each kind of thing so many are listed.
std::string LintText(const LintSubject& subject, const TreeSweep& sweep,
                     std::size_t most, const Style& style);
std::string LintJson(const LintSubject& subject, const TreeSweep& sweep);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_LINT_LINT_REPORT_H_
