#include "fuzzers/command/import/bochs_entry.h"

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "fuzzers/command/import/log.h"

namespace eptdiff {
namespace {

// "EPT PDPE", " PML4" ...: the guest's without EPT.
std::optional<EntryLevel> LevelIn(absl::string_view name) {
  const bool ept = absl::StrContains(name, "EPT");
  name = name.substr(name.find_last_of(" \t>") + 1);
  const auto where = EntryLevelIn(name);
  if (!where || name.size() < 3) return std::nullopt;
  return EntryLevel{where->level, !ept};
}

// Of a trace: a read of a word, in two halves.
std::optional<BochsEntry> AccessIn(absl::string_view line) {
  const std::size_t comment = line.find("; EPT P");
  const std::size_t value = line.find("): 0x");
  if (comment == absl::string_view::npos || value == absl::string_view::npos ||
      value > comment || !absl::StrContains(line, "(len=8")) {
    return std::nullopt;
  }
  const auto where = LevelIn(line.substr(comment));
  const auto at = HexAfter(line, "PHY ");
  const absl::string_view halves = line.substr(value + 2);
  const auto high = HexAfter(halves, " ");
  const std::size_t second = halves.find(" 0x", 2);
  if (!where || !at || !high || second == absl::string_view::npos) {
    return std::nullopt;
  }
  const auto low = HexAfter(halves.substr(second), " ");
  if (!low || *high >> 32 != 0 || *low >> 32 != 0) return std::nullopt;
  return BochsEntry{{*high << 32 | *low, where}, *at, true};
}

}  // namespace

std::optional<BochsEntry> BochsEntryIn(absl::string_view line) {
  if (auto access = AccessIn(line)) return access;
  // A name, an address and a value, with a colon after each of the first two.
  const std::size_t first = line.find(": 0x");
  if (first == absl::string_view::npos) return std::nullopt;
  const std::size_t second = line.find(" : 0x", first + 1);
  if (second == absl::string_view::npos) return std::nullopt;
  const auto where = LevelIn(line.substr(0, first));
  const auto at = HexAfter(line.substr(first), ":");
  const auto value = HexAfter(line.substr(second), ":");
  if (!where || !at || !value) return std::nullopt;
  return BochsEntry{{*value, where}, *at, false};
}

}  // namespace eptdiff
