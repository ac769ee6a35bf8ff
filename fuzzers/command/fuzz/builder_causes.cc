#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "fuzzers/command/files/embedded_corpus.h"
#include "fuzzers/command/fuzz/causes_by_oracle.h"
#include "oracle/builder/diagnosis/builder_diagnosis.h"
#include "oracle/builder/diagnosis/cause_words.h"
#include "oracle/builder/diagnosis/symptom_counts.h"
#include "oracle/builder/diagnosis/symptom_log.h"
#include "oracle/builder/judge/builder_trial.h"

namespace eptdiff {

std::vector<CommonCause> CausesOfBuilder(Panel& panel,
                                         const CasesBySignature& cases) {
  const auto right = std::make_unique<SymptomCounts>();
  SymptomLog log(*right);
  BuilderTrial& trial = panel.builder_trial();
  trial.set_symptom_log(&log);
  // What goes right tells what sets the rest apart.
  for (const Case& c : EmbeddedCorpus()) {
    if (HasTableOperations(c)) trial.Run(c);
  }
  struct Shown {
    BuilderRule rule;
    std::string signature;
    std::vector<Symptom> symptoms;
    CircumstancesSeen seen;
    PageDifference difference;
  };
  std::vector<Shown> shown;
  for (const auto& [signature, c] : cases) {
    const BuilderStandings& standings = trial.Run(c);
    if (!standings.finding.has_value()) continue;
    const BuilderFinding& finding = *standings.finding;
    if (log.symptoms().empty()) log.OnFinding(finding.rule, finding.level);
    shown.push_back({finding.rule,
                     signature,
                     {log.symptoms().begin(), log.symptoms().end()},
                     {},
                     log.difference()});
    shown.back().seen.Add(log.circumstances());
  }
  trial.set_symptom_log(nullptr);
  // What is wrong first is told first.
  std::sort(shown.begin(), shown.end(), [](const Shown& a, const Shown& b) {
    return std::tie(a.rule, a.signature) < std::tie(b.rule, b.signature);
  });
  std::vector<FailingCases> failing;
  for (const Shown& one : shown)
    failing.push_back({one.symptoms, 1, one.seen, one.difference});
  std::vector<CommonCause> causes;
  std::vector<bool> told(shown.size());
  for (const BuilderCause& cause : DiagnoseBuilder(failing, right->List())) {
    CommonCause& common = causes.emplace_back();
    common.words = WordsOf(cause);
    for (std::size_t i = 0; i < shown.size(); ++i) {
      const bool explained =
          std::find(cause.explains.begin(), cause.explains.end(), i) !=
          cause.explains.end();
      if (!explained || told[i]) continue;
      told[i] = true;
      common.signatures.push_back(shown[i].signature);
    }
  }
  return causes;
}

}  // namespace eptdiff
