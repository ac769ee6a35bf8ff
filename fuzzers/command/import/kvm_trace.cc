// Tracepoints of KVM, as trace-cmd, perf and the tracing directory print them,
// of old kernels and new ones, and the exits that "perf kvm stat" counts:
//
//   kvm_exit: vcpu 0 reason EPT_VIOLATION rip 0x1 info1 0x181 info2 0x0 ...
//   kvm_exit: reason EPT_VIOLATION rip 0xffffffff81a42401 info 181 0
//   kvm_page_fault: vcpu 0 rip 0x1 address 0x1050 error_code 0x181
//   fast_page_fault: vcpu 0 gva 1050 error_code P|U sptep 0x1 old 0x0 new 0 ...
//   kvm_fast_mmio: fast mmio at gpa 0xfee00000
//   handle_mmio_page_fault: addr:fee000b0 gfn fee00 access 6
//   kvm_mmu_set_spte: gfn 800 spte 100b4a00ea7 (rwxu) level 2 at 10052fa5020
//   kvm_tdp_mmu_spte_changed: as id 0 gfn 803 level 1 old_spte 0 new_spte 5a0
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "fuzzers/command/import/read_log.h"
#include "fuzzers/command/words/bit_words.h"

namespace eptdiff {
namespace {

// How far from an exit the tracepoints lie that say more of it.
constexpr std::size_t kReach = 8;

constexpr const char* kMeant =
    "KVM misconfigures entries for emulated devices (MMIO) on purpose, so that "
    "each access exits and it can emulate it";

bool IsExit(absl::string_view line) {
  return absl::StrContains(line, "kvm_exit:") ||
         absl::StrContains(line, "kvm_nested_vmexit:") ||
         (absl::StrContains(line, "reason EPT_") &&
          absl::StrContains(line, " rip "));
}

std::optional<std::uint16_t> ReasonIn(absl::string_view line) {
  struct Name {
    const char* name;
    std::uint16_t reason;
  };
  for (const auto& [name, reason] :
       {Name{"reason EPT_VIOLATION", 48}, Name{"reason EPT_MISCONFIG", 49},
        Name{"reason PML_FULL", 62}}) {
    if (absl::StrContains(line, name)) return reason;
  }
  return std::nullopt;
}

bool OfOneProcessor(absl::string_view a, absl::string_view b) {
  const auto x = NumberAfter(a, "vcpu ");
  const auto y = NumberAfter(b, "vcpu ");
  return !x || !y || *x == *y;
}

// The page fault that KVM handles is the EPT violation: its error code is the
// qualification. With shadow paging it is a page fault's, which has not bit 7
// and little else; AMD's has bits above 31.
std::optional<std::uint64_t> QualificationOfFault(absl::string_view line) {
  if (!absl::StrContains(line, "kvm_page_fault:")) return std::nullopt;
  const auto code = HexAfter(line, "error_code");
  if (!code || (*code >> 32) != 0 || (*code & 0x80) == 0) return std::nullopt;
  return code;
}

// Adds what the tracepoints behind an exit say of it.
void AddRest(const Log& log, std::size_t at, Logged& logged) {
  const absl::string_view exit = log.line(at);
  for (std::size_t i = at + 1; i <= at + kReach && i < log.size(); ++i) {
    const absl::string_view line = log.line(i);
    if (!OfOneProcessor(exit, line)) continue;
    const bool nested = absl::StrContains(line, "kvm_nested_vmexit:");
    if (absl::StrContains(line, "kvm_entry:") || (IsExit(line) && !nested)) {
      return;
    }
    if (nested && HexAfter(line, "info1") == logged.qualification) {
      logged.lines.push_back(i);
    } else if (absl::StrContains(line, "fast_page_fault:")) {
      // What KVM had there: it says in which entry, but not of which level.
      const auto old = HexAfter(line, " old ");
      if (!old) continue;
      logged.notes.push_back(
          absl::StrCat("KVM had the entry ", Hexadecimal(*old), " there"));
      logged.lines.push_back(i);
      return;
    } else if (logged.reason == 48 && !logged.gpa &&
               QualificationOfFault(line) == logged.qualification) {
      logged.gpa = HexAfter(line, "address");
      logged.lines.push_back(i);
    } else if (logged.reason == 49 &&
               (absl::StrContains(line, "kvm_fast_mmio:") ||
                absl::StrContains(line, "handle_mmio_page_fault:") ||
                absl::StrContains(line, "kvm_mmio:"))) {
      logged.gpa = HexAfter(line, "gpa");
      if (!logged.gpa) logged.gpa = HexAfter(line, "addr");
      logged.notes.push_back(kMeant);
      logged.lines.push_back(i);
      return;
    }
  }
}

std::optional<Logged> ParseSpte(absl::string_view line) {
  const bool changed = absl::StrContains(line, "kvm_tdp_mmu_spte_changed:");
  if (!changed && !absl::StrContains(line, "kvm_mmu_set_spte:")) {
    return std::nullopt;
  }
  const auto gfn = HexAfter(line, "gfn");
  const auto value = HexAfter(line, changed ? "new_spte" : " spte ");
  const auto level = NumberAfter(line, "level");
  if (!gfn || !value || !level || *level < 1 || *level > 5 || *gfn >> 52 != 0) {
    return std::nullopt;
  }
  Logged logged;
  logged.what = "entry that KVM wrote (tracepoint)";
  logged.entries.push_back(
      {*value, EntryLevel{static_cast<int>(*level), false}});
  logged.notes.push_back(
      "read as an EPT entry: it is none with kvm_intel.ept=0, or on AMD");
  return logged;
}

// "EPT_MISCONFIG   1585    96.53%    99.98%      3.80us ..."
std::optional<Logged> ParseCount(absl::string_view line) {
  line = absl::StripAsciiWhitespace(line);
  const bool misconfiguration = absl::StartsWith(line, "EPT_MISCONFIG ");
  if (!misconfiguration && !absl::StartsWith(line, "EPT_VIOLATION ")) {
    return std::nullopt;
  }
  const auto count = NumberAfter(line, " ");
  if (!count || !absl::StrContains(line, "%")) return std::nullopt;
  Logged logged;
  logged.what = absl::StrCat(*count, " exits (perf kvm stat)");
  logged.reason = misconfiguration ? 49 : 48;
  if (misconfiguration) logged.notes.push_back(kMeant);
  return logged;
}

}  // namespace

std::optional<Logged> ParseKvmTrace(const Log& log, std::size_t at) {
  const absl::string_view line = log.line(at);
  if (auto counted = ParseCount(line)) {
    counted->lines.push_back(at);
    return counted;
  }
  Logged logged;
  if (auto spte = ParseSpte(line)) {
    spte->lines.push_back(at);
    return spte;
  }
  if (const auto reason = ReasonIn(line); reason && IsExit(line)) {
    logged.what = "exit (KVM tracepoint)";
    logged.reason = reason;
    logged.qualification = HexAfter(line, "info1");
    if (!absl::StrContains(line, "info1")) {
      logged.qualification = HexAfter(line, "info");
    }
    if (!logged.qualification) return std::nullopt;
    logged.lines.push_back(at);
    AddRest(log, at, logged);
    return logged;
  }
  if (const auto qualification = QualificationOfFault(line)) {
    logged.what = "EPT violation (KVM tracepoint kvm_page_fault)";
    logged.reason = 48;
    logged.qualification = qualification;
    logged.gpa = HexAfter(line, "address");
    logged.lines.push_back(at);
    return logged;
  }
  return std::nullopt;
}

}  // namespace eptdiff
