#include "fuzzers/command/report/rule_description.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "fuzzers/command/distill/decided.h"
#include "fuzzers/command/options/nearest.h"
#include "fuzzers/command/panel/dialects.h"
#include "fuzzers/command/words/style.h"
#include "fuzzers/text/view.h"
#include "oracle/editions.h"
#include "oracle/reference/dialect.h"
#include "oracle/reference/dialects/known_dialects.h"

namespace eptdiff {
namespace {

constexpr std::size_t kIndent = 10;

bool IsMeantBy(const std::string& word, const std::string& identifier) {
  if (word == identifier || absl::StartsWith(word, identifier + "/") ||
      absl::StartsWith(identifier, word + "-")) {
    return true;
  }
  return absl::StartsWith(word, "EPTDIFF-") &&
         absl::StrContains(word + "-", absl::StrCat("-", identifier, "-"));
}

// The named dialects that have it.
std::vector<std::string> DialectsWith(const Alteration& alteration) {
  std::vector<std::string> names;
  for (const std::string& name : NamedDialects()) {
    const auto dialect = FindDialect(name);
    for (const Alteration* theirs : dialect->alterations()) {
      if (theirs == &alteration) names.push_back(name);
    }
  }
  return names;
}

}  // namespace

absl::StatusOr<std::vector<Rule>> RulesMeantBy(const std::string& word) {
  const std::string upper = absl::AsciiStrToUpper(word);
  std::vector<Rule> meant;
  std::vector<std::string> known;
  for (const RuleInfo& info : kRules) {
    known.emplace_back(info.identifier);
    if (IsMeantBy(upper, known.back())) meant.push_back(info.rule);
  }
  if (!meant.empty()) return meant;
  return absl::InvalidArgumentError(absl::StrCat(
      "there is no rule or family \"", word, "\"", DidYouMean(word, known)));
}

std::string FamilyOf(Rule rule) {
  const absl::string_view identifier = View(IdentifierOf(rule));
  return std::string(identifier.substr(0, identifier.find('-')));
}

std::string CatalogueText(const RuleInfo& info) {
  return absl::StrFormat(
      "%-9s SDM %s%s\n%s", info.identifier, CitedInBoth(info.section),
      IsAsked(info.rule) ? "" : " (not in the reference yet)",
      Wrapped(std::string(info.words), kIndent));
}

std::string MistakesText(Rule rule) {
  std::string text;
  for (const Alteration& alteration : AllAlterations()) {
    if (InfoOf(alteration.slot).rule != rule) continue;
    // "off" repeats the rule that it switches off.
    const bool off =
        alteration.words.find(InfoOf(rule).words) != std::string_view::npos;
    const std::vector<std::string> dialects = DialectsWith(alteration);
    text +=
        Item(kIndent, absl::StrCat(View(alteration.name), ":"), "",
             absl::StrCat(off ? "it is not checked" : View(alteration.words),
                          dialects.empty() ? "" : "; so in ",
                          absl::StrJoin(dialects, ", ")));
  }
  return text;
}

}  // namespace eptdiff
