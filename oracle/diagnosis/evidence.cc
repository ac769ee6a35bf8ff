#include "oracle/diagnosis/evidence.h"

#include <utility>

namespace eptdiff {

Evidence::Evidence(FieldSet fields)
    : fields_(fields),
      sdm_(Combination()),
      verdict_(std::make_unique<Verdict>()),
      trace_(std::make_unique<Trace>()) {
  trace_->keeps_hits = false;
}

bool Evidence::Add(const std::shared_ptr<const Case>& c, std::size_t number,
                   const MachineState& before, const Step* step,
                   const Outcome& outcome) {
  ++judged_;
  const AlterationSet touched = sdm_.Judge(before, step, *verdict_, *trace_);
  if (verdict_->standing != Standing::kJudged) return false;
  auto observation = std::make_unique<Observation>();
  observation->c = c;
  observation->number = number;
  observation->before = before;
  observation->outcome = outcome;
  observation->touched = touched;
  eptdiff::Judge(*verdict_, before, outcome, fields_, finding_);
  observation->agrees = finding_.conforms;
  if (!finding_.conforms) observation->signature = SignatureOf("", finding_);
  observations_.push_back(std::move(observation));
  return true;
}

Fit Evidence::FitOf(const Trier& trier, std::size_t i) {
  const Observation& observation = *observations_[i];
  if (!Meet(trier.combination_, observation.touched)) {
    return observation.agrees ? Fit::kFits : Fit::kContradicts;
  }
  ++judged_;
  trier.reference_.Judge(observation.before, observation.step(), *verdict_,
                         *trace_);
  if (verdict_->standing != Standing::kJudged) return Fit::kSilent;
  eptdiff::Judge(*verdict_, observation.before, observation.outcome, fields_,
                 finding_);
  return finding_.conforms ? Fit::kFits : Fit::kContradicts;
}

AlterationSet Evidence::TouchedUnder(const Combination& combination,
                                     std::size_t i) {
  const Observation& observation = *observations_[i];
  if (!Meet(combination, observation.touched)) return observation.touched;
  ++judged_;
  return TouchedBy(combination)
      .Judge(observation.before, observation.step(), *verdict_, *trace_);
}

}  // namespace eptdiff
