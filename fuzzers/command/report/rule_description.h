// A rule of the catalogue as people read it: what it says, and how it is known
// to be got wrong. Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_REPORT_RULE_DESCRIPTION_H_
#define EPTDIFF_FUZZERS_COMMAND_REPORT_RULE_DESCRIPTION_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "oracle/rules.h"

namespace eptdiff {

// The rules that `word` means, whatever the case of its letters: an identifier
// ("CFG-9"), a family ("CFG"), an alteration ("CFG-9/off"), or a signature that
// has one in it. kInvalidArgument, with the nearest identifier, if it means
// none.
absl::StatusOr<std::vector<Rule>> RulesMeantBy(const std::string& word);

// The identifier, the SDM's section in both editions, and the rule in words.
std::string CatalogueText(const RuleInfo& info);

// "CFG" of CFG-9.
std::string FamilyOf(Rule rule);

// Its alterations, and which known implementations have them.
std::string MistakesText(Rule rule);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_REPORT_RULE_DESCRIPTION_H_
