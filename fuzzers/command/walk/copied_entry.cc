#include "fuzzers/command/walk/copied_entry.h"

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

namespace eptdiff {
namespace {

struct LevelName {
  const char* name;
  int level;
};

// Intel's names, those of Linux, Windows and small hypervisors, and plain
// numbers.
constexpr LevelName kNames[] = {
    {"pml5e", 5}, {"pml5", 5}, {"pml4e", 4}, {"pml4", 4}, {"pxe", 4},
    {"pdpte", 3}, {"pdpt", 3}, {"pdpe", 3},  {"pdp", 3},  {"ppe", 3},
    {"pde", 2},   {"pd", 2},   {"pte", 1},   {"pt", 1},   {"pml3", 3},
    {"pml2", 2},  {"pml1", 1}, {"5", 5},     {"4", 4},    {"3", 3},
    {"2", 2},     {"1", 1},
};

}  // namespace

std::optional<EntryLevel> EntryLevelIn(absl::string_view name) {
  const std::string lower =
      absl::AsciiStrToLower(absl::StripAsciiWhitespace(name));
  absl::string_view rest = lower;
  const bool guest =
      absl::ConsumePrefix(&rest, "guest") || absl::ConsumePrefix(&rest, "g");
  if (!guest) absl::ConsumePrefix(&rest, "ept");
  rest = absl::StripLeadingAsciiWhitespace(rest);
  absl::ConsumePrefix(&rest, "level") || absl::ConsumePrefix(&rest, "l");
  absl::ConsumeSuffix(&rest, "entry");
  rest = absl::StripAsciiWhitespace(rest);
  for (const auto& [known, level] : kNames) {
    if (rest == known) return EntryLevel{level, guest};
  }
  return std::nullopt;
}

std::optional<std::uint64_t> HexadecimalIn(absl::string_view text) {
  std::string digits = absl::StrReplaceAll(text, {{"_", ""}, {"`", ""}});
  if (absl::EndsWithIgnoreCase(digits, "h")) digits.pop_back();
  std::uint64_t value = 0;
  if (absl::SimpleHexAtoi(digits, &value) &&
      !absl::ascii_isspace(static_cast<unsigned char>(digits[0])) &&
      digits[0] != '-' && digits[0] != '+') {
    return value;
  }
  return std::nullopt;
}

absl::StatusOr<CopiedEntry> CopiedEntryIn(absl::string_view text) {
  CopiedEntry entry;
  absl::string_view number = text;
  if (const std::size_t at = text.find_first_of("=:");
      at != absl::string_view::npos) {
    entry.where = EntryLevelIn(text.substr(0, at));
    if (!entry.where) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", text.substr(0, at),
                       "\" is the name of no entry (PML5E, PML4E, "
                       "PDPTE, PDE, PTE, guest PTE, level 1 ...)"));
    }
    number = text.substr(at + 1);
  }
  const auto value = HexadecimalIn(absl::StripAsciiWhitespace(number));
  if (!value) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text,
                     "\" is no entry: a hexadecimal number of 64 "
                     "bits, as 0x2007, 2007, PDE=0x2007"));
  }
  entry.value = *value;
  return entry;
}

}  // namespace eptdiff
