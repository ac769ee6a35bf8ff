#include "fuzzers/command/report/check_report.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "oracle/editions.h"

namespace eptdiff {
namespace {

std::string Counted(std::uint64_t count, absl::string_view what) {
  return absl::StrCat(count, " ", what, count == 1 ? "" : "s");
}

std::string Head(const CheckFinding& finding) {
  return finding.sdm_section.empty()
             ? finding.identifier
             : absl::StrCat(finding.identifier, " (SDM ",
                            CitedInBoth(finding.sdm_section), ")");
}

bool HasQuestion(const CheckFinding& finding) {
  return finding.has_case || !finding.question.empty();
}

// Lines of `text`, each after `indent` blanks.
std::string Indented(absl::string_view text, std::size_t indent) {
  std::string result;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (line.empty()) continue;
    absl::StrAppend(&result, std::string(indent, ' '), line, "\n");
  }
  return result;
}

std::string FindingText(const CheckFinding& finding, std::size_t number,
                        const Style& style) {
  const std::string head = Head(finding);
  std::string text =
      Item(2, absl::StrCat(number, "."), "",
           absl::StrCat(head, ": ", finding.sentence, "; seen in ",
                        Counted(finding.cases, "case")));
  if (const auto at = text.find(head); at != std::string::npos) {
    text.replace(at, head.size(), style.Rule(head));
  }
  for (const std::string& other : finding.inseparable) {
    text += Item(6, "no case tells it from:", "", other);
  }
  for (const std::string& line : finding.experiment) {
    text += Item(6, "tried:", "", line);
  }
  if (!HasQuestion(finding)) return text;
  text += Item(6, "step:", "", finding.step);
  if (!finding.expected.empty()) {
    text += Item(6, "expected:", "", finding.expected);
  }
  text += Item(6, "given:", "", finding.given);
  if (!finding.output.empty()) {
    absl::StrAppend(&text, "      it printed:\n", Indented(finding.output, 8));
  }
  TextCase bare;
  bare.c = finding.text_case.c;
  absl::StrAppend(
      &text, "      the case:\n",
      Indented(finding.has_case ? FormatCase(bare) : finding.question, 8));
  return text;
}

// Of those that are alike, the first is told, and the others are named.
std::string FindingsText(const std::vector<CheckFinding>& findings,
                         std::size_t number, const Style& style) {
  constexpr std::size_t kNamed = 4;
  std::string text;
  std::set<std::string> told;
  for (const CheckFinding& finding : findings) {
    if (!finding.likeness.empty() && !told.insert(finding.likeness).second) {
      continue;
    }
    text += FindingText(finding, ++number, style);
    std::vector<std::string> alike;
    for (const CheckFinding& other : findings) {
      if (&other == &finding || finding.likeness.empty()) continue;
      if (other.likeness == finding.likeness) alike.push_back(other.signature);
    }
    if (alike.empty()) continue;
    const std::string more =
        absl::StrCat(alike.size(), " more, which have the same fields wrong: ");
    const bool all = alike.size() <= kNamed;
    if (!all) alike.resize(kNamed);
    text += Item(
        6, "alike:", "",
        absl::StrCat(more, absl::StrJoin(alike, ", "), all ? "" : ", ..."));
  }
  return text;
}

std::string DecidedText(const CheckReport& report) {
  std::size_t declared = 0;
  std::size_t decided = 0;
  for (const RuleReport& rule : report.rules) {
    declared += rule.declared ? 1 : 0;
    decided += rule.decided ? 1 : 0;
  }
  return absl::StrFormat(
      "  it declares what %d of %d rules are about; %d are decided: getting "
      "one "
      "wrong\n  would have been noticed\n",
      declared, report.rules.size(), decided);
}

// The findings, and what there is to remark.
std::string ListText(const CheckReport& report, const Style& style) {
  std::string text;
  std::size_t number = 0;
  for (const CheckFinding& finding : report.findings) {
    text += FindingText(finding, ++number, style);
  }
  for (const std::string& remark : report.remarks) {
    text += Item(2, "-", "", remark);
  }
  return text;
}

// A builder's report: what it did wrong, by the rules of builders.
std::string BuilderText(const CheckReport& report, const Style& style) {
  std::string text = absl::StrFormat(
      "%s\n  builds tables: %d cases (%d from the corpus), %d steps judged, in "
      "%.1f s\n\n",
      style.Bold(report.target), report.cases, report.given - report.unfit,
      report.steps, report.seconds);
  if (report.agrees()) {
    absl::StrAppend(&text, style.Good("builds"), " what it was asked for, ",
                    "with INVEPT where it is needed\n");
  } else {
    absl::StrAppend(&text, style.Bad("is wrong"), ":\n");
  }
  return text + ListText(report, style);
}

// What says memory types: what it got wrong, by the rules of the MTRRs.
std::string MemoryTypesText(const CheckReport& report, const Style& style) {
  std::string text = absl::StrFormat(
      "%s\n  says memory types by the MTRRs: %d pages, in %.1f s\n\n",
      style.Bold(report.target), report.cases, report.seconds);
  if (report.agrees()) {
    absl::StrAppend(&text, style.Good("agrees"), " with the SDM\n");
  } else {
    absl::StrAppend(&text, style.Bad("departs"), " from the SDM:\n");
  }
  return text + ListText(report, style);
}

// A machine's report: a rule counts that had a consequence in what it answered.
std::string MachineText(const CheckReport& report, const Style& style) {
  const auto met =
      std::count_if(report.rules.begin(), report.rules.end(),
                    [](const RuleReport& rule) { return rule.decided; });
  std::string text = absl::StrFormat(
      "%s\n%s  %d cases (%d of them given), %d steps judged, in %.1f s; %d "
      "cases depart\n",
      style.Bold(report.target), Wrapped(report.machine, 2), report.cases,
      report.given, report.steps, report.seconds, report.disagreeing);
  absl::StrAppendFormat(
      &text, "  %d of %d rules had a consequence there, in %d situations\n",
      met, report.rules.size(), report.places);
  for (const auto& [reason, count] : report.skipped) {
    text += Item(2, "skipped:", "", absl::StrCat(reason, ": ", count));
  }
  text += "\n";
  if (report.agrees()) {
    absl::StrAppend(&text, style.Good("agrees"),
                    " with the SDM in all that it was asked\n");
  }
  std::size_t number = 0;
  if (!report.departures.empty()) {
    absl::StrAppend(&text, style.Bad("departs"), " from the SDM:\n");
    for (const CheckFinding& finding : report.departures) {
      text += FindingText(finding, ++number, style);
    }
  }
  if (!report.findings.empty()) {
    absl::StrAppend(&text, style.Bad("further"),
                    report.departures.empty() ? "" : ", beside these", ":\n");
    text += FindingsText(report.findings, number, style);
  }
  for (const std::string& remark : report.remarks) {
    text += Item(2, "-", "", remark);
  }
  return text;
}

std::string WalkerText(const CheckReport& report, bool whole,
                       const Style& style) {
  std::string text = absl::StrFormat(
      "%s\n  %d cases (%d from the corpus), %d steps judged, in %.1f s; "
      "the harness took %.1f us a case\n",
      style.Bold(report.target), report.cases, report.given - report.unfit,
      report.steps, report.seconds, report.harness_microseconds);
  if (report.edges.total != 0) {
    absl::StrAppendFormat(&text, "  %d of %d edges of the target's code\n",
                          report.edges.covered, report.edges.total);
  } else if (report.edges.covered != 0) {
    absl::StrAppendFormat(&text, "  %d blocks of the target's code\n",
                          report.edges.covered);
  }
  if (report.unfit != 0) {
    absl::StrAppendFormat(
        &text, "  %d cases of the corpus are about what it does not model\n",
        report.unfit);
  }
  for (const auto& [reason, count] : report.skipped) {
    absl::StrAppendFormat(&text, "  skipped: %s: %d cases\n", reason, count);
  }
  absl::StrAppend(&text, DecidedText(report), "\n",
                  RulesText(report.rules, whole), "\n");
  if (report.agrees()) {
    absl::StrAppend(&text, style.Good("agrees"),
                    report.allowed.empty()
                        ? " with the SDM in all that it was asked\n"
                        : " with the SDM but for what is allowed\n");
  }
  std::size_t number = 0;
  if (!report.departures.empty()) {
    absl::StrAppend(&text, style.Bad("departs"), " from the SDM:\n");
    for (const CheckFinding& finding : report.departures) {
      text += FindingText(finding, ++number, style);
    }
  }
  for (const CheckFinding& finding : report.allowed) {
    text += Item(2, "-", "",
                 absl::StrCat("allowed (", Head(finding),
                              "), and no finding: ", finding.sentence,
                              "; seen in ", Counted(finding.cases, "case")));
  }
  for (const std::string& remark : report.remarks) {
    text += Item(2, "-", "", remark);
  }
  if (!report.findings.empty()) {
    absl::StrAppend(&text, style.Bad("further"),
                    report.departures.empty() ? "" : ", beside these", ":\n");
    text += FindingsText(report.findings, number, style);
  }
  return text;
}

}  // namespace

bool Agrees(const CheckReports& reports) {
  return std::all_of(reports.begin(), reports.end(),
                     [](const CheckReport& report) { return report.agrees(); });
}

void AddUnasked(std::uint64_t corpus, CheckReport& report) {
  if (report.given >= corpus) return;
  report.remarks.push_back(absl::StrCat("it ended before ",
                                        corpus - report.given, " of the ",
                                        corpus, " cases of the corpus"));
}

std::string CheckText(const CheckReports& reports, bool whole,
                      const Style& style) {
  std::vector<std::string> texts;
  for (const CheckReport& report : reports) {
    switch (report.kind) {
      case CheckedKind::kWalker:
        texts.push_back(WalkerText(report, whole, style));
        break;
      case CheckedKind::kBuilder:
        texts.push_back(BuilderText(report, style));
        break;
      case CheckedKind::kMemoryTypes:
        texts.push_back(MemoryTypesText(report, style));
        break;
      case CheckedKind::kMachine:
        texts.push_back(MachineText(report, style));
        break;
    }
  }
  return absl::StrJoin(texts, "\n");
}

}  // namespace eptdiff
