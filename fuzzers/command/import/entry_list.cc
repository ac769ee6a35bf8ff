// Entries in a list, with their levels: what people's own hypervisors print.
//
//   PML4E: 0x2007
//   level 3: 0x3007
//   PDE[0] = 0x000000000660f907 (physical) = ...
//   EPT PTE at 0x4028 contains 9037
//   ... pa=0x1234000 pml2=0x4007 ...
//   EPT PML4Entry is 0000000000002007
//   EPT  PTE: 0x0000000000004028 : 0x0000000000009037   (Bochs)
//
// EPTP and GPA may stand in the lines before. With an index at each entry the
// guest-physical address is known. In a list of a whole tree an entry stands
// under those of higher levels before it.
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "fuzzers/command/import/bochs_entry.h"
#include "fuzzers/command/import/read_log.h"

namespace eptdiff {
namespace {

constexpr std::size_t kHeading = 3;  // lines before the first entry

struct ListedEntry {
  CopiedEntry entry;
  std::optional<std::uint64_t> index;
  std::optional<std::uint64_t> at;  // its address, of whatever kind
};

// The name of a level at the end of `text`, which an entry's value follows.
std::optional<EntryLevel> LevelAtEnd(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  for (std::size_t begin = text.size(); begin-- > 0;) {
    const bool starts =
        begin == 0 ||
        !absl::ascii_isalnum(static_cast<unsigned char>(text[begin - 1]));
    if (!starts) continue;
    const absl::string_view name = text.substr(begin);
    if (name.size() > 16) break;
    // A bare number is a level only behind the word.
    const auto where = EntryLevelIn(name);
    if (!where || name.size() == 1) continue;
    const absl::string_view before =
        absl::StripTrailingAsciiWhitespace(text.substr(0, begin));
    return absl::EndsWithIgnoreCase(before, "guest")
               ? EntryLevel{where->level, true}
               : *where;
  }
  return std::nullopt;
}

std::optional<ListedEntry> EntryIn(absl::string_view line) {
  if (const auto bochs = BochsEntryIn(line)) {
    if (bochs->entry.where->guest) return std::nullopt;
    return ListedEntry{bochs->entry, {}, bochs->at};
  }
  for (const char* mark : {" contains", "=", ":", " is "}) {
    for (std::size_t at = line.find(mark); at != absl::string_view::npos;
         at = line.find(mark, at + 1)) {
      ListedEntry listed;
      absl::string_view name = line.substr(0, at);
      if (const std::size_t place = name.find(" at ");
          place != absl::string_view::npos) {
        listed.at = HexAfter(name.substr(place), " at ");
        name = name.substr(0, place);
      }
      name = absl::StripTrailingAsciiWhitespace(name);
      if (const std::size_t open = name.rfind('[');
          absl::EndsWith(name, "]") && open != absl::string_view::npos) {
        std::uint64_t index = 0;
        const absl::string_view digits =
            name.substr(open + 1, name.size() - open - 2);
        if (absl::SimpleAtoi(digits, &index) && index < 512) {
          listed.index = index;
        } else if (const auto hex = HexadecimalIn(digits);
                   hex && *hex < 512 && absl::StartsWith(digits, "0x")) {
          listed.index = hex;
        } else {
          continue;
        }
        name = name.substr(0, open);
      }
      const auto where = LevelAtEnd(name);
      const auto value = HexAfter(line.substr(at), mark);
      if (!where || where->guest || !value) continue;
      // A pointer of the host's to an entry is none.
      if (*value >> 47 == 0x1ffff) continue;
      listed.entry = {*value, where};
      return listed;
    }
  }
  return std::nullopt;
}

// Where entries stand says where they are in their tables, if each is in the
// table that the one above references: then the addresses are host-physical.
void TakePlaces(std::vector<ListedEntry>& list, Logged& logged) {
  if (list.size() < 2) return;
  for (std::size_t k = 0; k < list.size(); ++k) {
    if (!list[k].at || *list[k].at % 8 != 0) return;
    if (k > 0 && (*list[k].at ^ list[k - 1].entry.value) & 0xffffffffff000) {
      return;
    }
  }
  for (ListedEntry& listed : list) listed.index = *listed.at >> 3 & 511;
  const ListedEntry& first = list.front();
  if (logged.eptp || first.entry.where->level < 4) return;
  logged.eptp = (*first.at & ~std::uint64_t{0xfff}) |
                (first.entry.where->level == 5 ? 0x26 : 0x1e);
  logged.notes.push_back(
      "EPTP is where the first entry stands; its memory type is taken for WB");
}

// An EPTP, of which some print the table's address alone, and beside it where
// they have it mapped.
void TakeEptp(absl::string_view line, Logged& logged) {
  for (const char* name : {"EPTP", "EPT pointer"}) {
    const std::size_t at = line.find(name);
    if (at == absl::string_view::npos) continue;
    auto value = HexAfter(line, name);
    if (!value && absl::StrContains(line, "(physical)")) {
      value = HexAfter(line, "(physical)");
    }
    if (!value) continue;
    if ((*value & 0xfff) == 0 && *value != 0) {
      *value |= 0x1e;
      logged.notes.push_back(
          "the log has the root's address alone: taken for WB and 4 levels");
    }
    logged.eptp = value;
    return;
  }
}

// What a line before the entries says; an exit's is not for us.
bool TakeHeading(absl::string_view line, Logged& logged) {
  const std::string small = absl::AsciiStrToLower(line);
  for (const char* of_exit :
       {"qualification", "violation", "misconfig", "reason"}) {
    if (absl::StrContains(small, of_exit)) return false;
  }
  if (line.size() > 80) return false;
  const bool eptp_before = logged.eptp.has_value();
  TakeEptp(line, logged);
  const auto gpa = HexAfter(line, "GPA");
  if (gpa) logged.gpa = gpa;
  return gpa || logged.eptp.has_value() != eptp_before ||
         (eptp_before && absl::StrContains(line, "(virtual)"));
}

bool Continues(const Logged& logged, const ListedEntry& next) {
  return !logged.entries.empty() &&
         next.entry.where->level < logged.entries.back().where->level;
}

// Above the first of a list, of which others were told already: the entries of
// higher levels before it, without a line between.
void AddAbove(const Log& log, int level, Logged& logged,
              std::vector<ListedEntry>& list) {
  for (int wanted = level + 1; wanted <= 5; ++wanted) {
    const auto line = log.above.line_of_level[wanted];
    if (!line) break;
    const ListedEntry listed = *EntryIn(log.line(*line));
    logged.entries.insert(logged.entries.begin(), listed.entry);
    list.insert(list.begin(), listed);
    logged.notes.push_back(
        absl::StrCat("the entry above it is that of line ", *line + 1));
    ++logged.entries_above;
  }
  if (logged.entries_above > 0) logged.eptp = log.above.eptp;
}

}  // namespace

std::optional<Logged> ParseEntryList(const Log& log, std::size_t at) {
  Logged logged;
  logged.what = "a list of entries";
  std::vector<ListedEntry> list;
  std::size_t i = at;
  while (i < at + kHeading && !EntryIn(log.line(i)) &&
         TakeHeading(log.line(i), logged)) {
    logged.lines.push_back(i++);
  }
  const auto first = EntryIn(log.line(i));
  if (!first) return std::nullopt;
  if (logged.lines.empty() && log.above.end == at) {
    AddAbove(log, first->entry.where->level, logged, list);
  }
  for (; i < log.size(); ++i) {
    const auto listed = EntryIn(log.line(i));
    if (!listed || (!logged.entries.empty() && !Continues(logged, *listed))) {
      break;
    }
    logged.entries.push_back(listed->entry);
    list.push_back(*listed);
    logged.lines.push_back(i);
  }
  TakePlaces(list, logged);
  std::uint64_t gpa = 0;
  bool known = logged.entries.front().where->level >= 4;
  for (const ListedEntry& listed : list) {
    known = known && listed.index.has_value();
    if (known) {
      gpa |= *listed.index << (12 + 9 * (listed.entry.where->level - 1));
    }
  }
  if (known && !logged.gpa) {
    logged.gpa = gpa;
    logged.notes.push_back(
        "the guest-physical address is the first that these entries are for");
  }
  return logged;
}

void OpenForMore(Log& log, const Logged& list) {
  EntriesAbove& above = log.above;
  if (list.lines.front() != above.end) above = {};
  above.end = list.lines.back() + 1;
  if (list.eptp) above.eptp = list.eptp;
  const std::size_t own = list.entries.size() - list.entries_above;
  for (std::size_t k = 0; k < own; ++k) {
    const int level = list.entries[list.entries_above + k].where->level;
    above.line_of_level[level] = list.lines[list.lines.size() - own + k];
    for (int below = 1; below < level; ++below) {
      above.line_of_level[below].reset();
    }
  }
}

}  // namespace eptdiff
