#include "fuzzers/command/distill/smallest.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <string>
#include <vector>

#include "fuzzers/command/words/builder_words.h"
#include "fuzzers/command/words/finding_words.h"
#include "fuzzers/reduction/minimizer.h"
#include "fuzzers/targets/panel.h"
#include "oracle/judgement/judge.h"

namespace eptdiff {
namespace {

// The oracle whose finding `c` shows under this signature.
std::optional<std::size_t> Finder(Panel& panel, const Case& c,
                                  const std::string& signature) {
  const auto& standings = panel.trial().Run(c);
  for (std::size_t i = 0; i < standings.size(); ++i) {
    if (standings[i].disagrees &&
        SignatureOf(panel.names()[i], standings[i].finding) == signature) {
      return i;
    }
  }
  return std::nullopt;
}

// What a finding of metamorphic.h is, in a sentence.
std::string RelationWords(const std::string& signature) {
  for (std::size_t i = 0; i < kRelationCount; ++i) {
    const auto relation = static_cast<Relation>(i);
    const std::string name = "-metamorphic-" + std::string(NameOf(relation));
    if (signature.find(name) == std::string::npos) continue;
    return "The answer to a related case differs in what it may not: " +
           std::string(WordsOf(relation)) + ".";
  }
  return "";
}

bool Shows(Panel& panel, const Case& c, const std::string& signature) {
  const std::vector<std::string> found = panel.Findings(c);
  return std::find(found.begin(), found.end(), signature) != found.end();
}

}  // namespace

Case Smallest(Panel& panel, const Case& c, const std::string& signature) {
  if (HasTableOperations(c)) {
    return Minimize(c, [&](const Case& smaller) {
      const std::vector<std::string> found = panel.Findings(smaller);
      return HasTableOperations(smaller) && !found.empty() &&
             found[0] == signature;
    });
  }
  const std::optional<std::size_t> finder = Finder(panel, c, signature);
  MinimizeOptions options;
  if (!finder.has_value()) {  // a relation is broken; the reference agrees
    return Minimize(
        c,
        [&](const Case& smaller) { return Shows(panel, smaller, signature); },
        options);
  }
  options.state_before = [&](const Case& smaller, std::size_t step) {
    return panel.StateBeforeStep(smaller, step, *finder);
  };
  return Minimize(
      c,
      [&](const Case& smaller) {
        return Finder(panel, smaller, signature).has_value();
      },
      options);
}

TextCase Documented(Panel& panel, const Case& c, const std::string& signature) {
  if (HasTableOperations(c)) {
    BuilderTrial& trial = panel.builder_trial();
    const BuilderStandings& standings = trial.Run(c);
    if (!standings.finding.has_value()) return {.c = c, .signature = signature};
    return BuilderRegressionCase(c, trial.builder(), standings);
  }
  const std::optional<std::size_t> finder = Finder(panel, c, signature);
  if (!finder.has_value()) {
    return {.c = c,
            .explanation = RelationWords(signature),
            .signature = signature};
  }
  return RegressionCase(c, panel.oracle(*finder),
                        panel.trial().Run(c)[*finder]);
}

std::size_t SizeOf(const Case& c) {
  // A step weighs more than any word, a word more than its bits.
  std::size_t bits = 0;
  for (const MemoryWord& word : c.memory) {
    bits += static_cast<std::size_t>(std::popcount(word.value));
  }
  return c.steps.size() * 100000 + c.memory.size() * 64 + bits;
}

}  // namespace eptdiff
