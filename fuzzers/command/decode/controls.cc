// Words of controls and registers: what each bit that is set stands for.
#include <cstdint>
#include <span>
#include <string>

#include "absl/strings/str_cat.h"
#include "fuzzers/command/decode/decoding.h"
#include "fuzzers/command/decode/field_list.h"
#include "fuzzers/command/words/bit_names.h"
#include "fuzzers/command/words/bit_words.h"
#include "fuzzers/command/words/guest_words.h"
#include "fuzzers/command/words/word_list.h"
#include "oracle/rules.h"

namespace eptdiff {
namespace {

// Controls whose bits have these names; `one` are bits that are reserved and
// usually 1, since the first processors supported no other setting.
Decoding OfControls(std::uint64_t value, std::span<const BitName> names,
                    int width, std::uint64_t one, const char* what,
                    const char* table) {
  Decoding decoding;
  decoding.what = what;
  decoding.value = value;
  Words words;
  Append(words, value, names);
  decoding.summary = absl::StrCat(Joined(words, "none"), ".");
  const std::string source = absl::StrCat("SDM ", table);
  AddSetBits(decoding, names, source);
  const std::uint64_t reserved =
      value & Mask(width - 1, 0) & ~BitsOf(names) & ~one;
  if (reserved != 0) {
    decoding.wrong.push_back(
        absl::StrCat(ReservedBitsWords(reserved), " (", table,
                     "); whether they may be, the capability MSR says"));
  }
  if (width < 64 && (value & Mask(63, width)) != 0) {
    decoding.wrong.push_back(
        absl::StrCat("more than ", width, " bits: this field has no more"));
  }
  if ((value & one) != 0) {
    decoding.summary += absl::StrCat(" Bits ", BitNumbers(value & one),
                                     " are reserved, and 1 by default.");
  }
  HighestFirst(decoding);
  return decoding;
}

}  // namespace

Decoding DecodePin(std::uint64_t value, const DecodeContext&) {
  return OfControls(value, kPinControlBits, 32, 0x16,
                    "pin-based VM-execution controls", "table 25-5");
}

Decoding DecodePrimary(std::uint64_t value, const DecodeContext&) {
  return OfControls(value, kPrimaryControlBits, 32, 0x04006172,
                    "primary processor-based VM-execution controls",
                    "table 25-6");
}

Decoding DecodeSecondary(std::uint64_t value, const DecodeContext&) {
  Decoding decoding = OfControls(
      value, kSecondaryControlBits, 32, 0,
      "secondary processor-based VM-execution controls", "table 25-7");
  constexpr std::uint64_t kNeedEpt =
      1 << 7 | 1 << 17 | 1 << 22 | 1 << 23 | 1 << 24;
  if (!Bit(value, 1) && (value & kNeedEpt) != 0) {
    Words words;
    Append(words, value & kNeedEpt, kSecondaryControlBits);
    decoding.wrong.push_back(
        absl::StrCat("without \"enable EPT\": ", Joined(words, ""), " (",
                     SourceOf(Rule::kCtl1), ")"));
  }
  return decoding;
}

Decoding DecodeTertiary(std::uint64_t value, const DecodeContext&) {
  return OfControls(value, kTertiaryControlBits, 64, 0,
                    "tertiary processor-based VM-execution controls",
                    "table 25-8");
}

Decoding DecodeCapabilities(std::uint64_t value, const DecodeContext&) {
  Decoding decoding;
  decoding.what = "IA32_VMX_EPT_VPID_CAP";
  decoding.value = value;
  decoding.summary = absl::StrCat(CapabilityWords(value), ".");
  AddSetBits(decoding, kCapabilityBits, "SDM A.10");
  AddSetBits(decoding, kInvvpidBits, "SDM A.10");
  AddField(decoding, 53, 48,
           absl::StrCat("largest HLAT prefix size: ", value >> 48 & 63),
           "SDM A.10");
  const std::uint64_t reserved =
      value & ~BitsOf(kCapabilityBits) & ~BitsOf(kInvvpidBits) & ~Mask(53, 48);
  if (reserved != 0) {
    decoding.wrong.push_back(
        absl::StrCat(ReservedBitsWords(reserved), " (A.10)"));
  }
  HighestFirst(decoding);
  return decoding;
}

Decoding DecodeErrorCode(std::uint64_t value, const DecodeContext&) {
  Decoding decoding;
  decoding.what = "a page fault's error code";
  decoding.value = value;
  decoding.summary =
      absl::StrCat(ErrorCodeWords(static_cast<std::uint32_t>(value)), ": ",
                   Bit(value, 4)   ? "an instruction fetch"
                   : Bit(value, 1) ? "a write"
                                   : "a read",
                   Bit(value, 6) ? " (of a shadow stack)" : "", " by a ",
                   Bit(value, 2) ? "user" : "supervisor", "-mode access, ",
                   Bit(value, 3)   ? "that met an entry with reserved bits set"
                   : Bit(value, 0) ? "that the rights of the page refuse"
                                   : "that met an entry that is not present",
                   Bit(value, 5) ? "; its protection key refuses it" : "",
                   Bit(value, 7) ? "; met during HLAT paging" : "", ".");
  const std::string source = SourceOf(Rule::kGw18);
  for (const BitName& name : kErrorCodeBits) {
    if (name.bit > 4 && !Bit(value, name.bit)) continue;
    AddField(decoding, name.bit, name.bit, name.words, source);
  }
  const std::uint64_t reserved = value & ~BitsOf(kErrorCodeBits);
  if (reserved != 0) {
    decoding.wrong.push_back(
        absl::StrCat(ReservedBitsWords(reserved), " (3A 4.7)"));
  }
  if (Bit(value, 3) && !Bit(value, 0)) {
    decoding.wrong.push_back(
        "RSVD without P: an entry that is not present reserves nothing (3A "
        "4.7)");
  }
  if (Bit(value, 4) && Bit(value, 1)) {
    decoding.wrong.push_back("I/D beside W/R: a fetch writes nothing (3A 4.7)");
  }
  HighestFirst(decoding);
  return decoding;
}

Decoding DecodePat(std::uint64_t value, const DecodeContext&) {
  Decoding decoding;
  decoding.what = "IA32_PAT";
  decoding.value = value;
  Words types;
  const std::string source = SourceOf(Rule::kMt2);
  for (int i = 0; i < 8; ++i) {
    const std::uint64_t type = value >> (8 * i) & 0xff;
    const std::string words = type == 7 ? "UC-" : MemoryTypeWords(type);
    types.push_back(absl::StrCat("PA", i, " ", words));
    AddField(decoding, 8 * i + 7, 8 * i, absl::StrCat("PA", i, ": ", words),
             source);
    if (type > 7 || type == 2 || type == 3) {
      decoding.wrong.push_back(absl::StrCat(
          "PA", i, " is reserved: WRMSR faults with it (3A 12.12.2)"));
    }
  }
  decoding.summary = absl::StrCat(Joined(types, ""), ".");
  HighestFirst(decoding);
  return decoding;
}

}  // namespace eptdiff
