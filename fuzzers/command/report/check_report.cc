#include "fuzzers/command/report/check_report.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "fuzzers/command/report/check_words.h"

namespace eptdiff {
namespace {

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
  const std::string head = FindingHead(finding);
  std::string text = Item(2, absl::StrCat(number, "."), "",
                          absl::StrCat(head, ": ", FindingSentence(finding)));
  if (const auto at = text.find(head); at != std::string::npos) {
    text.replace(at, head.size(), style.Rule(head));
  }
  for (const auto& [lead, words] : FindingItems(finding)) {
    text += Item(6, absl::StrCat(lead, ":"), "", words);
  }
  const std::string question = FindingQuestion(finding);
  if (question.empty()) return text;
  if (!finding.output.empty()) {
    absl::StrAppend(&text, "      it printed:\n", Indented(finding.output, 8));
  }
  absl::StrAppend(&text, "      the case:\n", Indented(question, 8));
  return text;
}

// The findings, and what there is to remark.
std::string ListText(const CheckReport& report, const Style& style) {
  std::string text;
  std::size_t number = 0;
  bool lacks_frames = false;
  for (const CheckFinding& finding : report.findings) {
    if (finding.lacks_frames && !lacks_frames) {
      text += Wrapped(number == 0 ? "where an allocation fails:"
                                  : "and where an allocation fails:",
                      0);
      lacks_frames = true;
    }
    text += FindingText(finding, ++number, style);
  }
  for (const std::string& remark : report.remarks) {
    text += Item(2, "-", "", remark);
  }
  return text;
}

// What departs, and what else was found.
std::string DeparturesText(const CheckReport& report, const Style& style) {
  const Conclusion conclusion = ConclusionOf(report);
  std::string text;
  if (report.agrees()) {
    absl::StrAppend(&text, style.Good(conclusion.verdict), " ", conclusion.rest,
                    "\n");
  }
  if (!report.agrees()) {
    absl::StrAppend(&text, style.Bad(conclusion.verdict), " ", conclusion.rest,
                    ":\n");
  }
  std::size_t number = 0;
  for (const ToldFinding& told : ToldFindings(Ranked(report))) {
    text += FindingText(*told.finding, ++number, style);
    if (!told.alike.empty()) text += Item(6, "alike:", "", told.alike);
  }
  for (const CheckFinding& finding : report.allowed) {
    text += Item(2, "-", "",
                 absl::StrCat("allowed (", FindingHead(finding),
                              "), and no finding: ", FindingSentence(finding)));
  }
  for (const std::string& remark : report.remarks) {
    text += Item(2, "-", "", remark);
  }
  return text;
}

// A report that is a list of mistakes: a builder's, by the rules of builders;
// of what says memory types, by those of the MTRRs.
std::string PlainText(const CheckReport& report, const Style& style) {
  const Conclusion conclusion = ConclusionOf(report);
  std::string text =
      absl::StrCat(style.Bold(report.target), "\n  ", RunWords(report), "\n\n",
                   report.agrees() ? style.Good(conclusion.verdict)
                                   : style.Bad(conclusion.verdict),
                   conclusion.rest.empty() ? "" : " ", conclusion.rest,
                   report.agrees() ? "\n" : ":\n");
  return text + ListText(report, style);
}

// Of what was asked by rules: a walker, or a machine.
std::string AskedText(const CheckReport& report, const Style& style) {
  std::string text = style.Bold(report.target) + "\n";
  if (!report.machine.empty()) text += Wrapped(report.machine, 2);
  text += Wrapped(RunWords(report), 2);
  for (const std::string& note : RunNotes(report)) text += Wrapped(note, 2);
  return text + "\n";
}

}  // namespace

bool Agrees(const CheckReports& reports) {
  return std::all_of(reports.begin(), reports.end(),
                     [](const CheckReport& report) { return report.agrees(); });
}

std::vector<const CheckFinding*> Ranked(const CheckReport& report) {
  std::vector<const CheckFinding*> all;
  for (const auto* list : {&report.departures, &report.findings}) {
    for (const CheckFinding& finding : *list) all.push_back(&finding);
  }
  if (report.kind == CheckedKind::kBuilder ||
      report.kind == CheckedKind::kMemoryTypes) {
    return all;
  }
  using Rank = std::tuple<Consequence, Protection, std::uint64_t, std::size_t>;
  std::vector<std::pair<Rank, const CheckFinding*>> ranked;
  for (const CheckFinding* finding : all) {
    const Protection falls = finding->protections.empty()
                                 ? Protection::kNone
                                 : *finding->protections.begin();
    ranked.push_back(
        {{finding->consequence, falls, ~finding->cases, ranked.size()},
         finding});
  }
  std::sort(ranked.begin(), ranked.end());
  std::transform(ranked.begin(), ranked.end(), all.begin(),
                 [](const auto& one) { return one.second; });
  return all;
}

void NameByEffect(CheckReport& report) {
  std::map<std::string, int> named;
  std::map<const CheckFinding*, std::string> names;
  for (const CheckFinding* finding : Ranked(report)) {
    if (finding->experiment.empty()) continue;
    const std::string name =
        absl::StrCat("eptdiff-", report.name, "-", finding->identifier);
    const int times = ++named[name];
    names[finding] = times == 1 ? name : absl::StrCat(name, "-", times);
  }
  for (CheckFinding& finding : report.findings) {
    if (const auto name = names.find(&finding); name != names.end()) {
      finding.name = name->second;
    }
  }
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
        texts.push_back(absl::StrCat(AskedText(report, style),
                                     RulesText(report.rules, whole), "\n",
                                     DeparturesText(report, style)));
        break;
      case CheckedKind::kBuilder:
      case CheckedKind::kMemoryTypes:
        texts.push_back(PlainText(report, style));
        break;
      case CheckedKind::kMachine:
        texts.push_back(AskedText(report, style) +
                        DeparturesText(report, style));
        break;
    }
  }
  return absl::StrJoin(texts, "\n");
}

}  // namespace eptdiff
