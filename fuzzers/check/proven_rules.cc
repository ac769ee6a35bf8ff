#include "fuzzers/check/proven_rules.h"

#include <bitset>

#include "oracle/reference/dialect.h"
#include "oracle/reference/dialects/known_dialects.h"

namespace eptdiff {

ProvenRules::ProvenRules(Oracle& oracle)
    : oracle_(oracle), refuted_(AllAlterations().size()) {
  trial_.Add(oracle, Dialect());
  for (const Alteration& alteration : AllAlterations()) {
    references_.emplace_back(Dialect().With(alteration));
  }
  trace_.keeps_hits = false;
}

void ProvenRules::Add(const Case& c) {
  trial_.set_observer([&](const StepReport& report) {
    Observe(report, report.step == 0 ? nullptr : &c.steps[report.step - 1]);
  });
  trial_.Run(c);
  trial_.set_observer({});
}

void ProvenRules::Observe(const StepReport& report, const Step* step) {
  if (report.verdict.standing != Standing::kJudged ||
      !report.finding.conforms || (IsEntry(step) && !oracle_.models_entry())) {
    return;
  }
  const std::bitset<kRuleCount> asked = report.trace.AskedRules();
  for (std::size_t i = 0; i < references_.size(); ++i) {
    const Rule rule = InfoOf(AllAlterations()[i].slot).rule;
    if (refuted_[i] || !asked[static_cast<std::size_t>(rule)]) continue;
    references_[i].Judge(report.before, step, verdict_, trace_);
    if (!trace_.altered || verdict_.standing != Standing::kJudged) continue;
    Judge(verdict_, report.before, report.outcome, oracle_.fields(), finding_);
    if (finding_.conforms) continue;
    refuted_[i] = true;
    proven_[static_cast<std::size_t>(rule)] = true;
  }
}

}  // namespace eptdiff
