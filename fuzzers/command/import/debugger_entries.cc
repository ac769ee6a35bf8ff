// The entries of a linear address, as HyperDbg's and WinDbg's !pte print them.
// They are the guest's own, and not those of EPT.
//
//   VA fffff801639b1030
//   PML4E (PXE) at ffffeaf57abd5f80 contains 0000000005109063
//   PDE at ffffeaf57e0058e0 contains 0a000000034000a1
//   PDE is a large page, so it doesn't have a PTE
//
//   PXE at FFFF83C1E0F07F80    PPE at FFFF83C1E0FF0000    PDE at ...
//   contains 0000000004108063  contains 0000000004109063  contains ...
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "fuzzers/command/import/read_log.h"

namespace eptdiff {
namespace {

// The levels whose names stand before " at ", in their order.
std::vector<int> LevelsIn(absl::string_view line) {
  std::vector<int> levels;
  for (std::size_t at = line.find(" at "); at != absl::string_view::npos;
       at = line.find(" at ", at + 4)) {
    absl::string_view name = line.substr(0, at);
    if (absl::EndsWith(name, ")")) name = name.substr(0, name.rfind('('));
    name = absl::StripTrailingAsciiWhitespace(name);
    name = name.substr(name.find_last_of(" \t>") + 1);
    const auto where = EntryLevelIn(name);
    if (!where || name.size() < 2) return {};
    levels.push_back(where->level);
  }
  return levels;
}

std::vector<std::uint64_t> ValuesIn(absl::string_view line) {
  std::vector<std::uint64_t> values;
  for (std::size_t at = line.find("contains"); at != absl::string_view::npos;
       at = line.find("contains", at + 1)) {
    const auto value = HexAfter(line.substr(at), "contains");
    if (!value) return {};
    values.push_back(*value);
  }
  return values;
}

std::optional<std::uint64_t> AddressIn(absl::string_view line) {
  const std::size_t at = line.find("VA ");
  const bool begins_word =
      at == 0 ||
      (at != absl::string_view::npos &&
       !absl::ascii_isalnum(static_cast<unsigned char>(line[at - 1])));
  return begins_word ? HexAfter(line, "VA ") : std::nullopt;
}

}  // namespace

std::optional<Logged> ParseDebuggerEntries(const Log& log, std::size_t at) {
  Logged logged;
  logged.what = "the guest's own entries (HyperDbg, WinDbg: !pte)";
  std::size_t i = at;
  logged.gla = AddressIn(log.line(at));
  if (logged.gla) logged.lines.push_back(i++);
  for (; i < log.size(); ++i) {
    const absl::string_view line = log.line(i);
    if (AddressIn(line)) break;
    const std::vector<int> levels = LevelsIn(line);
    const bool below = !absl::StrContains(line, "contains");
    const std::vector<std::uint64_t> values =
        ValuesIn(below ? log.line(i + 1) : line);
    if (levels.empty() || values.size() != levels.size()) {
      if (!absl::StrContains(line, "is a large page")) break;
      logged.lines.push_back(i);
      continue;
    }
    // Without an address and the names of Windows they may be anybody's.
    if (!logged.gla && logged.guest_entries.empty() &&
        !absl::StrContains(line, "PXE")) {
      return std::nullopt;
    }
    if (!logged.guest_entries.empty() &&
        levels[0] >= logged.guest_entries.back().where->level) {
      break;  // another address
    }
    for (std::size_t k = 0; k < levels.size(); ++k) {
      logged.guest_entries.push_back({values[k], EntryLevel{levels[k], true}});
    }
    logged.lines.push_back(i);
    if (below) logged.lines.push_back(++i);
  }
  if (logged.guest_entries.empty()) return std::nullopt;
  return logged;
}

}  // namespace eptdiff
