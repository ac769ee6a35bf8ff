#include "fuzzers/command/import/log.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "fuzzers/command/walk/copied_entry.h"

namespace eptdiff {
namespace {

bool IsDigit(char c) {
  return absl::ascii_isxdigit(static_cast<unsigned char>(c)) || c == '`';
}

bool IsWordy(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_';
}

}  // namespace

Log::Log(absl::string_view text) {
  const bool utf16 = absl::StartsWith(text, "\xff\xfe");
  if (utf16) text.remove_prefix(2);
  text_.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); i += utf16 ? 2 : 1) {
    text_ += text[i];
  }
  absl::string_view rest = text_;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    absl::string_view line = rest.substr(0, end);
    absl::ConsumeSuffix(&line, "\r");
    lines_.push_back(line);
    rest.remove_prefix(end == absl::string_view::npos ? rest.size() : end + 1);
  }
  used_.resize(lines_.size());
}

absl::string_view DigitsAfter(absl::string_view line, absl::string_view key) {
  const std::size_t at = line.find(key);
  if (at == absl::string_view::npos) return "";
  absl::string_view rest = line.substr(at + key.size());
  for (std::size_t begin = 1; begin != 0;) {
    begin = std::min(rest.find_first_not_of(" \t:=>"), rest.size());
    rest.remove_prefix(begin);
    if (absl::ConsumePrefix(&rest, "->")) begin = 1;
  }
  const bool prefixed =
      absl::StartsWith(rest, "0x") || absl::StartsWith(rest, "0X");
  std::size_t end = prefixed ? 2 : 0;
  while (end < rest.size() && IsDigit(rest[end])) ++end;
  // "0x12zz" and "guest" are no numbers; "30H" is.
  std::size_t last = end;
  if (last < rest.size() && absl::ascii_tolower(rest[last]) == 'h') ++last;
  if (last < rest.size() && IsWordy(rest[last])) return "";
  return end == (prefixed ? 2u : 0u) ? "" : rest.substr(0, end);
}

std::optional<std::uint64_t> HexAfter(absl::string_view line,
                                      absl::string_view key) {
  return HexadecimalIn(DigitsAfter(line, key));
}

std::optional<std::uint64_t> NumberAfter(absl::string_view line,
                                         absl::string_view key) {
  const absl::string_view digits = DigitsAfter(line, key);
  if (absl::StartsWithIgnoreCase(digits, "0x")) return HexadecimalIn(digits);
  std::uint64_t value = 0;
  if (absl::SimpleAtoi(digits, &value)) return value;
  return std::nullopt;
}

}  // namespace eptdiff
