// What Xen says before it crashes a domain:
//
//   (XEN) d1v0 EPT violation 0x19c (--x/rw-) gpa 0x7ed373a1 mfn 0x33ed37 type 0
//   (XEN) d1v0 Walking EPT tables for GFN 7ed37:
//   (XEN) d1v0  epte 9c0000047eba3107
//   (XEN) d1v0  --- GLA 0x7ed373a1
//
// It prints no level: the root's entry comes first, of four.
#include "absl/strings/match.h"
#include "fuzzers/command/import/read_log.h"

namespace eptdiff {
namespace {

constexpr std::size_t kMostBetween = 4;

bool IsViolation(absl::string_view line) {
  return absl::StrContains(line, "EPT violation") &&
         absl::StrContains(line, "mfn") && HexAfter(line, "gpa") &&
         HexAfter(line, "EPT violation");
}

}  // namespace

std::optional<Logged> ParseXenMessages(const Log& log, std::size_t at) {
  const absl::string_view first = log.line(at);
  Logged logged;
  std::optional<std::uint64_t> gfn = HexAfter(first, "EPT tables for GFN");
  if (IsViolation(first)) {
    logged.what = "EPT violation (Xen)";
    logged.reason = 48;
    logged.qualification = HexAfter(first, "EPT violation");
    logged.gpa = HexAfter(first, "gpa");
  } else if (gfn && *gfn >> 52 == 0) {
    logged.what = "entries of a walk (Xen)";
    logged.gpa = *gfn << 12;
    logged.notes.push_back(
        "the walk is that of a page: its first byte is asked");
  } else {
    return std::nullopt;
  }
  logged.lines.push_back(at);
  for (std::size_t i = at + 1; i < log.size(); ++i) {
    const absl::string_view line = log.line(i);
    if (IsViolation(line)) break;
    const bool heading = HexAfter(line, "EPT tables for GFN").has_value();
    if (heading && !logged.entries.empty()) break;
    const auto entry = HexAfter(line, " epte ");
    const auto gla = HexAfter(line, "--- GLA");
    if (entry) logged.entries.push_back({*entry, {}});
    if (gla) logged.gla = gla;
    if (absl::StrContains(line, "gfn exceeds max_mapped_pfn")) {
      logged.notes.push_back("Xen says that nothing is mapped so high");
    } else if (!heading && !entry && !gla) {
      if (i - logged.lines.back() > kMostBetween) break;
      continue;
    }
    logged.lines.push_back(i);
    if (gla) break;
  }
  for (std::size_t i = 0; i < logged.entries.size(); ++i) {
    if (i < 4) logged.entries[i].where = EntryLevel{4 - static_cast<int>(i)};
  }
  return logged;
}

}  // namespace eptdiff
