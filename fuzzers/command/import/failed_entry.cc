// VM entries that fail in the guest's state, or after it (SDM 27.8): they leave
// an exit reason, and no access was made.
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "fuzzers/command/import/read_log.h"
#include "fuzzers/command/words/bit_words.h"

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

}  // namespace

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
