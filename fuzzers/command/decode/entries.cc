// EPT paging-structure entries and EPTPs. What they break, the reference says:
// it walks the entry, or enters the guest with the EPTP.
#include <bitset>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "fuzzers/command/decode/decoding.h"
#include "fuzzers/command/decode/field_list.h"
#include "fuzzers/command/walk/walk_case.h"
#include "fuzzers/command/words/answer_words.h"
#include "fuzzers/command/words/bit_names.h"
#include "fuzzers/command/words/bit_words.h"
#include "fuzzers/command/words/word_list.h"
#include "oracle/case.h"
#include "oracle/judgement/spine.h"
#include "oracle/rules.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kRootAt = 0x1000;
constexpr const char* kReserved = "reserved: must be 0";
constexpr const char* kNoFlags = "ignored: EPTP bit 6 is 0";

KnownMachine MachineOf(const DecodeContext& context) {
  KnownMachine machine;
  machine.maxphyaddr = context.maxphyaddr;
  machine.capabilities = context.capabilities;
  machine.mbec = context.mbec;
  return machine;
}

// What forbids the last thing that `spine` judged, each rule once.
std::vector<std::string> WhatForbids(const Spine& spine) {
  std::vector<std::string> words;
  std::bitset<kRuleCount> told;
  for (const RuleHit& hit : spine.trace().hits) {
    const auto number = static_cast<std::size_t>(hit.rule);
    if (!hit.forbids || told[number]) continue;
    told.set(number);
    words.push_back(RuleWords(hit.rule));
  }
  return words;
}

void AddAddress(Decoding& decoding, const DecodeContext& context, int low,
                const char* words, const std::string& source) {
  const int high = static_cast<int>(context.maxphyaddr) - 1;
  if (high < 51 && (decoding.value & Mask(51, high + 1)) != 0) {
    AddField(decoding, 51, high + 1, "reserved: beyond MAXPHYADDR",
             SourceOf(Rule::kCfg10));
  }
  AddField(
      decoding, high, low,
      absl::StrCat(words, " ", Hexadecimal(decoding.value & Mask(high, low))),
      source);
}

// A bit by its name, after `negation` if it is 0: "read", "no read".
DecodedField& AddEntryBit(Decoding& decoding, int bit, const char* negation,
                          Rule rule) {
  return AddField(decoding, bit, bit,
                  absl::StrCat(Bit(decoding.value, bit) ? "" : negation,
                               BitWords(kEptEntryBits, bit)),
                  SourceOf(rule));
}

void AddLeafFields(Decoding& decoding, const DecodeContext& context) {
  const std::uint64_t value = decoding.value;
  AddField(decoding, 5, 3, MemoryTypeWords(value >> 3 & 7),
           SourceOf(Rule::kMt5));
  AddField(decoding, 6, 6,
           Bit(value, 6) ? BitWords(kEptEntryBits, 6)
                         : "combined with the PAT memory type",
           SourceOf(Rule::kMt4));
  const int low = 12 + 9 * (context.level - 1);
  AddAddress(decoding, context, low, "page at", SourceOf(Rule::kWalk6));
  if (low > 12) {
    AddField(decoding, low - 1, 12, kReserved,
             SourceOf(context.level == 3 ? Rule::kCfg8 : Rule::kCfg9));
  }
}

void AddEntryFields(Decoding& decoding, const DecodeContext& context) {
  const std::uint64_t value = decoding.value;
  const bool leaf = context.level == 1 || (context.level <= 3 && Bit(value, 7));
  AddEntryBit(decoding, 0, "no ", Rule::kVio2);
  AddEntryBit(decoding, 1, "no ", Rule::kVio3);
  DecodedField& execute =
      AddEntryBit(decoding, 2, "no ", context.mbec ? Rule::kVio5 : Rule::kVio4);
  if (context.mbec) execute.words += " (supervisor-mode addresses)";
  DecodedField& user = AddEntryBit(decoding, 10, "no ", Rule::kVio6);
  if (!context.mbec) {
    user.open = "ignored without mode-based execute control (--mbec)";
  }
  if (leaf) {
    AddLeafFields(decoding, context);
  } else {
    AddAddress(decoding, context, 12, "table at", SourceOf(Rule::kWalk9));
    const int last = context.level >= 4 ? 7 : 6;
    AddField(decoding, last, 3, kReserved,
             SourceOf(context.level >= 4 ? Rule::kCfg5 : Rule::kCfg6));
  }
  if (context.level == 2 || context.level == 3) {
    AddField(decoding, 7, 7,
             leaf ? BitWords(kEptEntryBits, 7) : "references a table",
             SourceOf(Rule::kWalk5));
  }
  const bool flags = !context.eptp || Bit(*context.eptp, 6);
  AddEntryBit(decoding, 8, "not ", Rule::kAd1).open = flags ? "" : kNoFlags;
  if (leaf) {
    AddEntryBit(decoding, 9, "not ", Rule::kAd2).open = flags ? "" : kNoFlags;
  }
  for (const auto& [bit, rule] :
       {std::pair(57, Rule::kVio13), std::pair(58, Rule::kVio11),
        std::pair(60, Rule::kVio12), std::pair(61, Rule::kSpp1),
        std::pair(63, Rule::kVe1)}) {
    if (!Bit(value, bit)) continue;
    AddEntryBit(decoding, bit, "", rule).open =
        "ignored where its control is 0";
  }
}

}  // namespace

Decoding DecodeEntry(std::uint64_t value, const DecodeContext& context) {
  Decoding decoding;
  EntryRead entry;
  entry.level = static_cast<std::uint8_t>(context.level);
  entry.value = value;
  const std::string name = EntryNameWords(entry);
  decoding.what = absl::StrCat("an EPT ", name);
  decoding.value = value;

  const std::uint64_t eptp =
      context.eptp.value_or(context.level == 5 ? 0x1026 : 0x101e);
  Case c = CaseUnder((eptp & ~Mask(51, 12)) | kRootAt, MachineOf(context));
  decoding.summary = absl::StrCat(
      name, " = ", EntryWords(entry, c.processor, c.controls, c.guest), ".");
  const int levels = static_cast<int>(eptp >> 3 & 7) + 1;
  // The entries above allow everything and lead to this one.
  std::uint64_t table = kRootAt;
  for (int level = levels; level > context.level; --level) {
    c.memory.push_back({Hpa{table}, (table + 0x1000) | 7});
    table += 0x1000;
  }
  c.memory.push_back({Hpa{table}, value});
  Step step;
  step.access.kind = AccessKind::kRead;
  step.page.writable = true;
  c.steps.push_back(step);
  Spine spine(c);
  spine.Advance();
  if (spine.over()) {
    decoding.wrong.push_back("VM entry refuses the EPTP, so nothing is walked");
  } else if (spine.verdict().standing == Standing::kJudged &&
             spine.verdict().alternatives[0].event.kind == EventKind::kVmExit &&
             spine.verdict().alternatives[0].event.exit_reason == 49) {
    for (const std::string& words : WhatForbids(spine)) {
      decoding.wrong.push_back(absl::StrCat("EPT misconfiguration: ", words));
    }
  }
  AddEntryFields(decoding, context);
  HighestFirst(decoding);
  return decoding;
}

Decoding DecodeEptp(std::uint64_t value, const DecodeContext& context) {
  Decoding decoding;
  decoding.what = "an EPT pointer";
  decoding.value = value;
  decoding.summary = absl::StrCat(EptpWords(value), ".");
  const Case c = CaseUnder(value, MachineOf(context));
  const Spine spine(c);
  for (const std::string& words : WhatForbids(spine)) {
    decoding.wrong.push_back(absl::StrCat("VM entry fails: ", words));
  }
  AddField(
      decoding, 2, 0,
      absl::StrCat("memory type of the tables: ", MemoryTypeWords(value & 7)),
      SourceOf(Rule::kEptp1));
  AddField(decoding, 5, 3,
           absl::StrCat("page-walk length less 1: ", (value >> 3 & 7) + 1,
                        " levels"),
           SourceOf(Rule::kEptp2));
  AddField(decoding, 6, 6, BitWords(kEptpBits, 6), SourceOf(Rule::kEptp3));
  AddField(decoding, 7, 7, BitWords(kEptpBits, 7), SourceOf(Rule::kEptp4));
  AddField(decoding, 11, 8, kReserved, SourceOf(Rule::kEptp5));
  const int high = static_cast<int>(context.maxphyaddr) - 1;
  AddField(decoding, high, 12,
           absl::StrCat("root table at ", Hexadecimal(value & Mask(high, 12))),
           SourceOf(Rule::kEptp5));
  if (high < 63) {
    AddField(decoding, 63, high + 1, kReserved, SourceOf(Rule::kEptp5));
  }
  HighestFirst(decoding);
  return decoding;
}

Decoding DecodeInvept(std::uint64_t value, const DecodeContext& context) {
  Decoding decoding = DecodeEptp(value, context);
  decoding.what = "the EPTP in an INVEPT descriptor";
  for (std::string& wrong : decoding.wrong) {
    wrong = absl::StrCat("INVEPT of type 1 fails and invalidates nothing (",
                         NameOf(Rule::kCache13), "); ", wrong);
  }
  decoding.summary = absl::StrCat(
      "Type 1 (single-context) invalidates all that was cached under any EPTP "
      "with bits 51:12 = ",
      Hexadecimal(value & Mask(51, 12)),
      ", for every VPID and PCID; type 2 (all-context) looks at none of it (",
      SourceOf(Rule::kCache6),
      "). Bits 127:64 of the descriptor are 0. As an EPTP: ", decoding.summary);
  return decoding;
}

}  // namespace eptdiff
