// VM entries that fail. In the guest's state, or after it (SDM 27.8), they
// leave an exit reason; before, a VM-instruction error (31.4). No access was
// made.
//
//   (XEN) d1v0 vmentry failure (reason 0x80000021): Invalid guest state (0)
//   KVM: entry failed, hardware error 0x80000021      (QEMU)
//   Failed to enter VM, reason 33, code 0
//   vmlaunch failed, instruction error 7
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "fuzzers/command/import/read_log.h"
#include "fuzzers/command/words/bit_words.h"
#include "fuzzers/text/view.h"
#include "oracle/rules.h"

namespace eptdiff {
namespace {

std::string GuestStateWords(std::optional<std::uint64_t> qualification) {
  switch (qualification.value_or(0)) {
    case 2:
      return "the guest's PDPTEs are refused (27.3.1.6)";
    case 3:
      return "an NMI was to be injected into a guest with blocking by STI";
    case 4:
      return "the VMCS link pointer is refused (27.3.1.5)";
    default:
      return "the guest's state is refused (27.3.1)";
  }
}

// What 31.4 has for numbers that EPT's settings lead to.
std::string InstructionErrorNote(std::uint64_t error) {
  std::string words = absl::StrCat("VM-instruction error ", error, ": ");
  switch (error) {
    case 7: {
      words +=
          "VM entry refuses a control field, before anything of the guest "
          "is looked at. Of EPT these are checked:";
      std::string_view before;
      for (const Rule rule : {Rule::kEptp1, Rule::kEptp2, Rule::kEptp3,
                              Rule::kEptp4, Rule::kEptp5, Rule::kCtl1}) {
        absl::StrAppend(&words, View(before), " ",
                        View(InfoOf(rule).identifier), " (",
                        View(InfoOf(rule).words), ")");
        before = ",";
      }
      return words +
             ". eptdiff decode eptp and eptdiff decode secondary say "
             "what is wrong with a number";
    }
    case 8:
      return words +
             "VM entry refuses a host-state field (27.2.2); EPT has no "
             "part in it";
    case 28:
      return words +
             "the operand of INVEPT or INVVPID is invalid: a type that "
             "the processor does not support, or a descriptor with "
             "reserved bits; eptdiff decode invept looks at an EPTP "
             "there (CACHE-13)";
    default:
      return "";
  }
}

}  // namespace

std::optional<Logged> ParseFailedEntry(const Log& log, std::size_t at) {
  const std::string small = absl::AsciiStrToLower(log.line(at));
  Logged logged;
  logged.what = "VM entry that failed";
  logged.lines.push_back(at);
  for (const char* name :
       {"instruction error", "instruction_error", "hardware error"}) {
    const auto error = NumberAfter(small, name);
    if (!error || *error > 0xff) continue;
    const std::string note = InstructionErrorNote(*error);
    if (note.empty()) return std::nullopt;
    logged.notes.push_back(note);
    return logged;
  }
  const bool fails = absl::StrContains(small, "entry fail") ||
                     absl::StrContains(small, "failed to enter vm");
  if (!fails) return std::nullopt;
  for (const char* name : {"reason", "hardware error"}) {
    const auto reason = NumberAfter(small, name);
    if (!reason || *reason >> 32 != 0) continue;
    std::optional<std::uint64_t> qualification;
    for (const char* of : {"guest state (", "qualification", "code"}) {
      if (!qualification) qualification = NumberAfter(small, of);
    }
    const auto note = FailedEntryNote(*reason, qualification);
    if (!note) return std::nullopt;
    logged.notes.push_back(*note);
    return logged;
  }
  return std::nullopt;
}

std::optional<std::string> FailedEntryNote(
    std::uint64_t reason, std::optional<std::uint64_t> qualification) {
  std::string why;
  switch (reason & 0xffff) {
    case 33:
      why = GuestStateWords(qualification);
      break;
    case 34:
      why = absl::StrCat("MSR ", qualification.value_or(0),
                         " of the VM-entry MSR-load area cannot be loaded "
                         "(27.4)");
      break;
    case 41:
      why = "a machine check came in between (27.9)";
      break;
    default:
      return std::nullopt;
  }
  return absl::StrCat("exit reason ", Hexadecimal(reason),
                      " is a VM entry that failed: ", why,
                      "; no access was made");
}

}  // namespace eptdiff
