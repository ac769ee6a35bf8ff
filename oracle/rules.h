// The rules of EPT by identifier: what reports, tests and coverage name.
// The catalogue itself is rules.def. Thread-safety: constants.
#ifndef EPTDIFF_ORACLE_RULES_H_
#define EPTDIFF_ORACLE_RULES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

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

inline constexpr RuleInfo kRules[] = {
#define EPTDIFF_RULE(enumerator, identifier, section, words) \
  {Rule::enumerator, identifier, section, words},
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

// The rule with this identifier; none if there is no such rule.
constexpr std::optional<Rule> FindRule(std::string_view identifier) {
  for (const RuleInfo& info : kRules) {
    if (info.identifier == identifier) return info.rule;
  }
  return std::nullopt;
}

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_RULES_H_
