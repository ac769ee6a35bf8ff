#include "oracle/machine_state.h"

namespace eptdiff {

void MachineState::Load(const Case& c) {
  processor = c.processor;
  controls = c.controls;
  guest = c.guest;
  memory.Clear();
  for (const MemoryWord& word : c.memory) {
    memory.Store(word.address, word.value);
  }
}

void MachineState::Apply(const Outcome& outcome) {
  controls.eptp = outcome.registers.eptp;
  controls.pml_index = outcome.registers.pml_index;
  controls.eptp_index = outcome.registers.eptp_index;
  guest.pdpte = outcome.registers.pdpte;
  for (const MemoryWord& word : outcome.writes) {
    memory.Store(word.address, word.value);
  }
}

}  // namespace eptdiff
