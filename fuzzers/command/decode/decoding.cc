#include "fuzzers/command/decode/decoding.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fuzzers/command/report/json.h"
#include "fuzzers/command/words/bit_words.h"
#include "fuzzers/command/words/style.h"
#include "fuzzers/command/words/word_list.h"

namespace eptdiff {
namespace {

// Where the words of a field begin.
constexpr std::size_t kColumn = 14;

bool MayBeQualification(std::uint64_t value) {
  return (value & Mask(63, 17)) == 0 && (value & Mask(2, 0)) != 0;
}
bool MayBeEptp(std::uint64_t value) {
  const std::uint64_t type = value & 7;
  const std::uint64_t levels = value >> 3 & 7;
  return (type == 0 || type == 6) && (levels == 3 || levels == 4) &&
         (value & (Mask(11, 8) | Mask(63, 52))) == 0 &&
         (value & Mask(51, 12)) != 0;
}
bool MayBeEntry(std::uint64_t value) {
  return (value & 7) != 0 && (value & Mask(51, 12)) != 0;
}
bool MayBeCapabilities(std::uint64_t value) {
  return Bit(value, 6) && Bit(value, 14) && Bit(value, 20) && Bit(value, 26);
}
bool MayBeErrorCode(std::uint64_t value) {
  return (value & ~(Mask(7, 0) | Mask(15, 15))) == 0;
}
bool MayBePat(std::uint64_t value) {
  for (int i = 0; i < 64; i += 8) {
    const std::uint64_t type = value >> i & 0xff;
    if (type > 7 || type == 2 || type == 3) return false;
  }
  return value > 0xffffffff;
}
bool MustBeNamed(std::uint64_t) { return false; }

std::string BitsOf(const DecodedField& field) {
  return field.high == field.low ? absl::StrCat(field.low)
                                 : absl::StrCat(field.high, ":", field.low);
}

}  // namespace

std::span<const Decoder> Decoders() {
  static constexpr Decoder kDecoders[] = {
      {"qualification", "an exit qualification; --reason says of which exit",
       DecodeQualification, MayBeQualification},
      {"eptp", "an EPT pointer", DecodeEptp, MayBeEptp},
      {"entry", "an EPT paging-structure entry, of --level", DecodeEntry,
       MayBeEntry},
      {"capabilities", "IA32_VMX_EPT_VPID_CAP", DecodeCapabilities,
       MayBeCapabilities},
      {"error-code", "a page fault's error code", DecodeErrorCode,
       MayBeErrorCode},
      {"pat", "IA32_PAT", DecodePat, MayBePat},
      {"pin", "pin-based VM-execution controls", DecodePin, MustBeNamed},
      {"primary", "primary processor-based VM-execution controls",
       DecodePrimary, MustBeNamed},
      {"secondary", "secondary processor-based VM-execution controls",
       DecodeSecondary, MustBeNamed},
      {"tertiary", "tertiary processor-based VM-execution controls",
       DecodeTertiary, MustBeNamed},
      {"invept", "the EPTP in an INVEPT descriptor", DecodeInvept, MustBeNamed},
  };
  return kDecoders;
}

std::string DecodingText(const Decoding& decoding) {
  std::string text =
      absl::StrCat(Hexadecimal(decoding.value), ": ", decoding.what, "\n");
  for (const std::string& wrong : decoding.wrong) {
    absl::StrAppend(&text, Item(2, "WRONG: ", "", wrong));
  }
  absl::StrAppend(&text, Wrapped(decoding.summary, 2));
  for (const std::string& cause : decoding.causes) {
    absl::StrAppend(&text, Item(2, "may be:", "", cause));
  }
  for (const DecodedField& field : decoding.fields) {
    const std::string lead =
        absl::StrFormat("  %5s  ", BitsOf(field)) +
        (field.high == field.low ? absl::StrCat(field.value)
                                 : Hexadecimal(field.value)) +
        "  ";
    std::string words = field.words;
    if (!field.open.empty()) absl::StrAppend(&words, "; ", field.open);
    if (!field.source.empty()) absl::StrAppend(&words, " (", field.source, ")");
    std::string lines = Wrapped(words, kColumn);
    // A long value begins its line; the words stay in their column.
    if (lead.size() > kColumn) {
      absl::StrAppend(&text, lead.substr(0, lead.size() - 2), "\n", lines);
      continue;
    }
    absl::StrAppend(&text, lines.replace(0, lead.size(), lead));
  }
  return text;
}

std::string DecodingJson(const Decoding& decoding) {
  JsonWriter json;
  json.Object();
  json.Key("what").String(decoding.what);
  json.Key("value").String(Hexadecimal(decoding.value));
  json.Key("summary").String(decoding.summary);
  json.Key("wrong").Array();
  for (const std::string& wrong : decoding.wrong) json.String(wrong);
  json.End();
  if (!decoding.causes.empty()) {
    json.Key("causes").Array();
    for (const std::string& cause : decoding.causes) json.String(cause);
    json.End();
  }
  json.Key("fields").Array();
  for (const DecodedField& field : decoding.fields) {
    json.OnOneLine();
    json.Object();
    json.Key("bits").String(BitsOf(field));
    json.Key("value").String(Hexadecimal(field.value));
    json.Key("defined").Bool(field.open.empty());
    json.Key("words").String(field.words);
    if (!field.open.empty()) json.Key("open").String(field.open);
    if (!field.source.empty()) json.Key("source").String(field.source);
    json.End();
  }
  json.End();
  json.End();
  return std::move(json).Finish();
}

}  // namespace eptdiff
