#include "fuzzers/command/options/number.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace eptdiff {

std::optional<std::uint64_t> NumberIn(absl::string_view text) {
  std::string digits = absl::StrReplaceAll(text, {{"_", ""}, {"`", ""}});
  std::uint64_t value = 0;
  if (absl::EndsWithIgnoreCase(digits, "h")) {
    digits.pop_back();
  } else if (!absl::StartsWithIgnoreCase(digits, "0x")) {
    if (absl::SimpleAtoi(digits, &value)) return value;
    return std::nullopt;
  }
  if (absl::SimpleHexAtoi(digits, &value)) return value;
  return std::nullopt;
}

std::string NoNumber(absl::string_view text, unsigned bits) {
  return absl::StrCat("\"", text, "\" is no number of ", bits,
                      " bits (0x2007, 2007H, 8199)");
}

}  // namespace eptdiff
