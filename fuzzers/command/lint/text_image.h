// Memory as debuggers and monitors print it: lines of an address and 64-bit
// words, as `x/8gx` of gdb, `xp /512gx` of QEMU's monitor and `dq` of WinDbg
// have them, or one word a line. Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_LINT_TEXT_IMAGE_H_
#define EPTDIFF_FUZZERS_COMMAND_LINT_TEXT_IMAGE_H_

#include <cstddef>
#include <cstdint>
#include <map>

#include "absl/strings/string_view.h"
#include "fuzzers/command/lint/table_page.h"

namespace eptdiff {

// 256 MBytes: nobody prints more, and words far apart cost a page each.
inline constexpr std::size_t kMostTextPages = std::size_t{1} << 16;

struct TextImage {
  std::map<std::uint64_t, TablePage> pages;  // by address; other words are 0
  std::size_t words = 0;
  std::size_t unread = 0;        // lines that are no such line, and not empty
  bool too_many = false;         // pages; the rest was not read
  std::size_t first_unread = 0;  // the number of the first of them, from 1
};

// Hexadecimal throughout, with 0x or without; a comment begins with #. A word
// that stands twice has the value that stands last.
TextImage ReadTextImage(absl::string_view text);

// Whether the first line that says anything is such a line.
bool IsTextImage(absl::string_view text);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_LINT_TEXT_IMAGE_H_
