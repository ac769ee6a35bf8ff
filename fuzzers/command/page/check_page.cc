#include "fuzzers/command/page/check_page.h"

#include <array>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fuzzers/command/page/explanation_page.h"
#include "fuzzers/command/page/heat_map.h"
#include "fuzzers/command/page/html.h"
#include "fuzzers/command/report/check_words.h"
#include "fuzzers/command/words/consequence_words.h"
#include "fuzzers/command/words/word_list.h"
#include "fuzzers/targets/panel.h"
#include "fuzzers/text/view.h"
#include "oracle/editions.h"

namespace eptdiff {
namespace {

// More walks than these make a page that no browser likes.
constexpr std::size_t kMostWalks = 40;

// By how often a rule was right, in powers of ten.
Heat HeatOfAnswers(std::uint64_t agreeing) {
  return agreeing >= 1000  ? Heat::kGood4
         : agreeing >= 100 ? Heat::kGood3
         : agreeing >= 10  ? Heat::kGood2
                           : Heat::kGood1;
}

HeatCell CellOf(const RuleAnswers::Count& answers) {
  const char sign = SignOf(answers);
  return {sign == '!'   ? Heat::kBad
          : sign == '+' ? HeatOfAnswers(answers.agreeing)
          : sign == '?' ? Heat::kOpen
                        : Heat::kNever,
          std::string(1, sign)};
}

HeatRule HeatRuleOf(const RuleReport& report) {
  HeatRule rule;
  rule.rule = report.rule;
  rule.cell = CellOf(report.answers);
  if (!report.decided && report.answers.any()) rule.cell.heat = Heat::kOpen;
  if (report.answers.disagreeing != 0) {
    rule.counts.push_back(WrongWords(report));
  }
  if (report.answers.agreeing != 0) {
    rule.counts.push_back(
        absl::StrCat(Grouped(report.answers.agreeing), " right"));
  }
  if (!report.decided) rule.counts.push_back(UndecidedWords(report));
  for (const RuleReport::Situation& situation : report.situations) {
    if (rule.rows.empty() || rule.rows.back().mode != situation.where.mode) {
      rule.rows.emplace_back().mode = situation.where.mode;
    }
    rule.rows.back()
        .cells[PositionOf(situation.where.dimension, situation.where.level)] =
        CellOf(situation.answers);
  }
  return rule;
}

std::string RulesHtml(const CheckReport& report) {
  std::vector<HeatRule> rules;
  for (const RuleReport& rule : report.rules) {
    if (rule.declared) rules.push_back(HeatRuleOf(rule));
  }
  if (rules.empty()) return "";
  std::vector<HeatLegend> legend;
  for (const auto& [sign, words] : SituationLegend()) {
    const std::string text(1, sign);
    if (sign == '+') {
      legend.push_back({{Heat::kGood1, text}, words});
      legend.push_back({{Heat::kGood4, text}, words + ", 1,000 times or more"});
    } else {
      legend.push_back({{sign == '!'   ? Heat::kBad
                         : sign == '?' ? Heat::kOpen
                         : sign == '.' ? Heat::kNever
                                       : Heat::kNone,
                         text},
                        words});
    }
  }
  std::string html = HeatMap(rules, legend);
  std::string lists;
  for (const auto& [lead, names] : UndecidedLists(report.rules)) {
    lists += Element("dt", Escaped(lead)) + Element("dd", Escaped(names));
  }
  return lists.empty() ? html : html + Element("dl", lists);
}

class FindingsWriter {
 public:
  explicit FindingsWriter(const std::string& id) : id_(id) {
    std::string error;
    panel_ = Panel::Make({.oracles = "engine"}, error);
  }

  // By what follows from them; within that as they are ranked.
  std::string Write(const CheckReport& report) {
    for (const ToldFinding& one : ToldFindings(Ranked(report))) {
      const auto what = static_cast<std::size_t>(one.finding->consequence);
      ++counts_[what];
      by_consequence_[what] += Article(report, one);
    }
    std::string html;
    for (std::size_t what = 0; what < kConsequenceCount; ++what) {
      if (by_consequence_[what].empty()) continue;
      html +=
          Element("h3", absl::StrCat(
                            View(WordsOf(static_cast<Consequence>(what))), " ",
                            Element("span class=\"quiet\"",
                                    absl::StrCat("(", counts_[what], ")")))) +
          by_consequence_[what];
    }
    return html;
  }

 private:
  std::string Article(const CheckReport& report, const ToldFinding& told) {
    const CheckFinding& finding = *told.finding;
    ++number_;
    std::string head = Escaped(finding.identifier);
    for (const RuleReport& rule : report.rules) {
      if (rule.declared &&
          View(IdentifierOf(rule.rule)) == finding.identifier) {
        head = RuleLink(rule.rule);
      }
    }
    if (!finding.sdm_section.empty() && finding.breaks.empty()) {
      head += Element(
          "span class=\"quiet\"",
          Escaped(absl::StrCat(" SDM ", CitedInBoth(finding.sdm_section))));
    }
    std::string html =
        Element("h4", head) +
        Element("p class=\"sentence\"", Escaped(FindingSentence(finding)));
    std::string items;
    for (const auto& [lead, words] : FindingItems(finding)) {
      items += Element("dt", Escaped(lead)) + Element("dd", Escaped(words));
    }
    if (!told.alike.empty()) {
      items += Element("dt", "alike") + Element("dd", Escaped(told.alike));
    }
    if (!items.empty()) html += Element("dl", items);
    if (!finding.output.empty()) {
      html += SmallFold("it printed", Element("pre", Escaped(finding.output)));
    }
    const std::string question = FindingQuestion(finding);
    if (!question.empty()) {
      html += SmallFold("the case", Element("pre", Escaped(question)));
    }
    html += WalkOf(finding);
    return ArticleOf("finding", finding.identifier, html);
  }

  // What `eptdiff explain` says of the case.
  std::string WalkOf(const CheckFinding& finding) {
    if (!finding.has_case || panel_ == nullptr || number_ > kMostWalks ||
        HasTableOperations(finding.text_case.c)) {
      return "";
    }
    PageTelling telling(absl::StrCat(id_, "walk", number_));
    return SmallFold("the walk, entry by entry",
                     Explain(*panel_, finding.text_case.c, telling));
  }

  const std::string id_;
  std::unique_ptr<Panel> panel_;
  std::size_t number_ = 0;
  std::array<std::string, kConsequenceCount> by_consequence_;
  std::array<std::size_t, kConsequenceCount> counts_ = {};
};

std::string ReportHtml(const CheckReport& report, const std::string& id) {
  const Conclusion conclusion = ConclusionOf(report);
  PageHead head;
  const bool machine = report.kind == CheckedKind::kMachine;
  head.command = machine ? "eptdiff image" : "eptdiff check";
  head.title = report.target;
  head.verdict = absl::StrCat(conclusion.verdict, " ", conclusion.rest);
  head.bad = !report.agrees();
  head.lines = {RunWords(report)};
  if (machine) head.lines.insert(head.lines.begin(), report.machine);
  head.figures = {{Grouped(report.cases), "cases"},
                  {Grouped(report.disagreeing), "cases that disagree"}};
  if (report.kind == CheckedKind::kWalker) {
    std::uint64_t declared = 0;
    std::uint64_t decided = 0;
    std::uint64_t wrong = 0;
    for (const RuleReport& rule : report.rules) {
      declared += rule.declared ? 1 : 0;
      decided += rule.decided ? 1 : 0;
      wrong += rule.answers.disagreeing != 0 ? 1 : 0;
    }
    head.figures.push_back({absl::StrCat(decided, " of ", declared),
                            "rules decided that it declares"});
    head.figures.push_back({Grouped(wrong), "rules answered wrong"});
  }
  std::string html = HeadHtml(head);
  std::vector<PageSection> sections = {
      {id + "findings", "Findings, the worst first",
       FindingsWriter(id).Write(report)},
      {id + "remarks", "Remarks", ListOf(report.remarks)},
      {id + "rules", "Rules by situation", RulesHtml(report)},
      {id + "asked", "What was asked", ListOf(RunNotes(report))}};
  return ArticleOf("report", report.target, html + SectionsHtml(sections));
}

}  // namespace

std::string CheckPage(const CheckReports& reports) {
  std::string body;
  for (const CheckReport& report : reports) {
    body += ReportHtml(report,
                       &report == &reports[0]
                           ? ""
                           : absl::StrCat("part", &report - &reports[0], "-"));
  }
  return HtmlPage(absl::StrCat("eptdiff check: ", reports[0].target), body);
}

}  // namespace eptdiff
