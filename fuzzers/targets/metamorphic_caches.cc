// The relations of what is kept: a case goes on as it does, with an INVEPT
// more.
#include "fuzzers/entries/used_entries.h"
#include "fuzzers/targets/metamorphic.h"
#include "oracle/unmodelled.h"

namespace eptdiff {
namespace {

Step InveptAll(std::uint8_t processor) {
  Step step;
  step.kind = StepKind::kInvalidation;
  step.processor = processor;
  step.invalidation = {.kind = InvalidationKind::kInvept, .type = 2};
  return step;
}

// The same, but for the oracle's word on what happened.
bool AreAlike(const Outcome& a, const Outcome& b) {
  return a.event == b.event && a.registers == b.registers &&
         a.writes == b.writes;
}

}  // namespace

// Whether the oracle answers `step` in state_, which then meets it.
bool Metamorphic::Take(const Step& step, Outcome& outcome) {
  state_.Begin(step);
  return UnmodelledBy(state_, step) == Skip::kNone &&
         AskOracle(oracle_, state_, step, outcome) == Skip::kNone;
}

// Goes through the steps of `c` before number `step`, and then takes `then`, if
// there is one. False if somebody does not answer, or the guest is gone.
bool Metamorphic::Go(const Case& c, std::size_t step, const Step* then) {
  state_.Load(c);
  if (oracle_.Enter(state_, answer_) != Skip::kNone ||
      IsFailedEntry(answer_.event.kind)) {
    return false;
  }
  for (std::size_t i = 0; i < step; ++i) {
    if (!Take(c.steps[i], answer_)) return false;
    state_.Apply(&c.steps[i], answer_);
    if (c.steps[i].kind == StepKind::kVmEntry &&
        IsFailedEntry(answer_.event.kind)) {
      return false;
    }
  }
  if (then == nullptr) return true;
  if (!Take(*then, answer_)) return false;
  state_.Apply(then, answer_);
  return answer_.event.kind == EventKind::kCompleted;
}

Metamorphic::Result Metamorphic::CheckCaches(Relation relation, const Case& c,
                                             std::size_t number) {
  const Step& step = c.steps[number];
  if (HasTableOperations(c) || !IsAccess(step)) return Result::kDoesNotApply;
  const bool flush = relation == Relation::kFlush;
  const auto elsewhere =
      static_cast<std::uint8_t>((step.processor + 1) % kLogicalProcessors);
  const Step invept = InveptAll(flush ? step.processor : elsewhere);
  if (!Go(c, number, &invept) || !Take(step, base_)) {
    return Result::kDoesNotApply;
  }
  if (flush) {
    // As the case begins, nothing is kept; the step meets the same state.
    const MachineState met = state_;
    state_.Load(c);
    if (oracle_.Enter(state_, answer_) != Skip::kNone) {
      return Result::kDoesNotApply;
    }
    if (AskOracle(oracle_, met, step, answer_) != Skip::kNone) {
      return Result::kBroken;
    }
  } else if (!Go(c, number, nullptr) || !Take(step, answer_)) {
    return Result::kBroken;
  }
  return AreAlike(answer_, base_) ? Result::kHolds : Result::kBroken;
}

}  // namespace eptdiff
