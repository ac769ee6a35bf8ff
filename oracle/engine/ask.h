// A step as a question to an engine, with a cache or without.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_ENGINE_ASK_H_
#define EPTDIFF_ORACLE_ENGINE_ASK_H_

#include <cstdint>

#include "engine/engine.h"
#include "oracle/case.h"
#include "oracle/machine_state.h"
#include "oracle/oracle.h"
#include "oracle/outcome.h"
#include "oracle/step_memory.h"

namespace eptdiff {

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

// Steps that every engine answers by a function of the same name, and stores;
// kCallerError for others.
template <typename AnyEngine>
EngineStatus Ask(AnyEngine& engine, StepHostMemory& memory, const Step& step,
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
      if constexpr (requires { engine.Vmfunc(memory, 0u, 0u, event); }) {
        return engine.Vmfunc(memory, static_cast<std::uint32_t>(step.value),
                             step.index, event);
      } else {
        return engine.SwitchEptp(memory, step.index, event);
      }
    case StepKind::kStore:
      memory.Store(step.hpa, step.value);
      event = Event{};
      return EngineStatus::kAnswered;
    case StepKind::kRegisterWrite:
      if constexpr (requires {
                      engine.WriteRegister(memory, step.reg, 0, event);
                    }) {
        return engine.WriteRegister(memory, step.reg, step.value, event);
      }
      break;
    case StepKind::kInvalidation:
    case StepKind::kVmEntry:         // EnterAgain()
    case StepKind::kTableOperation:  // none of a processor's
      break;
  }
  return EngineStatus::kCallerError;
}

// Why an engine with this status gives no answer; kNone if it does.
Skip SkipFor(EngineStatus status, const MachineState& state, const Step& step);

// The answer to VM entry.
void AnswerEntry(const MachineState& state, Outcome& outcome);

// The registers of an outcome, as a step has left them.
Registers RegistersOf(const Engine& engine);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_ENGINE_ASK_H_
