// Bochs: what it logs of an exit for EPT, and what its debugger prints.
//
//   01234e[CPU0  ] VMEXIT: EPT violation for guest paddr 0x0000000000801238
//   laddr 0x00007f0012340238                                    (one line)
//   01234d[CPU0  ] VMEXIT reason = 48 (EPT Violation) qualification=0x...
//
// The debugger's "page" goes through the guest's tables and through EPT for
// each of their entries. Here are the guest's; lists of EPT entries are
// entry_list.cc's, wherever they stand:
//
//   EPT  PTE: 0x0000000000004008 : 0x0000000000009037    X W R ignore_pat WB
//    PML4: 0x0000000000009000 : 0x0000000000005067    ps         A pcd pwt U W
//    P
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "fuzzers/command/import/bochs_entry.h"
#include "fuzzers/command/import/read_log.h"

namespace eptdiff {
namespace {

// So many lines lie between an exit and what says more of it, before and after.
constexpr std::size_t kBefore = 3;
constexpr std::size_t kBehind = 4;

std::optional<std::uint16_t> ReasonOf(absl::string_view line) {
  if (!absl::StrContains(line, "guest paddr")) return std::nullopt;
  if (absl::StrContains(line, "VMEXIT: EPT violation")) return 48;
  if (absl::StrContains(line, "VMEXIT: EPT misconfig")) return 49;
  if (absl::StrContains(line, "VMEXIT: SPP")) return 66;
  return std::nullopt;
}

// "reserved bit is set ..." of "...] EPT  PDE: reserved bit is set ...".
std::optional<std::string> ComplaintIn(absl::string_view line) {
  const std::size_t at = line.find("EPT ");
  if (at == absl::string_view::npos || absl::StrContains(line, "VMEXIT")) {
    return std::nullopt;
  }
  const std::size_t colon = line.find(':', at);
  if (colon == absl::string_view::npos) return std::nullopt;
  const auto where = EntryLevelIn(line.substr(at + 4, colon - at - 4));
  if (!where || BochsEntryIn(line)) return std::nullopt;
  return std::string(absl::StripAsciiWhitespace(line.substr(at)));
}

// "VMEXIT reason = 48 (EPT Violation) qualification=0x182"
std::optional<std::uint64_t> ReasonWithQualification(absl::string_view line) {
  if (!absl::StrContains(line, "qualification=")) return std::nullopt;
  return NumberAfter(line, "VMEXIT reason");
}

std::optional<Logged> ParseExit(const Log& log, std::size_t at) {
  Logged logged;
  const absl::string_view first = log.line(at);
  logged.reason = ReasonOf(first);
  if (!logged.reason) {
    const auto reason = ReasonWithQualification(first);
    if (reason != 48 && reason != 49 && reason != 62 && reason != 66) {
      return std::nullopt;
    }
    logged.reason = static_cast<std::uint16_t>(*reason);
    if (reason != 49) {
      logged.qualification = HexAfter(first, "qualification=");
    }
    logged.lines.push_back(at);
    return logged;
  }
  for (std::size_t i = at < kBefore ? 0 : at - kBefore; i < at; ++i) {
    const auto complaint = ComplaintIn(log.line(i));
    if (!complaint || log.used(i)) continue;
    logged.notes.push_back(absl::StrCat("Bochs says \"", *complaint, "\""));
    logged.lines.push_back(i);
  }
  logged.lines.push_back(at);
  logged.gpa = HexAfter(first, "guest paddr");
  logged.gla = HexAfter(first, "laddr");
  for (std::size_t i = at + 1; i <= at + kBehind; ++i) {
    const absl::string_view line = log.line(i);
    if (ReasonOf(line)) break;
    if (ReasonWithQualification(line) != *logged.reason) continue;
    if (logged.reason != 49) {
      logged.qualification = HexAfter(line, "qualification=");
    }
    logged.lines.push_back(i);
    break;
  }
  return logged;
}

// The guest's entries of a "page" command, with those of EPT between them.
std::optional<Logged> ParsePage(const Log& log, std::size_t at) {
  Logged logged;
  for (std::size_t i = at; i < log.size(); ++i) {
    const auto entry = BochsEntryIn(log.line(i));
    if (!entry || entry->is_access) break;
    if (!entry->entry.where->guest) {
      if (logged.guest_entries.empty()) return std::nullopt;
      continue;
    }
    if (!logged.guest_entries.empty() &&
        entry->entry.where->level >= logged.guest_entries.back().where->level) {
      break;
    }
    logged.guest_entries.push_back(entry->entry);
    logged.lines.push_back(i);
  }
  if (logged.guest_entries.empty()) return std::nullopt;
  return logged;
}

}  // namespace

std::optional<Logged> ParseBochsLog(const Log& log, std::size_t at) {
  if (auto exit = ParseExit(log, at)) {
    exit->what = "exit (Bochs)";
    return exit;
  }
  if (auto page = ParsePage(log, at)) {
    page->what = "the guest's own entries (Bochs: page)";
    return page;
  }
  return std::nullopt;
}

}  // namespace eptdiff
