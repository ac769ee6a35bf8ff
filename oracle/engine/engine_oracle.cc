#include "oracle/engine/engine_oracle.h"

#include "oracle/engine/ask.h"

namespace eptdiff {
namespace {

// It has kept nothing that could be invalidated.
Event CheckInvalidation(const Engine& engine, const Invalidation& asked) {
  const Gla gla{asked.second};
  switch (asked.kind) {
    case InvalidationKind::kInvept:
      return CheckInvept(engine.processor(), asked.type, asked.first);
    case InvalidationKind::kInvvpid:
      return CheckInvvpid(engine.processor(), asked.type, asked.first, gla);
    case InvalidationKind::kInvlpg:
      return CheckInvlpg(engine.controls(), gla);
    case InvalidationKind::kInvpcid:
      return CheckInvpcid(engine.controls(), engine.guest(), asked.type,
                          asked.first, gla);
  }
  return Event{};
}

bool IsAsynchronous(const Step& step) {
  return step.access.asynchronous ||
         (step.kind == StepKind::kGuestPhysicalAccess && !step.page.gla_valid);
}

}  // namespace

Skip EngineOracle::Enter(const MachineState& state, Outcome& outcome) {
  AnswerEntry(state, outcome);
  return Skip::kNone;
}

void EngineOracle::Adopt(const MachineState& state, bool linear) {
  engine_->set_pml_index(state.controls.pml_index);
  engine_->set_eptp_index(state.controls.eptp_index);
  if (engine_->controls() != state.controls ||
      engine_->processor() != state.processor) {
    engine_.emplace(Engine::ForGuestPhysical{}, state.processor, state.controls,
                    state.guest);
  } else if (engine_->guest() != state.guest) {
    engine_->set_guest(state.guest);
  }
  if (linear && !engine_->takes_linear()) engine_->set_guest(state.guest);
}

Skip EngineOracle::Perform(const MachineState& state, const Step& step,
                           Outcome& outcome) {
  Adopt(state, step.kind == StepKind::kLinearAccess);
  memory_.Begin(state.memory);
  StepHostMemory memory(memory_);
  if (step.kind == StepKind::kInvalidation) {
    outcome.event = CheckInvalidation(*engine_, step.invalidation);
  } else {
    const Skip skip =
        SkipFor(Ask(*engine_, memory, step, outcome.event), state, step);
    if (skip != Skip::kNone) return skip;
  }
  outcome.registers = RegistersOf(*engine_);
  outcome.saved = SavedState{};
  if (outcome.event.kind == EventKind::kVmExit) {
    outcome.saved = SavedBy(outcome.event, state.controls, state.guest,
                            IsAsynchronous(step));
  }
  memory_.ListChanges(outcome.writes);
  return Skip::kNone;
}

}  // namespace eptdiff
