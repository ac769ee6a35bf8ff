#include "fuzzers/check/known_departures.h"

namespace eptdiff {

KnownDepartures::KnownDepartures(const Dialect& dialect, FieldSet fields)
    : fields_(fields) {
  for (std::size_t i = 0; i < dialect.alterations().size(); ++i) {
    without_.emplace_back(dialect.Without(i));
  }
  trace_.keeps_hits = false;
}

bool KnownDepartures::Conforms(const CachingReference& reference,
                               const StepReport& report, const Step* step) {
  reference.Judge(report.before, step, verdict_, trace_);
  if (verdict_.standing != Standing::kJudged) return true;
  Judge(verdict_, report.before, report.outcome, fields_, finding_);
  return finding_.conforms;
}

const KnownDepartures::Shown* KnownDepartures::Find(const StepReport& report,
                                                    const Step* step) {
  // Most answers meet no alteration.
  if (!report.trace.altered || Conforms(sdm_, report, step)) return nullptr;
  shown_.rule = finding_.disagreements[0].why.rule;
  shown_.consequences = trace_.consequences;
  shown_.alterations.clear();
  for (std::size_t i = 0; i < without_.size(); ++i) {
    // Without the only one it is the SDM.
    if (without_.size() == 1 || !Conforms(without_[i], report, step)) {
      shown_.alterations.push_back(i);
    }
  }
  return &shown_;
}

}  // namespace eptdiff
