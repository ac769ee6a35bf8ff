// The VMCS field by field, each with its encoding (SDM appendix B), as HAXM and
// people's own hypervisors dump it:
//
//   haxm_warning: 401e VMX_SECONDARY_PROCESSOR_CONTROLS: aa
//   haxm_warning: 4402 VM_EXIT_INFO_REASON: 80000021
//   haxm_warning: 6400 VM_EXIT_INFO_QUALIFICATION: 0
//   haxm_warning: 2400 VM_EXIT_INFO_GUEST_PHYSICAL_ADDRESS: e00ec0
#include <type_traits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "fuzzers/command/import/read_log.h"

namespace eptdiff {
namespace {

constexpr std::size_t kFewest = 3;  // fields; fewer may be anything
constexpr std::size_t kMostBetween = 3;

enum Encoding : std::uint16_t {
  kEptp = 0x201a,
  kTertiary = 0x2034,
  kGpa = 0x2400,
  kSecondary = 0x401e,
  kReason = 0x4402,
  kQualification = 0x6400,
  kGla = 0x640a,
};

struct VmcsField {
  std::uint16_t encoding = 0;
  std::uint64_t value = 0;
};

bool IsNamePart(char c) {
  return absl::ascii_isupper(static_cast<unsigned char>(c)) ||
         absl::ascii_isdigit(static_cast<unsigned char>(c)) || c == '_';
}

// "4402 VM_EXIT_INFO_REASON: 80000021", wherever it stands in the line.
std::optional<VmcsField> FieldIn(absl::string_view line) {
  const std::size_t colon = line.rfind(": ");
  if (colon == absl::string_view::npos) return std::nullopt;
  std::size_t name = colon;
  while (name > 0 && IsNamePart(line[name - 1])) --name;
  const absl::string_view words = line.substr(name, colon - name);
  if (!absl::StrContains(words, "_") || name < 5 || line[name - 1] != ' ') {
    return std::nullopt;
  }
  const absl::string_view digits = line.substr(name - 5, 4);
  const auto encoding = HexadecimalIn(digits);
  if (!encoding || (name > 5 && absl::ascii_isalnum(static_cast<unsigned char>(
                                    line[name - 6])))) {
    return std::nullopt;
  }
  const auto value = HexAfter(line.substr(colon), ":");
  if (!value) return std::nullopt;
  return VmcsField{static_cast<std::uint16_t>(*encoding), *value};
}

bool IsOfEpt(std::uint64_t reason) {
  return reason == 48 || reason == 49 || reason == 62 || reason == 66;
}

void TakeExit(std::uint64_t reason, Logged& logged) {
  if (auto failed = FailedEntryNote(reason, logged.qualification)) {
    logged.notes.push_back(*std::move(failed));
  } else {
    logged.reason = static_cast<std::uint16_t>(reason);
    if (IsOfEpt(*logged.reason)) return;
    logged.notes.push_back(absl::StrCat("exit reason ", *logged.reason,
                                        " is none that EPT makes"));
  }
  // What stands in these fields is that of an exit before it, or nothing.
  logged.gpa.reset();
  logged.gla.reset();
  logged.qualification.reset();
}

}  // namespace

std::optional<Logged> ParseVmcsFields(const Log& log, std::size_t at) {
  if (!FieldIn(log.line(at))) return std::nullopt;
  Logged logged;
  logged.what = "VMCS (its fields by their encodings)";
  std::optional<std::uint64_t> reason;
  for (std::size_t i = at; i < log.size(); ++i) {
    const auto field = FieldIn(log.line(i));
    if (!field) {
      if (i - logged.lines.back() > kMostBetween) break;
      continue;
    }
    // The first field again begins another dump.
    if (i > at && field->encoding == FieldIn(log.line(at))->encoding) break;
    logged.lines.push_back(i);
    const auto take = [&](Encoding encoding, auto& target) {
      using Number =
          typename std::remove_reference_t<decltype(target)>::value_type;
      if (field->encoding == encoding) {
        target = static_cast<Number>(field->value);
      }
    };
    take(kEptp, logged.eptp);
    take(kTertiary, logged.tertiary);
    take(kGpa, logged.gpa);
    take(kSecondary, logged.secondary);
    take(kReason, reason);
    take(kQualification, logged.qualification);
    take(kGla, logged.gla);
  }
  if (logged.lines.size() < kFewest) return std::nullopt;
  if (reason) TakeExit(*reason, logged);
  if (!reason && !logged.eptp && !logged.secondary) return std::nullopt;
  return logged;
}

}  // namespace eptdiff
