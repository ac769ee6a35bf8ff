#include "oracle/diagnosis/separation.h"

#include <algorithm>
#include <cstddef>

#include "oracle/judgement/permitted.h"

namespace eptdiff {
namespace {

AlterationSet SetOf(const Combination& combination) {
  AlterationSet set;
  for (std::uint16_t number : combination) set.set(number);
  return set;
}

AlterationSet AllOf(const std::vector<Combination>& explanations) {
  AlterationSet all;
  for (const Combination& explanation : explanations) {
    all |= SetOf(explanation);
  }
  return all;
}

}  // namespace

Separation::Separation(const std::vector<Combination>& explanations,
                       FieldSet fields, bool keeps, const Declared& declared)
    : fields_(fields),
      all_(AllOf(explanations)),
      first_(explanations[0], all_),
      verdict_(std::make_unique<Verdict>()),
      other_verdict_(std::make_unique<Verdict>()),
      trace_(std::make_unique<Trace>()) {
  trace_->keeps_hits = false;
  state_.records_history = keeps;
  state_.declared = declared;
  AlterationSet common = SetOf(explanations[0]);
  for (const Combination& explanation : explanations) {
    common &= SetOf(explanation);
  }
  differing_ = all_ & ~common;
  for (std::size_t i = 1; i < explanations.size(); ++i) {
    others_.emplace_back(DialectOf(explanations[i]));
  }
}

Use Separation::UseOf(const Case& c) {
  Use use = Use::kNone;
  state_.Load(c);
  for (std::size_t number = 0; number <= c.steps.size(); ++number) {
    const Step* step = number == 0 ? nullptr : &c.steps[number - 1];
    if (step != nullptr) state_.Begin(*step);
    const AlterationSet touched =
        first_.Judge(state_, step, *verdict_, *trace_);
    if (verdict_->standing != Standing::kJudged) break;
    use = std::max(use, UseOfStep(step, touched));
    if (use == Use::kSeparates) break;
    const Outcome outcome = PlainOutcome(verdict_->alternatives[0], state_);
    if (IsFailedEntry(outcome.event.kind)) break;
    state_.Apply(step, outcome);
  }
  return use;
}

Use Separation::UseOfStep(const Step* step, const AlterationSet& touched) {
  if ((touched & all_).none()) return Use::kNone;
  const auto differs_from = [&](const CachingReference& reference) {
    reference.Judge(state_, step, *other_verdict_, *trace_);
    return other_verdict_->standing == Standing::kJudged &&
           !SameVerdict(*verdict_, *other_verdict_) &&
           TellApart(*verdict_, *other_verdict_, state_, fields_).has_value();
  };
  if ((touched & differing_).any() &&
      std::any_of(others_.begin(), others_.end(), differs_from)) {
    return Use::kSeparates;
  }
  return differs_from(sdm_) ? Use::kConfirms : Use::kNone;
}

}  // namespace eptdiff
