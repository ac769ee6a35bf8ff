#include "fuzzers/command/page/rules_page.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "fuzzers/command/distill/rule_matrix.h"
#include "fuzzers/command/page/heat_map.h"
#include "fuzzers/command/page/html.h"
#include "fuzzers/command/report/decided_report.h"
#include "fuzzers/command/words/word_list.h"
#include "fuzzers/text/view.h"

namespace eptdiff {
namespace {

HeatCell CellOf(char sign) {
  const std::string text(1, sign);
  switch (sign) {
    case '-':
      return {Heat::kNone, text};
    case '.':
      return {Heat::kNever, text};
    case '?':
      return {Heat::kOpen, text};
    default:
      return {HeatOf(static_cast<std::uint64_t>(sign - '0')), text};
  }
}

HeatRule HeatRuleOf(const DecidedRule& decided, const RuleMatrix& matrix) {
  HeatRule rule;
  rule.rule = decided.rule;
  rule.cell.heat = decided.cases == 0 ? Heat::kBad : HeatOf(decided.cases);
  rule.counts = {Counted(decided.cases, "case"),
                 absl::StrCat(kToldWords, ": ", ToldWords(decided))};
  for (const GuestPagingMode mode : kAllModes) {
    if (!matrix.AppliesIn(decided.rule, mode)) continue;
    HeatRule::Row& row = rule.rows.emplace_back();
    row.mode = mode;
    for (std::size_t position = 0; position < kPositions; ++position) {
      row.cells[position] = CellOf(matrix.SignOf(
          decided.rule, {mode, static_cast<Dimension>(position / 6),
                         static_cast<std::uint8_t>(position % 6)}));
    }
  }
  return rule;
}

}  // namespace

std::string RulesPage(const std::string& corpus, std::size_t cases,
                      const DecidedRules& decided) {
  std::vector<HeatRule> rules;
  std::vector<std::string> undecided;
  std::size_t told = 0;
  std::size_t alterations = 0;
  for (const DecidedRule& rule : DecidedRulesOf(decided)) {
    rules.push_back(HeatRuleOf(rule, decided.matrix()));
    told += rule.alterations - rule.untold.size();
    alterations += rule.alterations;
    if (rule.cases == 0) undecided.emplace_back(IdentifierOf(rule.rule));
  }
  std::vector<HeatLegend> legend;
  for (const char* sign : {"1", "2", "4"}) {
    legend.push_back({CellOf(sign[0]), sign[0] == '1'   ? "one case"
                                       : sign[0] == '2' ? "two or three"
                                                        : "four to eight"});
  }
  for (const auto& [sign, words] : RuleMatrix::Legend()) {
    legend.push_back({CellOf(sign[0]), words});
  }
  std::string missing;
  if (!undecided.empty()) {
    missing += Element("p", "undecided:") + NamesOf(undecided);
  }
  if (const auto modes = decided.matrix().UndecidedGuestRules();
      !modes.empty()) {
    missing += Element("p", "guest paging, undecided:") + NamesOf(modes);
  }
  PageHead head;
  head.command = "eptdiff rules --corpus";
  head.title = corpus;
  head.verdict = CorpusWords(cases, decided);
  head.bad = decided.decided() < AskedRules();
  head.lines = {decided.matrix().SituationsWords()};
  head.figures = {
      {Grouped(cases), "cases"},
      {absl::StrCat(decided.decided(), " of ", AskedRules()), "rules decided"},
      {absl::StrCat(told, " of ", alterations), kToldWords}};
  return HtmlPage(
      absl::StrCat("eptdiff rules: ", corpus),
      HeadHtml(head) +
          SectionsHtml({{"missing", "Not decided", missing},
                        {"rules", "Rules by situation",
                         Element("p class=\"quiet\"", MatrixWords()) +
                             HeatMap(rules, legend)}}));
}

}  // namespace eptdiff
