#include "fuzzers/command/report/decided_report.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "fuzzers/command/words/style.h"
#include "oracle/reference/dialect.h"
#include "oracle/reference/dialects/known_dialects.h"

namespace eptdiff {

std::vector<DecidedRule> DecidedRulesOf(const DecidedRules& decided) {
  std::vector<DecidedRule> rules;
  const auto alterations = AllAlterations();
  for (const RuleInfo& info : kRules) {
    if (!IsAsked(info.rule)) continue;
    DecidedRule& rule = rules.emplace_back();
    rule.rule = info.rule;
    rule.cases = decided.CasesDeciding(info.rule);
    for (std::size_t i = 0; i < alterations.size(); ++i) {
      if (InfoOf(alterations[i].slot).rule != info.rule) continue;
      ++rule.alterations;
      if (decided.CasesTelling(i) > 0) continue;
      rule.untold.emplace_back(alterations[i].name);
    }
  }
  return rules;
}

std::string ToldWords(const DecidedRule& rule) {
  return absl::StrCat(
      rule.alterations - rule.untold.size(), " of ", rule.alterations,
      rule.untold.empty() ? "" : ", not " + absl::StrJoin(rule.untold, ", "));
}

std::string CorpusWords(std::size_t cases, const DecidedRules& decided) {
  return absl::StrFormat("%d cases decide %d of %d rules", cases,
                         decided.decided(), AskedRules());
}

std::string MatrixWords() {
  std::vector<std::string> signs;
  for (const auto& [sign, words] : RuleMatrix::Legend()) {
    signs.push_back(absl::StrCat(sign, " ", words));
  }
  return absl::StrCat(
      "Cases that decide a rule in a situation, by the guest's paging mode, "
      "the access and the level of the entry: ",
      absl::StrJoin(signs, ", "), ".");
}

std::string DecidedText(std::size_t cases, const DecidedRules& decided) {
  std::string text =
      absl::StrFormat("%-9s %7s  %s\n", "rule", "cases", kToldWords);
  std::vector<std::string> undecided;
  for (const DecidedRule& rule : DecidedRulesOf(decided)) {
    absl::StrAppendFormat(&text, "%-9s %7d  %s\n", IdentifierOf(rule.rule),
                          rule.cases, ToldWords(rule));
    if (rule.cases == 0) undecided.emplace_back(IdentifierOf(rule.rule));
  }
  absl::StrAppend(&text, "\n", CorpusWords(cases, decided), "\n");
  if (!undecided.empty()) {
    absl::StrAppend(&text, "undecided: ", absl::StrJoin(undecided, " "), "\n");
  }
  absl::StrAppend(&text, "\n", Wrapped(MatrixWords(), 0), "\n",
                  decided.matrix().Text());
  if (const auto missing = decided.matrix().UndecidedGuestRules();
      !missing.empty()) {
    text +=
        Item(0, "guest paging, undecided:", "", absl::StrJoin(missing, ", "));
  }
  return text;
}

}  // namespace eptdiff
