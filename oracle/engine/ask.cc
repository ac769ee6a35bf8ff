#include "oracle/engine/ask.h"

#include "oracle/unmodelled.h"

namespace eptdiff {

Skip SkipFor(EngineStatus status, const MachineState& state, const Step& step) {
  switch (status) {
    case EngineStatus::kAnswered:
      return Skip::kNone;
    case EngineStatus::kEptOff:
      return Skip::kEptOff;
    case EngineStatus::kNotModelled: {
      // Whatever else it refuses, it has no right to.
      const Skip skip = UnmodelledBy(state, step);
      return skip == Skip::kNone ? Skip::kCallerError : skip;
    }
    case EngineStatus::kCallerError:
    case EngineStatus::kNoMemory:
      break;
  }
  return Skip::kCallerError;
}

void AnswerEntry(const MachineState& state, Outcome& outcome) {
  outcome.event = EnterGuest(state.processor, state.controls, state.guest);
  outcome.registers = RegistersOf(state);
  outcome.writes.clear();
}

Registers RegistersOf(const Engine& engine) {
  return {.eptp = engine.controls().eptp,
          .pml_index = engine.controls().pml_index,
          .eptp_index = engine.controls().eptp_index,
          .pdpte = engine.guest().pdpte};
}

}  // namespace eptdiff
