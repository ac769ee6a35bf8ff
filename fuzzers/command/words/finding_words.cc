#include "fuzzers/command/words/finding_words.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fuzzers/command/words/answer_words.h"
#include "fuzzers/command/words/stale_words.h"
#include "fuzzers/command/words/word_list.h"
#include "fuzzers/text/view.h"
#include "oracle/judgement/judge.h"
#include "oracle/target/session/target_oracle.h"

namespace eptdiff {
namespace {

// Why the rest of the case was not compared; "" if all was.
std::string EarlyEnd(const Standings& standings) {
  if (standings.skip != Skip::kNone) {
    return absl::StrCat(View(WordsOf(standings.skip)), " (step ",
                        standings.step, ")");
  }
  if (standings.undefined) {
    return absl::StrCat("undefined from step ", standings.step, " (",
                        View(standings.undefined_by), ")");
  }
  return "";
}

const Alternative& HeldAgainst(const Standings& standings) {
  return standings.verdict->alternatives[standings.finding.alternative];
}

}  // namespace

std::string GivenWords(const Oracle& oracle, const Event& event) {
  const auto* target = dynamic_cast<const TargetOracle*>(&oracle);
  if (target != nullptr && target->incident().kind != IncidentKind::kNone) {
    return "no answer: " + WordsOf(target->incident());
  }
  return EventWords(event, oracle.fields());
}

std::string StandingsText(const Case& c, const Oracle& oracle,
                          const Standings& standings, const Style& style) {
  const std::string name = absl::StrFormat("  %-9s ", oracle.name());
  if (!standings.disagrees) {
    const std::string end = EarlyEnd(standings);
    if (standings.compared == 0) {
      // Without a step, there is VM entry alone.
      return absl::StrCat(
          name, "no answer: ",
          end.empty() ? View(WordsOf(Skip::kVmEntryNotModelled)) : end, "\n");
    }
    return absl::StrCat(name, style.Good("agrees"), " (",
                        Counted(standings.compared, "answer"), " compared",
                        end.empty() ? "" : "; then: ", end, ")\n");
  }
  std::string text = absl::StrCat(
      name, style.Bad("DISAGREES"), " at step ", standings.step, ": ",
      View(SignatureOf(oracle.name(), standings.finding)), "\n");
  for (const Disagreement& d : standings.finding.disagreements) {
    text += Item(12, "-", "", DisagreementWords(d));
  }
  text += Item(12, "expected:", "", ExpectedEventWords(HeldAgainst(standings)));
  text += Item(12, "given:", "", GivenWords(oracle, standings.outcome.event));
  const std::string stale = StaleWords(c, oracle, standings);
  if (!stale.empty()) text += Item(12, "stale:", "", stale);
  std::vector<Rule> told;
  for (const Disagreement& d : standings.finding.disagreements) {
    if (std::find(told.begin(), told.end(), d.why.rule) != told.end()) continue;
    told.push_back(d.why.rule);
    absl::StrAppend(&text, Wrapped(RuleWords(d.why.rule), 12));
  }
  return text;
}

TextCase RegressionCase(const Case& c, const Oracle& oracle,
                        const Standings& standings) {
  const Disagreement& first = standings.finding.disagreements[0];
  const RuleInfo& rule = InfoOf(first.why.rule);
  TextCase text_case;
  text_case.c = c;
  text_case.signature = SignatureOf(oracle.name(), standings.finding);
  text_case.sdm_section = std::string(rule.section);
  text_case.rules.emplace_back(rule.identifier);
  const Rule decided = HeldAgainst(standings).decided.rule;
  if (decided != first.why.rule) {
    text_case.rules.emplace_back(IdentifierOf(decided));
  }
  const std::string step =
      standings.step == 0 ? "VM entry" : StepWords(c.steps[standings.step - 1]);
  const std::string stale = StaleWords(c, oracle, standings);
  text_case.explanation = absl::StrCat(
      View(oracle.name()), " and the SDM disagree at step ", standings.step,
      " (", step, "). ", DisagreementWords(first), ". ",
      stale.empty() ? "" : absl::StrCat("The answer ", stale, ". "),
      RuleWords(rule.rule), ".");
  text_case.expected = ExpectedEventWords(HeldAgainst(standings));
  return text_case;
}

}  // namespace eptdiff
