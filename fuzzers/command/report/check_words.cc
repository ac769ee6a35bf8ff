#include "fuzzers/command/report/check_words.h"

#include <algorithm>
#include <cstddef>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "fuzzers/command/words/consequence_words.h"
#include "fuzzers/command/words/word_list.h"
#include "oracle/editions.h"

namespace eptdiff {

std::string RunWords(const CheckReport& report) {
  const std::uint64_t from_corpus = report.given - report.unfit;
  switch (report.kind) {
    case CheckedKind::kWalker:
      return absl::StrFormat(
          "%d cases (%d from the corpus), %d steps judged, in %.1f s; the "
          "harness took %.1f us a case",
          report.cases, from_corpus, report.steps, report.seconds,
          report.harness_microseconds);
    case CheckedKind::kBuilder:
      return absl::StrFormat(
          "builds tables: %d cases (%d from the corpus), %d steps judged, in "
          "%.1f s",
          report.cases, from_corpus, report.steps, report.seconds);
    case CheckedKind::kMemoryTypes:
      return absl::StrFormat(
          "says memory types by the MTRRs: %d pages%s, in %.1f s", report.cases,
          from_corpus == 0
              ? ""
              : absl::StrFormat(" (%d from the corpus)", from_corpus),
          report.seconds);
    case CheckedKind::kMachine:
      return absl::StrFormat(
          "%d cases (%d of them given), %d steps judged, in %.1f s; %d cases "
          "depart",
          report.cases, report.given, report.steps, report.seconds,
          report.disagreeing);
  }
  return "";
}

namespace {

void AddSkipped(const CheckReport& report, std::vector<std::string>& notes) {
  for (const auto& [reason, count] : report.skipped) {
    notes.push_back(
        absl::StrCat("skipped: ", reason, ": ", Counted(count, "case")));
  }
}

std::vector<std::string> MachineNotes(const CheckReport& report) {
  const auto met =
      std::count_if(report.rules.begin(), report.rules.end(),
                    [](const RuleReport& rule) { return rule.decided; });
  std::vector<std::string> notes = {absl::StrFormat(
      "%d of %d rules had a consequence there, in %d situations", met,
      report.rules.size(), report.places)};
  AddSkipped(report, notes);
  return notes;
}

}  // namespace

std::vector<std::string> RunNotes(const CheckReport& report) {
  if (report.kind == CheckedKind::kMachine) return MachineNotes(report);
  std::vector<std::string> notes;
  if (report.kind != CheckedKind::kWalker) return notes;
  if (report.edges.total != 0) {
    notes.push_back(absl::StrFormat("%d of %d edges of the target's code",
                                    report.edges.covered, report.edges.total));
  } else if (report.edges.covered != 0) {
    notes.push_back(absl::StrFormat("%d blocks of the target's code",
                                    report.edges.covered));
  }
  if (report.unfit != 0) {
    notes.push_back(absl::StrFormat(
        "%d cases of the corpus are about what it does not model",
        report.unfit));
  }
  AddSkipped(report, notes);
  std::size_t declared = 0;
  std::size_t decided = 0;
  for (const RuleReport& rule : report.rules) {
    declared += rule.declared ? 1 : 0;
    decided += rule.decided ? 1 : 0;
  }
  notes.push_back(absl::StrFormat(
      "it declares what %d of %d rules are about; %d are decided: getting one "
      "wrong would have been noticed",
      declared, report.rules.size(), decided));
  return notes;
}

Conclusion ConclusionOf(const CheckReport& report) {
  switch (report.kind) {
    case CheckedKind::kWalker:
    case CheckedKind::kMachine:
      if (report.agrees()) {
        return {"agrees", report.allowed.empty()
                              ? "with the SDM in all that it was asked"
                              : "with the SDM but for what is allowed"};
      }
      return {"departs", "from the SDM"};
    case CheckedKind::kBuilder:
      if (report.agrees()) {
        return {"builds",
                "what it was asked for, with INVEPT where it is "
                "needed"};
      }
      return {"is wrong", ""};
    case CheckedKind::kMemoryTypes:
      if (report.agrees()) return {"agrees", "with the SDM"};
      return {"departs", "from the SDM"};
  }
  return {};
}

std::string FindingHead(const CheckFinding& finding) {
  return finding.sdm_section.empty() || !finding.breaks.empty()
             ? finding.identifier
             : absl::StrCat(finding.identifier, " (SDM ",
                            CitedInBoth(finding.sdm_section), ")");
}

std::string FindingSentence(const CheckFinding& finding) {
  return absl::StrCat(finding.sentence, "; seen in ",
                      Counted(finding.cases, "case"));
}

std::vector<std::pair<std::string, std::string>> FindingItems(
    const CheckFinding& finding) {
  std::vector<std::pair<std::string, std::string>> items;
  for (const std::string& other : finding.inseparable) {
    items.emplace_back("no case tells it from", other);
  }
  if (!finding.protections.empty()) {
    items.emplace_back("what falls", WordsOf(finding.protections));
  }
  if (!finding.breaks.empty()) {
    items.emplace_back("its case breaks",
                       absl::StrCat(finding.breaks, " (SDM ",
                                    CitedInBoth(finding.sdm_section), ")"));
  }
  for (const CheckFinding& other : finding.follows) {
    items.emplace_back("what follows", absl::StrCat(other.identifier, ": ",
                                                    FindingSentence(other)));
  }
  for (const std::string& line : finding.experiment) {
    items.emplace_back("tried", line);
  }
  if (!finding.has_case && !finding.memory_types.has_value()) return items;
  items.emplace_back("step", finding.step);
  if (!finding.expected.empty()) {
    items.emplace_back("expected", finding.expected);
  }
  items.emplace_back("given", finding.given);
  items.insert(items.end(), finding.facts.begin(), finding.facts.end());
  return items;
}

std::string FindingQuestion(const CheckFinding& finding) {
  if (finding.memory_types.has_value()) {
    return FormatMemoryTypeCase({.question = finding.memory_types->question});
  }
  if (!finding.has_case) return "";
  TextCase bare;
  bare.c = finding.text_case.c;
  return FormatCase(bare);
}

std::vector<ToldFinding> ToldFindings(
    const std::vector<const CheckFinding*>& findings) {
  constexpr std::size_t kNamed = 4;
  std::vector<ToldFinding> all;
  std::set<std::string> told;
  for (const CheckFinding* finding : findings) {
    const std::string& likeness = finding->likeness;
    if (!likeness.empty() && !told.insert(likeness).second) {
      continue;
    }
    ToldFinding& entry = all.emplace_back();
    entry.finding = finding;
    std::vector<std::string> alike;
    for (const CheckFinding* other : findings) {
      if (other == finding || likeness.empty()) continue;
      if (other->likeness == likeness) alike.push_back(other->signature);
    }
    if (alike.empty()) continue;
    const std::size_t count = alike.size();
    if (count > kNamed) alike.resize(kNamed);
    entry.alike =
        absl::StrCat(count, " more, which have the same fields wrong: ",
                     absl::StrJoin(alike, ", "), count > kNamed ? ", ..." : "");
  }
  return all;
}

}  // namespace eptdiff
