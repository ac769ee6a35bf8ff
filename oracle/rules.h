// The rules of EPT by identifier: what reports, tests and coverage name.
// The catalogue itself is rules.def. Thread-safety: constants.
#ifndef EPTDIFF_ORACLE_RULES_H_
#define EPTDIFF_ORACLE_RULES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "engine/types.h"

namespace eptdiff {

enum class Rule : std::uint8_t {
#define EPTDIFF_RULE(enumerator, identifier, section, words) enumerator,
#include "oracle/rules.def"
#undef EPTDIFF_RULE
};

struct RuleInfo {
  Rule rule;
  std::string_view identifier;  // "CFG-8"
  std::string_view section;     // "table 29-3"
  std::string_view words;       // the rule in a sentence
};

// A literal knows its length; else each source that includes this would count
// the characters of the whole catalogue when it is compiled.
template <std::size_t kSize>
constexpr std::string_view LiteralText(const char (&text)[kSize]) {
  return {text, kSize - 1};
}

inline constexpr RuleInfo kRules[] = {
#define EPTDIFF_RULE(enumerator, identifier, section, words)        \
  {Rule::enumerator, LiteralText(identifier), LiteralText(section), \
   LiteralText(words)},
#include "oracle/rules.def"
#undef EPTDIFF_RULE
};
inline constexpr std::size_t kRuleCount = sizeof(kRules) / sizeof(kRules[0]);

constexpr const RuleInfo& InfoOf(Rule rule) {
  return kRules[static_cast<std::size_t>(rule)];
}
constexpr std::string_view IdentifierOf(Rule rule) {
  return InfoOf(rule).identifier;
}

// The rule that a check of the controls is; not of EntryCheck::kNone.
constexpr Rule RuleOf(EntryCheck check) {
  constexpr Rule kRuleOf[] = {
      Rule::kEptp1, Rule::kEptp2, Rule::kEptp3, Rule::kEptp4, Rule::kEptp5,
      Rule::kCtl1,  Rule::kCtl2,  Rule::kCtl3,  Rule::kCtl6,  Rule::kCtl7,
      Rule::kCtl8,  Rule::kCtl9,  Rule::kCtl10, Rule::kCtl11, Rule::kCtl12,
      Rule::kCtl13, Rule::kCtl14};
  return kRuleOf[static_cast<std::size_t>(check) - 1];
}
inline constexpr unsigned kEntryCheckCount =
    static_cast<unsigned>(EntryCheck::kCtl14) + 1;  // kNone included

// The rule with this identifier; none if there is no such rule.
constexpr std::optional<Rule> FindRule(std::string_view identifier) {
  for (const RuleInfo& info : kRules) {
    if (info.identifier == identifier) return info.rule;
  }
  return std::nullopt;
}

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_RULES_H_
