// An exit as a few lines of names and numbers, or one: what bhyve, ACRN, Dune,
// noah, seL4's VMM and people's own hypervisors print.
//
//   reason: ept_violation
//   guest-physical address = 0x7fc0000000
//   exit qualification = 0x83
//   guest linear address = 0x22c039e
//
//   exit_reason     48 (EPT violation)
//   qualification   0x0000000000000182
//
//   vcpu_handle_exit: exit 48 prev=0
//   the exit qualification in `ept_violation`, I find, is `0x83`
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "fuzzers/command/import/read_log.h"
#include "fuzzers/command/words/bit_words.h"

namespace eptdiff {
namespace {

constexpr std::size_t kMostBetween = 3;  // bhyve has others between two of ours

// In small letters, with a blank for each run of blanks, - and _.
std::string Plain(absl::string_view line) {
  std::string plain;
  for (const char c : line) {
    const bool blank = c == '-' || c == '_' || c == ' ' || c == '\t';
    if (blank && (plain.empty() || plain.back() == ' ')) continue;
    plain += blank ? ' ' : absl::ascii_tolower(static_cast<unsigned char>(c));
  }
  return plain;
}

struct Names {
  std::optional<std::uint64_t> Logged::* field;
  std::vector<const char*> names;  // the longest first
};

const std::vector<Names>& FieldNames() {
  static const std::vector<Names> kNames = {
      {&Logged::qualification,
       {"exit qualification", "exitqualification", "qualification",
        "qulification"}},
      // ACRN's has a word too many.
      {&Logged::gpa,
       {"guest physical address address", "guest physical address",
        "guestphysicaladdress", "gpa"}},
      {&Logged::gla,
       {"guest linear address", "guestlinearaddress", "gla", "gva",
        "linear address"}},
      {&Logged::eptp, {"ept pointer", "eptpointer", "eptp"}},
  };
  return kNames;
}

// The number behind a name and some words of a sentence, if nobody could take
// it for another's: 0x stands there, and no digit before it.
std::optional<std::uint64_t> HexInSentence(absl::string_view plain,
                                           absl::string_view name) {
  constexpr std::size_t kMostWords = 40;
  // Of a short name, what is said may be something else about it.
  if (name.size() < 12) return std::nullopt;
  const std::size_t at = plain.find(name);
  if (at == absl::string_view::npos) return std::nullopt;
  const absl::string_view rest = plain.substr(at + name.size());
  const std::size_t digit = rest.find_first_of("0123456789");
  if (digit == absl::string_view::npos || digit > kMostWords ||
      !absl::StartsWith(rest.substr(digit), "0x")) {
    return std::nullopt;
  }
  return HexAfter(rest.substr(digit), "");
}

bool NamesViolation(absl::string_view plain) {
  return absl::StrContains(plain, "ept violation") ||
         absl::StrContains(plain, "eptviolation");
}
bool NamesMisconfiguration(absl::string_view plain) {
  return absl::StrContains(plain, "ept misconfig") ||
         absl::StrContains(plain, "eptmisconfig");
}

// "exit 48", "vmexit 0x31", of a line that speaks of virtual machines.
std::optional<std::uint64_t> ReasonOfExit(absl::string_view plain) {
  bool of_machine = false;
  for (const char* word : {"vcpu", "vmexit", "vm exit", "vmx", "vmcs"}) {
    of_machine |= absl::StrContains(plain, word);
  }
  if (!of_machine) return std::nullopt;
  for (std::size_t at = plain.find("exit"); at != absl::string_view::npos;
       at = plain.find("exit", at + 1)) {
    const auto value = NumberAfter(plain.substr(at), "exit");
    if (value && *value < 100) return value;
  }
  return std::nullopt;
}

// Whether a line has a reason; it may be none of EPT's.
bool TakeReason(absl::string_view plain, std::optional<std::uint64_t>& reason) {
  for (const char* name : {"exit reason", "exitreason", "reason"}) {
    const absl::string_view digits = DigitsAfter(plain, name);
    if (digits.empty()) continue;
    // 00000030 is hexadecimal, 48 is not.
    const bool padded = digits.size() == 8 && digits[0] == '0';
    const auto value =
        padded ? HexAfter(plain, name) : NumberAfter(plain, name);
    // Bit 31: VM entry failed.
    if (!value || (*value & 0x7fff0000) != 0 || *value >> 32 != 0) continue;
    reason = value;
    return true;
  }
  if (const auto value = ReasonOfExit(plain)) {
    reason = value;
    return true;
  }
  if (NamesViolation(plain)) reason = 48;
  if (NamesMisconfiguration(plain)) reason = 49;
  return NamesViolation(plain) || NamesMisconfiguration(plain);
}

// What says without the word that an EPT violation found nothing to map:
// Dune's message, and ACRN's.
bool ImpliesViolation(absl::string_view plain) {
  return absl::StrContains(plain, "page fault failure gpa") ||
         absl::StrContains(plain, "guest physical address address");
}

// How many fields the line has. One that stands there already ends the exit.
struct Taken {
  int fields = 0;
  bool repeats = false;
  bool reason = false;
};
Taken Take(absl::string_view line, Logged& logged,
           std::optional<std::uint64_t>& reason, bool& without_0x) {
  Taken taken;
  const std::string plain = Plain(line);
  std::optional<std::uint64_t> other = {};
  if (TakeReason(plain, other)) {
    taken.reason = true;
    taken.repeats |= reason.has_value() && *reason != *other;
    // A line that begins with the reason begins an exit.
    taken.repeats |= reason.has_value() && (logged.qualification.has_value() ||
                                            ReasonOfExit(plain).has_value());
    if (!taken.repeats) reason = other;
  } else if (ImpliesViolation(plain) && !reason) {
    reason = 48;
    logged.notes.push_back(
        "the log does not name the exit: what could not be mapped is taken for "
        "an EPT violation");
  }
  // "ept violation address:0000000002805000, type:read/write"
  if (NamesViolation(plain) && !HexAfter(plain, "gpa")) {
    if (const auto address = HexAfter(plain, "violation address")) {
      taken.repeats |= logged.gpa.has_value();
      if (!taken.repeats) logged.gpa = address;
      // "type:read/write"
      if (const std::size_t type = plain.find("type:");
          !taken.repeats && type != std::string::npos) {
        logged.notes.push_back(absl::StrCat(
            "the log calls the access \"",
            absl::StripAsciiWhitespace(plain.substr(type + 5)), "\""));
      }
      without_0x |=
          !absl::StartsWith(DigitsAfter(plain, "violation address"), "0x");
      ++taken.fields;
    }
  }
  for (const auto& [field, names] : FieldNames()) {
    for (const char* name : names) {
      auto value = HexAfter(plain, name);
      const bool in_sentence = !value;
      if (in_sentence) value = HexInSentence(plain, name);
      if (!value) continue;
      taken.repeats |= (logged.*field).has_value();
      if (taken.repeats) break;
      logged.*field = value;
      ++taken.fields;
      if (in_sentence) {
        logged.notes.push_back(absl::StrCat(
            "\"", name, "\" is taken from a sentence: ", Hexadecimal(*value)));
      } else {
        without_0x |= !absl::StartsWith(DigitsAfter(plain, name), "0x");
      }
      break;
    }
  }
  return taken;
}

bool IsOfEpt(const std::optional<std::uint64_t>& reason) {
  return reason == 48 || reason == 49 || reason == 62 || reason == 66;
}

// Whether what begins at `at` is the rest of an exit that EPT does not make.
bool IsOfAnotherExit(const Log& log, std::size_t at) {
  for (std::size_t i = at; i-- > 0 && at - i <= kMostBetween;) {
    std::optional<std::uint64_t> reason;
    if (TakeReason(Plain(log.line(i)), reason)) return !IsOfEpt(reason);
  }
  return false;
}

}  // namespace

std::optional<Logged> ParseExitFields(const Log& log, std::size_t at) {
  Logged logged;
  // Dune says why before it says of what.
  if (absl::StrContains(log.line(at), "ept: failed to get user page") &&
      ImpliesViolation(Plain(log.line(at + 1)))) {
    logged.lines.push_back(at++);
    logged.notes.push_back(
        "the host has no page at the user's address that belongs there");
  }
  std::optional<std::uint64_t> reason;
  bool without_0x = false;
  int fields = 0;
  for (std::size_t i = at; i < log.size(); ++i) {
    Logged with = logged;
    std::optional<std::uint64_t> reason_with = reason;
    const Taken taken = Take(log.line(i), with, reason_with, without_0x);
    if (taken.repeats || log.used(i)) break;
    if (taken.fields == 0 && !taken.reason) {
      if (i == at || i - logged.lines.back() > kMostBetween) break;
      continue;
    }
    logged = with;
    reason = reason_with;
    fields += taken.fields;
    logged.lines.push_back(i);
  }
  const auto failed =
      reason ? FailedEntryNote(*reason, logged.qualification) : std::nullopt;
  if (failed && logged.qualification) {
    logged.what = "VM entry (a list of fields)";
    logged.notes.push_back(*failed);
    // What stands in these fields is that of an exit before it.
    logged.gpa = logged.gla = logged.qualification = std::nullopt;
    return logged;
  }
  // An exit by its number alone is one; by its name it may be anybody's talk.
  const bool numbered =
      fields == 0 && IsOfEpt(ReasonOfExit(Plain(log.line(at))));
  if ((fields == 0 && !numbered) || (reason && !IsOfEpt(reason)) ||
      (!reason && (!logged.qualification || IsOfAnotherExit(log, at)))) {
    return std::nullopt;
  }
  logged.what = "exit (a list of fields)";
  if (reason) {
    logged.reason = static_cast<std::uint16_t>(*reason);
  } else {
    logged.notes.push_back(
        "the log does not say why it exited: taken for an "
        "EPT violation");
    logged.reason = 48;
  }
  if (without_0x) {
    logged.notes.push_back("numbers without 0x are read as hexadecimal");
  }
  return logged;
}

}  // namespace eptdiff
