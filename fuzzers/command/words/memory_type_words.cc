#include "fuzzers/command/words/memory_type_words.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "fuzzers/text/view.h"
#include "oracle/effective_type.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kMegabyte = 0x100000;
constexpr int kMostPieces = 8;

// "0x80000000 to 0x801fffff".
std::string FromTo(std::uint64_t begin, std::uint64_t end) {
  return absl::StrFormat("0x%x to 0x%x", begin, end - 1);
}

std::string Type(std::uint64_t type) {
  return MtrrAnswerWords(static_cast<std::uint32_t>(type & 7));
}

// Which addresses a variable range has; "" if it is not valid.
std::string RangeWords(const Mtrrs& mtrrs, const VariableMtrr& range) {
  const std::uint64_t width = (std::uint64_t{1} << mtrrs.maxphyaddr) - 1;
  const std::uint64_t mask = range.mask & width & ~std::uint64_t{0xfff};
  if (mask == 0) return "all addresses";
  const std::uint64_t size = mask & -mask;
  const std::uint64_t begin = range.base & mask;
  if ((mask | (size - 1)) == width) return FromTo(begin, begin + size);
  return absl::StrFormat("addresses that are 0x%x where 0x%x is 1", begin,
                         mask);
}

// The registers, each with what it says, and whether the page is in it.
class RegisterTeller {
 public:
  RegisterTeller(const Mtrrs& mtrrs, std::uint64_t address, std::uint64_t bytes)
      : mtrrs_(mtrrs), address_(address), bytes_(bytes) {}

  std::vector<std::string> Tell() const {
    std::vector<std::string> lines = {DefaultType()};
    if (address_ < kMegabyte) AddFixed(lines);
    for (std::size_t i = 0; i < VariableCount(mtrrs_); ++i) {
      const VariableMtrr& range = mtrrs_.variable[i];
      if (range == VariableMtrr()) continue;
      lines.push_back(absl::StrFormat(
          "IA32_MTRR_PHYSBASE%d = 0x%x, PHYSMASK%d = 0x%x: %s", i, range.base,
          i, range.mask, Range(range, Type(range.base))));
    }
    if (mtrrs_.smrr != VariableMtrr() && (mtrrs_.cap >> 11 & 1) != 0) {
      lines.push_back(absl::StrFormat(
          "IA32_SMRR_PHYSBASE = 0x%x, PHYSMASK = 0x%x: %s", mtrrs_.smrr.base,
          mtrrs_.smrr.mask, Range(SmrrOf(mtrrs_), "UC outside of SMM")));
    }
    AddPieces(lines);
    return lines;
  }

 private:
  std::string DefaultType() const {
    const bool enabled = (mtrrs_.def_type >> 11 & 1) != 0;
    return absl::StrFormat(
        "IA32_MTRR_DEF_TYPE = 0x%x: MTRRs are %s, fixed ranges %s, the default "
        "type is %s",
        mtrrs_.def_type, enabled ? "enabled" : "not enabled: all is UC",
        !HasFixed()                        ? "not there (IA32_MTRRCAP bit 8)"
        : (mtrrs_.def_type >> 10 & 1) != 0 ? "too"
                                           : "not",
        Type(mtrrs_.def_type));
  }

  bool HasFixed() const { return (mtrrs_.cap >> 8 & 1) != 0; }

  void AddFixed(std::vector<std::string>& lines) const {
    if (!HasFixed() || (mtrrs_.def_type >> 10 & 1) == 0) return;
    const FixedField field = FixedFieldAt(mtrrs_, address_);
    lines.push_back(absl::StrFormat("IA32_MTRR_%s = 0x%x: %s from %s",
                                    kFixedRegisters[field.index].name,
                                    mtrrs_.fixed[field.index], Type(field.type),
                                    FromTo(field.begin, field.end)));
  }

  // Whether some byte of the page is in it, or all.
  std::string Range(const VariableMtrr& range, const std::string& type) const {
    if ((range.mask >> 11 & 1) == 0) return "not valid";
    bool some = false;
    bool all = true;
    for (std::uint64_t at = address_; at < address_ + bytes_;
         at = TypeAt(mtrrs_, at).end) {
      const bool is_in = IsIn(mtrrs_, range, at);
      some |= is_in;
      all &= is_in;
    }
    return absl::StrCat(type, " from ", RangeWords(mtrrs_, range), ", which ",
                        all    ? "has the page"
                        : some ? "has a part of the page"
                               : "has no part of the page");
  }

  // The types of the page, and the rules that give them.
  void AddPieces(std::vector<std::string>& lines) const {
    const std::uint64_t last = address_ + bytes_;
    int told = 0;
    for (std::uint64_t at = address_; at < last;) {
      const ByteType piece = TypeAt(mtrrs_, at);
      std::uint64_t end = piece.end;
      while (end < last) {
        const ByteType next = TypeAt(mtrrs_, end);
        if (next.rule != piece.rule || next.type != piece.type) break;
        end = next.end;
      }
      end = std::min(end, last);
      if (++told > kMostPieces) {
        lines.emplace_back("and so on");
        return;
      }
      const std::string type = piece.rule == MtrrRule::kUndefined
                                   ? "of no type that is defined"
                                   : Type(piece.type);
      lines.push_back(absl::StrCat(FromTo(at, end), " is ", type, " by ",
                                   MtrrRuleWords(piece.rule)));
      at = end;
    }
  }

  const Mtrrs& mtrrs_;
  const std::uint64_t address_, bytes_;
};

std::string RegistersText(absl::string_view whose, const Mtrrs& mtrrs,
                          std::uint64_t address, std::uint64_t bytes) {
  std::string text = absl::StrCat("  ", whose, "\n");
  for (const std::string& line : RegisterTeller(mtrrs, address, bytes).Tell()) {
    text += Item(4, "", "", line);
  }
  return text;
}

// What a hypervisor may promise of RAM, in the words of eptdiff_mtrr.h.
std::vector<MemoryPolicy> Policies() {
  return {{.ram = RamPolicy::kAsMachine},
          {.ram = RamPolicy::kWriteBack},
          {.ram = RamPolicy::kAsGuest},
          {.ram = RamPolicy::kAsGuest, .and_machine = true},
          {.ram = RamPolicy::kAsGuest, .pat_alone = true}};
}

// A row for each entry of `permitted`, a column for each type of the PAT.
std::string EffectsText(std::uint32_t permitted) {
  constexpr std::uint64_t kPats[] = {kTypeUc, kTypeUcMinus, kTypeWc,
                                     kTypeWt, kTypeWp,      kTypeWb};
  std::string text =
      "  the type of an access (29.3.7.2; SDM 3A table 12-7), by that in the "
      "PAT\n";
  absl::StrAppendFormat(&text, "    %-20s%-5s%-5s%-5s%-5s%-5s%s\n", "entry",
                        "UC", "UC-", "WC", "WT", "WP", "WB");
  for (std::uint32_t entry = 0; entry < kSmallerPages; ++entry) {
    if ((permitted >> entry & 1) == 0) continue;
    std::string row = absl::StrFormat("    %-20s", MtrrAnswerWords(entry));
    for (const std::uint64_t pat : kPats) {
      const std::uint64_t effect = entry >= kPatIsIgnored
                                       ? entry - kPatIsIgnored
                                       : EffectiveType(entry, pat);
      absl::StrAppendFormat(&row, "%-5s", Type(effect));
    }
    absl::StrAppend(&text, absl::StripTrailingAsciiWhitespace(row), "\n");
  }
  return text;
}

std::string AlternativesText(const MtrrQuestion& question,
                             const std::vector<MemoryPolicy>& policies,
                             std::uint32_t answer, const Style& style) {
  std::string text =
      "  what its entry may be, where a hypervisor promises that\n";
  std::uint32_t permitted = answer < kSmallerPages ? 1u << answer : 0;
  for (const MemoryPolicy& policy : policies) {
    const PageType type = TypeOf(question, policy);
    permitted |= type.permitted;
    const std::string words = PolicyWords(policy);
    text += Item(4, words + ":", style.Bold(words) + ":",
                 absl::StrCat(PermittedTypeWords(type.permitted), " (",
                              View(InfoOf(type.rule).name), ")"));
  }
  return text + EffectsText(permitted);
}

}  // namespace

std::string MemoryTypeQuestionWords(const MtrrQuestion& question) {
  std::string words = "the memory type of the page of ";
  absl::StrAppendFormat(&words, "0x%x bytes at host-physical 0x%x",
                        question.bytes, question.hpa);
  if (!question.page.has_value()) return words;
  const AskedPage& page = *question.page;
  absl::StrAppendFormat(
      &words, ", guest-physical 0x%x: %s%s%s%s", page.gpa,
      page.is_device ? "memory of a device" : "RAM",
      page.cache_disabled ? "; the guest's CR0.CD is 1" : "",
      page.paging_off ? "; the guest's paging is off" : "",
      page.is_unsnooped ? "; it has a device that does not snoop caches" : "");
  return words;
}

std::string PermittedTypeWords(std::uint32_t permitted) {
  std::vector<std::string> words;
  for (std::uint32_t answer = 0; answer < kNoSuchPage; ++answer) {
    if ((permitted >> answer & 1) == 0) continue;
    words.push_back(MtrrAnswerWords(answer));
  }
  return absl::StrJoin(words, ", or ");
}

std::string MtrrRuleWords(MtrrRule rule) {
  const MtrrRuleInfo& info = InfoOf(rule);
  return absl::StrCat(View(info.name), " (SDM ", View(info.section),
                      "): ", View(info.words));
}

std::string PolicyWords(const MemoryPolicy& policy) {
  std::string words;
  const std::string guests =
      policy.pat_alone     ? "as the guest's PAT alone has it"
      : policy.and_machine ? "as the MTRRs of both and the guest's PAT have it"
                           : "as the guest's MTRRs and PAT have it";
  switch (policy.ram) {
    case RamPolicy::kAsMachine:
      words = "RAM is as the machine's MTRRs and the guest's PAT have it";
      break;
    case RamPolicy::kWriteBack:
      words = absl::StrCat("RAM is WB, or ", guests,
                           " if a device does not snoop caches");
      break;
    case RamPolicy::kAsGuest:
      words = absl::StrCat("RAM is ", guests);
      break;
  }
  if (policy.passes_cache_disable) {
    absl::StrAppend(&words, "; the processor's CR0.CD is the guest's");
  }
  if (policy.disables_by_pat) {
    absl::StrAppend(&words, "; CR0.CD makes the processor's PAT UC");
  }
  return words;
}

std::string ExplainMemoryType(const MtrrQuestion& question,
                              const MemoryPolicy* policy, std::uint32_t answer,
                              const Style& style) {
  const std::string asked = MemoryTypeQuestionWords(question);
  std::string text = Item(0, asked, style.Bold(asked), "");
  text += RegistersText("the machine's MTRRs", question.mtrrs, question.hpa,
                        question.bytes);
  if (!question.page.has_value()) {
    const PageType type = TypeOf(question, {});
    text += Item(2, "permitted:", style.Good("permitted:"),
                 absl::StrCat(PermittedTypeWords(type.permitted), " by ",
                              MtrrRuleWords(type.rule)));
    return text;
  }
  text += RegistersText("the guest's MTRRs", question.page->mtrrs,
                        question.page->gpa, question.bytes);
  return text + AlternativesText(question,
                                 policy == nullptr
                                     ? Policies()
                                     : std::vector<MemoryPolicy>{*policy},
                                 answer, style);
}

}  // namespace eptdiff
