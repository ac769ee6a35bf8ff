#include "oracle/engine/engine_oracle.h"

#include <cstdint>

#include "oracle/unmodelled.h"

namespace eptdiff {
namespace {

// The memory of a step as the engine wants it: every address has some.
class StepHostMemory {
 public:
  explicit StepHostMemory(StepMemory& memory) : memory_(memory) {}

  bool Load(Hpa address, std::uint64_t& word) const {
    word = memory_.Load(address);
    return true;
  }
  bool Store(Hpa address, std::uint64_t value) {
    memory_.Store(address, value);
    return true;
  }
  bool CompareExchange(Hpa address, std::uint64_t expected,
                       std::uint64_t desired) {
    if (memory_.Load(address) != expected) return false;
    memory_.Store(address, desired);
    return true;
  }

 private:
  StepMemory& memory_;
};

EngineStatus Ask(Engine& engine, StepHostMemory& memory, const Step& step,
                 Event& event) {
  switch (step.kind) {
    case StepKind::kGuestPhysicalAccess:
      return engine.PerformAccess(memory, step.access, step.gpa, step.page,
                                  event);
    case StepKind::kLinearAccess:
      return engine.PerformLinearAccess(memory, step.access, step.gla, event);
    case StepKind::kPagingStructureRead:
      return engine.ReadPagingStructure(memory, step.gpa, step.page.gla,
                                        step.page.pat_index, event);
    case StepKind::kPagingStructureUpdate:
      return engine.UpdatePagingStructure(memory, step.gpa, step.page.gla,
                                          step.page.pat_index, event);
    case StepKind::kPdpteLoad:
      return engine.LoadPdptes(memory, event);
    case StepKind::kEptpSwitch:
      return engine.SwitchEptp(memory, step.index, event);
    case StepKind::kStore:
      memory.Store(step.hpa, step.value);
      event = Event{};
      return EngineStatus::kAnswered;
    case StepKind::kRegisterWrite:
    case StepKind::kInvalidation:
      break;
    case StepKind::kVmEntry:         // EnterAgain()
    case StepKind::kTableOperation:  // none of a processor's
      break;
  }
  return EngineStatus::kCallerError;
}

bool IsAsynchronous(const Step& step) {
  return step.access.asynchronous ||
         (step.kind == StepKind::kGuestPhysicalAccess && !step.page.gla_valid);
}

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

}  // namespace

Skip EngineOracle::Enter(const MachineState& state, Outcome& outcome) {
  outcome.event = EnterGuest(state.processor, state.controls, state.guest);
  outcome.registers = RegistersOf(state);
  outcome.writes.clear();
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
  const Skip skip =
      SkipFor(Ask(*engine_, memory, step, outcome.event), state, step);
  if (skip != Skip::kNone) return skip;
  outcome.registers = {.eptp = engine_->controls().eptp,
                       .pml_index = engine_->controls().pml_index,
                       .eptp_index = engine_->controls().eptp_index,
                       .pdpte = engine_->guest().pdpte};
  outcome.saved = SavedState{};
  if (outcome.event.kind == EventKind::kVmExit) {
    outcome.saved = SavedBy(outcome.event, state.controls, state.guest,
                            IsAsynchronous(step));
  }
  memory_.ListChanges(outcome.writes);
  return Skip::kNone;
}

}  // namespace eptdiff
