// What a check says of each rule of the SDM: how often the target's answers
// agreed, in which situations, and which situations never came up.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_REPORT_CHECK_RULES_H_
#define EPTDIFF_FUZZERS_COMMAND_REPORT_CHECK_RULES_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "fuzzers/check/proven_rules.h"
#include "fuzzers/check/rule_answers.h"
#include "fuzzers/command/distill/rule_matrix.h"
#include "fuzzers/command/report/json.h"
#include "oracle/rules.h"
#include "oracle/target/eptdiff_target.h"

namespace eptdiff {

struct RuleReport {
  struct Situation {
    Situated where;
    RuleAnswers::Count answers;  // none: it never came up
  };
  Rule rule = Rule::kWalk6;
  bool declared = false;  // the profile lets it be judged (declared_rules.h)
  bool decided = false;   // getting it wrong was noticed, or would have been
  RuleAnswers::Count answers;
  // Those that the profile permits and in which the rule is known to have a
  // consequence.
  std::vector<Situation> situations;

  std::size_t situations_asked() const;
  // Whether nothing is known but wrong answers that are another rule's fault.
  bool IsObscured() const {
    return answers.obscured != 0 && answers.agreeing == 0 &&
           answers.disagreeing == 0;
  }
};

// A situation's sign: whether answers were right or wrong there; and what each
// sign means, with "-" for a situation that is not among the rule's.
char SignOf(const RuleAnswers::Count& answers);
std::vector<std::pair<char, std::string>> SituationLegend();

// A line for the command's readers about why a rule is not decided.
std::string UndecidedWords(const RuleReport& rule);

// Of all rules that the reference asks. Known are the situations that the
// corpus, and some cases that are made at random, bring about with everything
// modelled, and those that the target met.
std::vector<RuleReport> ReportRules(const RuleAnswers& answers,
                                    const ProvenRules& proven,
                                    const eptdiff_profile& profile);

// A line for each family of rules, and for each rule that some answer breaks;
// below them, what is not decided. With `whole`, a line for each rule and
// paging mode instead.
std::string RulesText(const std::vector<RuleReport>& rules, bool whole);

// "never came up" and the like, with the rules: all that are not decided.
std::vector<std::pair<std::string, std::string>> UndecidedLists(
    const std::vector<RuleReport>& rules);

// "3,870 wrong: 2,497 at PDE, 4-level guest paging; ...", of a rule that is
// broken.
std::string WrongWords(const RuleReport& rule);

// An array.
void WriteRules(const std::vector<RuleReport>& rules, JsonWriter& json);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_REPORT_CHECK_RULES_H_
