// A log as lines, and numbers in lines. Lines count from 0 here, and from 1
// where people see them. Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_COMMAND_IMPORT_LOG_H_
#define EPTDIFF_FUZZERS_COMMAND_IMPORT_LOG_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace eptdiff {

// Of a list of entries that was read last: where the entries are under which
// one of a tree may stand that follows.
struct EntriesAbove {
  std::size_t end = ~std::size_t{0};  // the line behind the list
  // By level; none where no such entry is open.
  std::array<std::optional<std::size_t>, 6> line_of_level = {};
  std::optional<std::uint64_t> eptp;
};

class Log {
 public:
  // Takes UTF-16 with a byte-order mark, as Windows writes it, for the ASCII
  // that it holds.
  explicit Log(absl::string_view text);
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  std::size_t size() const { return lines_.size(); }
  // Without the end of the line. Nothing beyond the last line.
  absl::string_view line(std::size_t i) const {
    return i < lines_.size() ? lines_[i] : absl::string_view();
  }

  // Whether somebody has made something of the line.
  bool used(std::size_t i) const { return i < used_.size() && used_[i]; }
  void Use(std::size_t i) { used_[i] = true; }

  EntriesAbove above;

 private:
  std::string text_;
  std::vector<absl::string_view> lines_;
  std::vector<bool> used_;
};

// The number that begins behind the first `key` and whatever spaces, colons,
// equal signs and -> follow it: hexadecimal, with 0x or without; a debugger's `
// may stand within. None without the key, without a number, or with one of more
// than 64 bits.
std::optional<std::uint64_t> HexAfter(absl::string_view line,
                                      absl::string_view key);

// The same, but decimal unless 0x stands there.
std::optional<std::uint64_t> NumberAfter(absl::string_view line,
                                         absl::string_view key);

// The digits that HexAfter() would read, 0x and all; "" if there are none.
absl::string_view DigitsAfter(absl::string_view line, absl::string_view key);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_IMPORT_LOG_H_
