// The VMCS as KVM's dump_vmcs() and Xen's vmcs_dump_vcpu() print it, whole or
// its end alone:
//
//   *** Guest State ***
//   CR0: actual=0x0000000080010031, shadow=..., gh_mask=...
//   ...
//   *** Control State ***
//   PinBased=0000003f CPUBased=b6a1edfa SecondaryExec=000214eb
//           reason=00000030 qualification=0000000000000181
//   EPT pointer = 0x000000207dd3b01e
//   Virtual processor ID = 0x0001
//
// It has no guest-physical address.
#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "fuzzers/command/import/read_log.h"

namespace eptdiff {
namespace {

constexpr std::size_t kMostLines = 120;
constexpr std::size_t kMostBetween = 8;

// What lines of a dump have in them.
constexpr const char* kMarks[] = {"*** ",
                                  "CR0: actual",
                                  "CR4: actual",
                                  "CR3 = ",
                                  "PDPTR",
                                  "PDPTE0 =",
                                  "PDPTE2 =",
                                  "RSP = ",
                                  "RFLAGS=",
                                  "Sysenter RSP",
                                  "sel=",
                                  "limit=",
                                  "EFER",
                                  "PAT = ",
                                  "DebugCtl",
                                  "Interruptibility",
                                  "PerfGlob",
                                  "RIP = ",
                                  "FSBase=",
                                  "GDTBase=",
                                  "CR0=",
                                  "SS=",
                                  "PinBased=",
                                  "CPUBased=",
                                  "SecondaryExec=",
                                  "EntryControls=",
                                  "ExceptionBitmap=",
                                  "VMEntry:",
                                  "VMExit:",
                                  "reason=",
                                  "IDTVectoring",
                                  "TSC ",
                                  "TPR Threshold",
                                  "PLE Gap",
                                  "EPT pointer",
                                  "Virtual processor ID",
                                  "virt-APIC addr",
                                  "APIC-access addr",
                                  "PostedIntrVec",
                                  "SVI|RVI",
                                  "autoload",
                                  "BndCfgS",
                                  "S_CET",
                                  "CS:   sel",
                                  "last attempted VM-entry"};

bool IsOfDump(absl::string_view line) {
  return std::any_of(
      std::begin(kMarks), std::end(kMarks),
      [line](const char* mark) { return absl::StrContains(line, mark); });
}

bool Begins(absl::string_view line) {
  return absl::StrContains(line, "*** Guest State ***") ||
         absl::StrContains(line, "*** Control State ***") ||
         absl::StrContains(line, "SecondaryExec=") ||
         (absl::StrContains(line, "reason=") &&
          HexAfter(line, "qualification")) ||
         HexAfter(line, "EPT pointer =");
}

void TakeReason(absl::string_view line, Logged& logged) {
  const auto reason = HexAfter(line, " reason=");
  if (!reason || *reason >> 32 != 0) return;
  if (auto failed = FailedEntryNote(*reason, HexAfter(line, "qualification"))) {
    logged.notes.push_back(*std::move(failed));
    return;
  }
  logged.reason = static_cast<std::uint16_t>(*reason);
  logged.qualification = HexAfter(line, "qualification");
}

}  // namespace

std::optional<Logged> ParseVmcsDump(const Log& log, std::size_t at) {
  if (!Begins(log.line(at))) return std::nullopt;
  Logged logged;
  logged.what = "VMCS (as KVM and Xen dump it)";
  std::size_t last = at;
  for (std::size_t i = at; i < log.size() && i - at < kMostLines; ++i) {
    const absl::string_view line = log.line(i);
    if (i != at && absl::StrContains(line, "*** Guest State ***")) break;
    if (!IsOfDump(line)) {
      if (i - last > kMostBetween) break;
      continue;
    }
    last = i;
    logged.lines.push_back(i);
    TakeReason(line, logged);
    if (const auto eptp = HexAfter(line, "EPT pointer =")) logged.eptp = eptp;
    if (const auto secondary = HexAfter(line, "SecondaryExec=")) {
      logged.secondary = static_cast<std::uint32_t>(*secondary);
    }
    if (const auto tertiary = HexAfter(line, "TertiaryExec=")) {
      logged.tertiary = tertiary;
    }
    if (absl::StrContains(line, "Virtual processor ID")) break;
  }
  if (!logged.eptp && !logged.reason && logged.notes.empty()) {
    return std::nullopt;
  }
  return logged;
}

}  // namespace eptdiff
