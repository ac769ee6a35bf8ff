#include "oracle/judgement/spine.h"

#include "oracle/judgement/permitted.h"

namespace eptdiff {
Spine::Spine(const Case& c, bool keeps) : case_(c) {
  state_.records_history = keeps;
  state_.Load(c);
  reference_.Judge(state_, nullptr, verdict_, trace_);
}

bool Spine::CanGoOn() const {
  return verdict_.standing == Standing::kJudged &&
         !IsFailedEntry(verdict_.alternatives[0].event.kind);
}

void Spine::Advance() {
  over_ = over_ || !CanGoOn();
  if (over_) return;
  if (step_ > 0) {
    state_.Apply(&case_.steps[step_ - 1],
                 PlainOutcome(verdict_.alternatives[0], state_));
  }
  JudgeNext();
}

void Spine::Advance(const Outcome& observed) {
  over_ = over_ || !CanGoOn();
  if (over_) return;
  if (step_ > 0) state_.Apply(&case_.steps[step_ - 1], observed);
  JudgeNext();
}

void Spine::JudgeNext() {
  over_ = step_ == case_.steps.size();
  if (over_) return;
  const Step& step = case_.steps[step_++];
  state_.Begin(step);
  reference_.Judge(state_, &step, verdict_, trace_);
}

}  // namespace eptdiff
