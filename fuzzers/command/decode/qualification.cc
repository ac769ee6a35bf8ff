// Exit qualifications: of an EPT violation (table 28-7), and of the other exits
// that EPT makes (28.2.1).
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/walk/exit_qualification.h"
#include "fuzzers/command/decode/decoding.h"
#include "fuzzers/command/decode/field_list.h"
#include "fuzzers/command/words/answer_words.h"
#include "fuzzers/command/words/bit_names.h"
#include "fuzzers/command/words/bit_words.h"
#include "fuzzers/command/words/word_list.h"
#include "oracle/rules.h"

namespace eptdiff {
namespace {

// Bits 0 to 16 are QUAL-0 to QUAL-16, but that QUAL-0 is about bits 1:0 of an
// access to a guest entry.
Rule RuleOfBit(int bit) {
  return *FindRule(absl::StrCat("QUAL-", bit == 0 ? 1 : bit));
}

// The bits that are defined in every context that may be, and in none.
struct Defined {
  std::uint64_t surely = ~std::uint64_t{0};
  std::uint64_t perhaps = 0;
};

Defined DefinedIn(std::uint64_t value, const DecodeContext& context) {
  Defined defined;
  for (unsigned i = 0; i < 16; ++i) {
    QualificationContext c;
    c.advanced_information = i & 1;
    c.mbec = i & 2;
    c.shadow_stack_control = i & 4;
    c.nmi_unblocking = i & 8;
    if (context.capabilities &&
        c.advanced_information != Bit(*context.capabilities, 22)) {
      continue;
    }
    if (context.mbec && !c.mbec) continue;
    if (context.eptp && c.shadow_stack_control != Bit(*context.eptp, 7)) {
      continue;
    }
    const std::uint64_t bits = DefinedBits(value, c);
    defined.surely &= bits;
    defined.perhaps |= bits;
  }
  return defined;
}

// Why bit `bit` says nothing, or on what that depends.
std::string WhyOpen(int bit, bool perhaps) {
  switch (bit) {
    case 6:
      return "defined only with mode-based execute control (--mbec)";
    case 9:
    case 10:
    case 11:
      return perhaps ? "defined only with capability 22 (--capabilities)"
                     : "undefined unless bits 7 and 8 are 1 and the processor "
                       "has capability 22";
    case 12:
      return "defined only if NMI exiting is 0 or virtual NMIs is 1, and no "
             "event was being delivered";
    case 14:
      return perhaps ? "defined only if EPTP bit 7 is 1 (--eptp)"
                     : "undefined unless EPTP bit 7 is 1 and the walk came to "
                       "an entry that maps a page";
    default:
      return "undefined";
  }
}

std::string AccessWords(std::uint64_t value) {
  Words kinds;
  Append(kinds, value & 7, kQualificationBits);
  std::string access = kinds.empty()
                           ? "an access of no kind"
                           : absl::StrCat("a ", absl::StrJoin(kinds, " and "));
  if (Bit(value, 2) && !Bit(value, 0) && !Bit(value, 1)) {
    access = "an instruction fetch";
  }
  if (Bit(value, 13)) absl::StrAppend(&access, " (of a shadow stack)");
  if (!Bit(value, 7)) {
    return absl::StrCat(access,
                        ", without a linear address: a load of the PDPTEs by "
                        "MOV to CR, or trace output");
  }
  if (Bit(value, 8)) {
    return absl::StrCat(access,
                        " at what the guest-linear address "
                        "translates to");
  }
  return absl::StrCat(
      "the processor's own access to a guest paging-structure entry, ", access,
      ", on the way to a translation: the guest-physical address is that of "
      "the entry",
      (value & 3) == 3 ? " (with EPT's accessed and dirty flags on, each such "
                         "access counts as a write)"
                       : "");
}

std::string RightsWords(std::uint64_t value, const Defined& defined) {
  const bool user = Bit(defined.surely, 6) && Bit(value, 6);
  if ((value & Mask(5, 3)) == 0 && !user) {
    return "EPT allows nothing there: an entry on the way is not present, no "
           "right is in all of them, or 4-level EPT met an address of more "
           "than 48 bits";
  }
  Words rights;
  Append(rights, value & (Mask(5, 3) | (user ? Mask(6, 6) : 0)),
         kQualificationBits);
  return absl::StrCat("The entries on the way, taken together, are ",
                      absl::StrJoin(rights, ", "));
}

std::string CauseWords(std::uint64_t value) {
  if ((value & Mask(6, 3)) == 0) return "";
  std::vector<std::string> causes;
  const auto lacks = [&](int access, int right, const char* words, Rule rule) {
    if (Bit(value, access) && !Bit(value, right)) {
      causes.push_back(absl::StrCat(words, " (", NameOf(rule), ")"));
    }
  };
  lacks(0, 3, "read permission is missing", Rule::kVio2);
  lacks(1, 4, "write permission is missing", Rule::kVio3);
  lacks(2, 5, "execute permission is missing", Rule::kVio4);
  if (Bit(value, 15)) {
    causes.push_back("guest-paging verification failed (VIO-13)");
  }
  if (!causes.empty()) return absl::StrJoin(causes, "; ");
  return "these rights would allow it: look at sub-page permissions, "
         "shadow-stack rules, mode-based execute control, or at an entry that "
         "was changed without INVEPT (SPP-7, VIO-12, VIO-5, VIO-6, CACHE-9)";
}

Decoding OfViolation(std::uint64_t value, const DecodeContext& context) {
  Decoding decoding;
  decoding.what = "exit qualification of an EPT violation";
  decoding.value = value;
  const Defined defined = DefinedIn(value, context);
  const std::string cause = CauseWords(value);
  decoding.summary = absl::StrCat(
      "It was ", AccessWords(value), ". ", RightsWords(value, defined), ".",
      cause.empty() ? "" : absl::StrCat(" So: ", cause, "."));
  if ((value & 7) == 0) {
    decoding.wrong.push_back(
        "bits 2:0 are all 0: a violation is that of an access (QUAL-1)");
  }
  if (Bit(value, 2) && (value & 3) != 0) {
    decoding.wrong.push_back(
        "bit 2 beside bit 0 or 1: a fetch is neither a read nor a write");
  }
  if (Bit(value, 4) && !Bit(value, 3)) {
    decoding.wrong.push_back(
        "bit 4 without bit 3: an entry that can be written and not read is a "
        "misconfiguration (CFG-1)");
  }
  if (Bit(value, 8) && !Bit(value, 7)) {
    decoding.wrong.push_back(
        "bit 8 without bit 7: it is reserved, and 0 (QUAL-8)");
  }
  for (int bit = 0; bit <= 16; ++bit) {
    const Rule rule = RuleOfBit(bit);
    const bool surely = Bit(defined.surely, bit);
    if (surely && !Bit(value, bit) && bit > 8) continue;
    DecodedField& field = AddField(
        decoding, bit, bit, kQualificationBits[bit].words, SourceOf(rule));
    if (!surely) field.open = WhyOpen(bit, Bit(defined.perhaps, bit));
  }
  if ((value & Mask(63, 17)) != 0) {
    AddField(decoding, 63, 17, "not currently defined", SourceOf(Rule::kQual16))
        .open = "undefined";
  }
  HighestFirst(decoding);
  return decoding;
}

// Table 28-6.
std::string ApicTypeWords(std::uint64_t type) {
  switch (type) {
    case 0:
      return "linear access for a data read during instruction execution";
    case 1:
      return "linear access for a data write during instruction execution";
    case 2:
      return "linear access for an instruction fetch";
    case 3:
      return "linear access (read or write) during event delivery";
    case 4:
      return "linear access for monitoring";
    case 10:
      return "guest-physical access during event delivery";
    case 11:
      return "guest-physical access for monitoring or trace";
    case 15:
      return "guest-physical access for an instruction fetch or during "
             "instruction execution";
    default:
      return "not used";
  }
}

Decoding OfApicAccess(std::uint64_t value) {
  Decoding decoding;
  decoding.what = "exit qualification of an APIC access";
  decoding.value = value;
  const std::uint64_t type = value >> 12 & 15;
  decoding.summary = absl::StrCat("It was a ", ApicTypeWords(type), ".");
  if (ApicTypeWords(type) == "not used") {
    decoding.summary = "It was an access of no type that is used.";
    decoding.wrong.push_back(
        absl::StrCat("access type ", type, " is not used (APIC-5)"));
  }
  AddField(decoding, 11, 0, "offset of the access in the APIC-access page",
           SourceOf(Rule::kApic4))
      .open = type < 10 ? "" : "undefined for a guest-physical access";
  AddField(decoding, 15, 12, ApicTypeWords(type), SourceOf(Rule::kApic5));
  AddField(decoding, 16, 16, "asynchronous", SourceOf(Rule::kApic6));
  if ((value & Mask(63, 17)) != 0) {
    AddField(decoding, 63, 17, "not currently defined", SourceOf(Rule::kApic6))
        .open = "undefined";
  }
  HighestFirst(decoding);
  return decoding;
}

// An exit of which only these bits are defined.
Decoding OfFewBits(std::uint64_t value, std::uint64_t defined, bool spp) {
  Decoding decoding;
  decoding.value = value;
  const std::string source = SourceOf(Rule::kInfo2);
  if (spp) {
    AddField(decoding, 11, 11,
             Bit(value, 11) ? "an SPP miss: a table on the way is not valid"
                            : "an SPP misconfiguration: reserved bits are set",
             source);
  }
  AddField(decoding, 12, 12, "NMI unblocking due to IRET", source).open =
      WhyOpen(12, true);
  AddField(decoding, 16, 16, "asynchronous", source);
  if ((value & ~defined) != 0) {
    decoding.summary = absl::StrCat("Bits ", BitNumbers(value & ~defined),
                                    " are set, and undefined.");
  }
  HighestFirst(decoding);
  return decoding;
}

// Table 28-7 says nothing of it: whoever has this exit looks for one of these.
Decoding OfMisconfiguration(std::uint64_t value, const DecodeContext& context) {
  Decoding decoding;
  decoding.value = value;
  decoding.what = "exit qualification of an EPT misconfiguration";
  decoding.summary =
      "Nothing is said there: the guest-physical address is all that this exit "
      "reports (INFO-1, INFO-2). An entry on its way has a setting that is "
      "reserved; whatever else its rights are matters no more. Walk the "
      "entries "
      "of that address: eptdiff decode entry, or eptdiff explain --walk; "
      "eptdiff lint finds it in a dump of memory.";
  if (value != 0) {
    decoding.wrong.push_back(
        "it is 0 for this exit (INFO-2): was it another exit's?");
  }
  for (const Rule rule : {Rule::kCfg1, Rule::kCfg2, Rule::kCfg3, Rule::kCfg4,
                          Rule::kCfg5, Rule::kCfg6, Rule::kCfg7, Rule::kCfg8,
                          Rule::kCfg9, Rule::kCfg10, Rule::kCfg11}) {
    if (rule == Rule::kCfg3 && !context.mbec) continue;
    decoding.causes.push_back(RuleWords(rule));
  }
  return decoding;
}

}  // namespace

Decoding DecodeQualification(std::uint64_t value,
                             const DecodeContext& context) {
  constexpr std::uint64_t kAlways = Mask(12, 12) | Mask(16, 16);
  switch (context.reason) {
    case 49:
      return OfMisconfiguration(value, context);
    case 44:
      return OfApicAccess(value);
    case 62: {
      Decoding decoding = OfFewBits(value, kAlways, /*spp=*/false);
      decoding.what =
          "exit qualification of a page-modification log-full event";
      decoding.summary = absl::StrCat(
          "The log had no room (PML-1): the access did not "
          "happen. The guest-physical address is undefined. ",
          decoding.summary);
      return decoding;
    }
    case 66: {
      Decoding decoding =
          OfFewBits(value, kAlways | Mask(11, 11), /*spp=*/true);
      decoding.what = "exit qualification of an SPP-related event";
      decoding.summary = absl::StrCat(
          "The sub-page permissions of a write could not be found. ",
          decoding.summary);
      return decoding;
    }
    default:
      return OfViolation(value, context);
  }
}

}  // namespace eptdiff
