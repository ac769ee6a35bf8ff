// What KVM says in the kernel log, and illumos's port of it:
//
//   EPT: Misconfiguration.
//   EPT: GPA: 0x108ba4538
//   ept_misconfig_inspect_spte: spte 0x84c236107 level 4
//
//   get_mmio_spte: reserved bits set on MMU-present spte, addr 0x...,
//   hierarchy:
//   ------ spte = 0x8913827 level = 4, rsvd bits = 0x0
//
//   EPT: Handling EPT violation failed!
//   EPT: GPA: 0x..., GVA: 0x...
//   EPT: Exit qualification is 0x...
#include "absl/strings/match.h"
#include "fuzzers/command/import/read_log.h"

namespace eptdiff {
namespace {

// So many lines of others may stand between two of KVM's.
constexpr std::size_t kMostBetween = 8;

std::optional<CopiedEntry> SpteIn(absl::string_view line) {
  if (!absl::StrContains(line, "level") || absl::StrContains(line, "gfn")) {
    return std::nullopt;
  }
  const auto value = HexAfter(line, "spte ");
  const auto level = NumberAfter(line, "level");
  if (!value || !level || *level < 1 || *level > 5) return std::nullopt;
  return CopiedEntry{*value, EntryLevel{static_cast<int>(*level), false}};
}

bool BeginsMisconfiguration(absl::string_view line) {
  return absl::StrContains(line, "EPT: Misconfiguration") ||
         (absl::StrContains(line, "ept_misconfig") && HexAfter(line, "GPA"));
}
bool BeginsReservedBits(absl::string_view line) {
  return absl::StrContains(line, "reserved bits") && HexAfter(line, "addr ");
}
bool BeginsViolation(absl::string_view line) {
  return absl::StrContains(line, "EPT: Handling EPT violation failed");
}

// Takes what `line` adds; whether it is one of KVM's.
bool Take(absl::string_view line, Logged& logged, bool& other) {
  if (const auto spte = SpteIn(line)) {
    const bool descends =
        logged.entries.empty() ||
        spte->where->level < logged.entries.back().where->level;
    if (!descends) {
      other = true;
      return false;
    }
    logged.entries.push_back(*spte);
    return true;
  }
  if (absl::StrContains(line, "EPT: GPA")) {
    logged.gpa = HexAfter(line, "GPA");
    if (const auto gva = HexAfter(line, "GVA")) logged.gla = gva;
    return logged.gpa.has_value();
  }
  if (absl::StrContains(line, "EPT: Exit qualification")) {
    logged.qualification = HexAfter(line, "qualification is");
    return logged.qualification.has_value();
  }
  return absl::StrContains(line, "ept_misconfig_inspect_spte");
}

}  // namespace

std::optional<Logged> ParseKvmMessages(const Log& log, std::size_t at) {
  const absl::string_view first = log.line(at);
  Logged logged;
  if (BeginsMisconfiguration(first)) {
    logged.what = "EPT misconfiguration (KVM)";
    logged.reason = 49;
    logged.gpa = HexAfter(first, "GPA");
  } else if (BeginsReservedBits(first)) {
    logged.what = "reserved bits in a walk (KVM)";
    logged.gpa = HexAfter(first, "addr ");
    logged.notes.push_back(
        "read as EPT entries: they are none with kvm_intel.ept=0, or on AMD");
  } else if (BeginsViolation(first)) {
    logged.what = "EPT violation (KVM)";
    logged.reason = 48;
  } else if (SpteIn(first)) {
    logged.what = "entries of a walk (KVM)";
    bool other = false;
    Take(first, logged, other);
  } else {
    return std::nullopt;
  }
  logged.lines.push_back(at);
  for (std::size_t i = at + 1; i < log.size(); ++i) {
    const absl::string_view line = log.line(i);
    bool other = BeginsMisconfiguration(line) || BeginsReservedBits(line) ||
                 BeginsViolation(line);
    if (!other && Take(line, logged, other)) {
      logged.lines.push_back(i);
    } else if (other || i - logged.lines.back() > kMostBetween) {
      break;
    }
  }
  return logged;
}

}  // namespace eptdiff
