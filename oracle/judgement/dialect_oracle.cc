#include "oracle/judgement/dialect_oracle.h"

#include <algorithm>

#include "oracle/judgement/permitted.h"
#include "oracle/unmodelled.h"

namespace eptdiff {

DialectOracle::DialectOracle(const Dialect& dialect, Manner manner)
    : manner_(manner),
      altered_(dialect),
      verdict_(std::make_unique<Verdict>()),
      sdm_verdict_(std::make_unique<Verdict>()),
      trace_(std::make_unique<Trace>()) {
  trace_->keeps_hits = false;
}

void DialectOracle::Judge(const CachingReference& reference,
                          const MachineState& state, const Step* step,
                          Verdict& verdict) {
  if (manner_ == Manner::kKept) {
    reference.Judge(state, step, verdict, *trace_);
  } else {
    reference.reference().Judge(state, step, verdict, *trace_);
  }
}

bool DialectOracle::Departs(const MachineState& state, const Step* step) {
  Judge(altered_, state, step, *verdict_);
  if (!trace_->altered || verdict_->standing != Standing::kJudged) return false;
  Judge(sdm_, state, step, *sdm_verdict_);
  return !SameVerdict(*verdict_, *sdm_verdict_);
}

const Alternative& DialectOracle::LastOf(const MachineState& state,
                                         const Step* step) {
  const auto& all = verdict_->alternatives;
  if (!trace_->altered) return all.back();
  Judge(sdm_, state, step, *sdm_verdict_);
  if (sdm_verdict_->standing != Standing::kJudged) return all.back();
  const auto& permitted = sdm_verdict_->alternatives;
  for (std::size_t i = all.size(); i-- > 0;) {
    const bool known = std::any_of(
        permitted.begin(), permitted.end(),
        [&](const Alternative& other) { return Permits(other, all[i]); });
    if (!known) return all[i];
  }
  return all.back();
}

Skip DialectOracle::Answer(const MachineState& state, const Step* step,
                           Outcome& outcome) {
  Judge(altered_, state, step, *verdict_);
  if (verdict_->standing != Standing::kJudged) {
    Judge(sdm_, state, step, *verdict_);
  }
  switch (verdict_->standing) {
    case Standing::kJudged:
      // Whoever refuses a VM entry that may succeed is asked nothing more.
      if (IsEntry(step)) ++answered_;
      if (manner_ == Manner::kKept) {
        outcome = PlainOutcome(LastOf(state, step), state);
      } else if (manner_ == Manner::kPlain || IsEntry(step)) {
        outcome = PlainOutcome(verdict_->alternatives[0], state);
      } else {
        const auto all = PermittedOutcomes(*verdict_, state);
        outcome = all[answered_++ % all.size()];
      }
      return Skip::kNone;
    case Standing::kNotModelled: {
      const Skip skip =
          step == nullptr ? Skip::kNone : UnmodelledBy(state, *step);
      return skip == Skip::kNone ? Skip::kTooManyWays : skip;
    }
    case Standing::kUndefined:  // anything may follow: nothing does
      outcome = Outcome();
      outcome.registers = RegistersOf(state);
      return Skip::kNone;
    case Standing::kCallerError:
      break;
  }
  return Skip::kCallerError;
}

Skip DialectOracle::Enter(const MachineState& state, Outcome& outcome) {
  answered_ = state.memory.addresses().size();
  return Answer(state, nullptr, outcome);
}

Skip DialectOracle::EnterAgain(const MachineState& state, const Step& step,
                               Outcome& outcome) {
  return Answer(state, &step, outcome);
}

Skip DialectOracle::Perform(const MachineState& state, const Step& step,
                            Outcome& outcome) {
  return Answer(state, &step, outcome);
}

}  // namespace eptdiff
