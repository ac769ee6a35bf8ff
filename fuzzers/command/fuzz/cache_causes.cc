#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "fuzzers/command/fuzz/causes_by_oracle.h"
#include "fuzzers/text/view.h"
#include "oracle/diagnosis/diagnosis.h"
#include "oracle/judgement/trial.h"

namespace eptdiff {
namespace {

bool Disagrees(Oracle& oracle, const Dialect& dialect, const Case& c) {
  Trial trial;
  trial.Add(oracle, dialect);
  return trial.Run(c)[0].disagrees;
}

}  // namespace

std::vector<CommonCause> CausesOfCache(Panel& panel,
                                       const CasesBySignature& cases) {
  Oracle& oracle = panel.oracle(0);
  Diagnosis diagnosis(oracle.fields());
  for (const auto& [signature, c] : cases) diagnosis.Ask(oracle, c);
  std::vector<CommonCause> causes;
  std::map<std::string, Case> left = cases;
  for (const Departure& departure : diagnosis.explanation().departures) {
    const Alteration& alteration = *departure.alteration;
    const Dialect dialect = Dialect().With(alteration);
    CommonCause& cause = causes.emplace_back();
    cause.words = absl::StrCat(View(IdentifierOf(InfoOf(alteration.slot).rule)),
                               ": ", View(alteration.words));
    std::erase_if(left, [&](const auto& finding) {
      const auto& [signature, c] = finding;
      if (!Disagrees(oracle, Dialect(), c) || Disagrees(oracle, dialect, c)) {
        return false;
      }
      cause.signatures.push_back(signature);
      return true;
    });
  }
  return causes;
}

}  // namespace eptdiff
