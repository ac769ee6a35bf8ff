// Numbers as people copy them from logs and manuals. Thread-safety: pure.
#ifndef EPTDIFF_FUZZERS_COMMAND_OPTIONS_NUMBER_H_
#define EPTDIFF_FUZZERS_COMMAND_OPTIONS_NUMBER_H_

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace eptdiff {

// "0x83", "83H", "0x1234_5678", "0x0000`1234", "131". None if it is no number,
// or one of more than 64 bits.
std::optional<std::uint64_t> NumberIn(absl::string_view text);

// What is wrong with `text`, which no number of so many bits is: "\"x\" is no
// number of 64 bits (0x2007, 2007H, 8199)".
std::string NoNumber(absl::string_view text, unsigned bits);

// Sets `target` to the number that was given as `what` ("--eptp"); "" is none.
template <typename T>
absl::Status TakeNumber(absl::string_view what, absl::string_view text,
                        std::optional<T>& target) {
  if (text.empty()) return absl::OkStatus();
  const auto value = NumberIn(text);
  if (!value || *value > std::numeric_limits<T>::max()) {
    return absl::InvalidArgumentError(
        absl::StrCat(what, ": ", NoNumber(text, 8 * sizeof(T))));
  }
  target = static_cast<T>(*value);
  return absl::OkStatus();
}

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_OPTIONS_NUMBER_H_
