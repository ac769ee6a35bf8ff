// What a step meets and what it leaves: the case's processor, with the memory
// and the registers as the steps so far have left them.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_MACHINE_STATE_H_
#define EPTDIFF_ORACLE_MACHINE_STATE_H_

#include "engine/types.h"
#include "oracle/case.h"
#include "oracle/outcome.h"
#include "oracle/sparse_memory.h"

namespace eptdiff {

struct MachineState {
  Processor processor;
  Controls controls;
  GuestState guest;
  SparseMemory memory;

  // The state before the first step of `c`. Reuses what is allocated.
  void Load(const Case& c);

  // Carries out what an oracle answered: the next step meets it.
  void Apply(const Outcome& outcome);
};

// The registers of `state` that a step may change, as they are now.
inline Registers RegistersOf(const MachineState& state) {
  return {.eptp = state.controls.eptp,
          .pml_index = state.controls.pml_index,
          .eptp_index = state.controls.eptp_index,
          .pdpte = state.guest.pdpte};
}

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_MACHINE_STATE_H_
