#include "fuzzers/command/words/stale_words.h"

#include <cstddef>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "fuzzers/command/words/answer_words.h"
#include "fuzzers/command/words/bit_words.h"
#include "fuzzers/text/view.h"
#include "oracle/judgement/judge.h"

namespace eptdiff {
namespace {

// "A", "A and B", "A, B and C".
std::string Listed(const std::vector<std::string>& parts) {
  if (parts.size() < 2) return absl::StrJoin(parts, "");
  return absl::StrCat(absl::StrJoin(parts.begin(), parts.end() - 1, ", "),
                      " and ", parts.back());
}

std::string PlaceWords(const EntryRead& entry) {
  const bool on_the_way =
      entry.structure == Structure::kEpt && entry.guest_level != 0;
  return absl::StrCat("the ", EntryNameWords(entry),
                      on_the_way ? " on the way to the guest " : "",
                      on_the_way ? View(NameOfLevel(entry.guest_level)) : "");
}

// Those that one step changed, together.
std::string EntriesWords(const std::vector<KeptEntry>& entries) {
  std::vector<std::string> parts;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    names.push_back(PlaceWords(entries[i].entry));
    const bool last = i + 1 == entries.size();
    if (!last && entries[i + 1].until == entries[i].until) continue;
    parts.push_back(absl::StrCat(
        Listed(names), names.size() == 1 ? " as it was" : " as they were",
        " before step ", entries[i].until));
    names.clear();
  }
  return Listed(parts);
}

const char* RegisterWriteWords(GuestRegister reg) {
  switch (reg) {
    case GuestRegister::kCr0:
      return "the write of CR0";
    case GuestRegister::kCr3:
      return "the write of CR3";
    default:
      return "the write of CR4";
  }
}

// What it is of a step that ended something.
std::string EndWords(const Case& c, const KeptEnd& end) {
  const Step& step = c.steps[end.step - 1];
  std::string what;
  if (end.rule == Rule::kCache5) {
    what = "the EPT violation";
  } else if (end.rule == Rule::kCache12) {
    what = "the page fault";
  } else if (step.kind == StepKind::kEptpSwitch) {
    what = "the EPTP switch";
  } else if (end.rule == Rule::kCache11) {
    what = "the VM exit or VM entry";
  } else if (step.kind == StepKind::kRegisterWrite) {
    what = RegisterWriteWords(step.reg);
  } else {
    what = InstructionWords(step.invalidation.kind);
  }
  return absl::StrCat(what, " in step ", end.step, " (",
                      View(IdentifierOf(end.rule)), ")");
}

// What a rule lets nobody use.
const char* NeverWords(Rule rule) {
  switch (rule) {
    case Rule::kCache1:
      return "that was kept under another tag";
    case Rule::kCache3:
    case Rule::kCache4:
      return "its profile does not declare that it keeps such";
    default:
      return "such an entry is never kept";
  }
}

// Why something cannot be used any more.
std::vector<std::string> ReasonWords(const Case& c,
                                     const std::vector<KeptEnd>& ends,
                                     const std::vector<Rule>& never) {
  std::vector<std::string> reasons;
  if (!ends.empty()) {
    std::vector<std::string> words;
    for (const KeptEnd& end : ends) words.push_back(EndWords(c, end));
    reasons.push_back(absl::StrCat(Listed(words), " ended that"));
  }
  for (const Rule rule : never) {
    reasons.push_back(
        absl::StrCat(NeverWords(rule), " (", View(IdentifierOf(rule)), ")"));
  }
  return reasons;
}

}  // namespace

std::string StaleUseWords(const Case& c, const StaleUse& use) {
  std::string reasons =
      absl::StrJoin(ReasonWords(c, use.ends, use.never), "; ");
  if (use.undeclared && use.never.empty()) {
    absl::StrAppend(&reasons, ", or ", NeverWords(Rule::kCache3), " (CACHE-3)");
  }
  return absl::StrCat(
      "uses ",
      use.entries.empty() ? "what it has kept" : EntriesWords(use.entries),
      "; ", reasons);
}

std::string PastValueWords(const Case& c, const PastValue& value) {
  return absl::StrCat(
      "was ", Hexadecimal(value.entry.entry.value), " before step ",
      value.entry.until, ": ",
      value.usable()
          ? "may still be used"
          : absl::StrJoin(ReasonWords(c, value.ends, value.never), "; "));
}

std::string StaleWords(const Case& c, const Oracle& oracle,
                       const Standings& standings) {
  if (!standings.disagrees || standings.before == nullptr ||
      standings.step == 0) {
    return "";
  }
  const std::optional<StaleUse> use =
      FindStaleUse(*standings.before, c.steps[standings.step - 1],
                   standings.outcome, oracle.fields());
  return use.has_value() ? StaleUseWords(c, *use) : "";
}

}  // namespace eptdiff
