// The engine as an oracle.
//
// This folder lets the engine answer: it translates between the words of
// oracle/ and engine/, and decides nothing. Begin here; engine_cache_oracle.h
// is the one with a translation cache.
//
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_ENGINE_ENGINE_ORACLE_H_
#define EPTDIFF_ORACLE_ENGINE_ENGINE_ORACLE_H_

#include <optional>
#include <string_view>
#include <utility>

#include "engine/engine.h"
#include "oracle/case.h"
#include "oracle/machine_state.h"
#include "oracle/oracle.h"
#include "oracle/outcome.h"
#include "oracle/step_memory.h"

namespace eptdiff {

class EngineOracle final : public Oracle {
 public:
  std::string_view name() const override { return "engine"; }
  Skip Enter(const MachineState& state, Outcome& outcome) override;
  Skip Perform(const MachineState& state, const Step& step,
               Outcome& outcome) override;

  // As the last step left it.
  const Engine& engine() const { return *engine_; }

 private:
  // Makes `engine_` what `state` says, for linear accesses or for others;
  // recomputes only what has changed.
  void Adopt(const MachineState& state, bool linear);

  StepMemory memory_;  // of the current step
  // Made anew in its place: what depends on controls is three kilobytes.
  std::optional<Engine> engine_{std::in_place, Processor{}, Controls{}};
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_ENGINE_ENGINE_ORACLE_H_
