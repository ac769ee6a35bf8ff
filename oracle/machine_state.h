// What a step meets and what it leaves: the case's processor, with the memory
// and the registers as the steps so far have left them.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_MACHINE_STATE_H_
#define EPTDIFF_ORACLE_MACHINE_STATE_H_

#include <array>
#include <cstdint>
#include <string_view>

#include "engine/types.h"
#include "oracle/case.h"
#include "oracle/declared.h"
#include "oracle/history.h"
#include "oracle/outcome.h"
#include "oracle/sparse_memory.h"

namespace eptdiff {

struct MachineState {
  Processor processor;
  Controls controls;  // of the logical processor `current`, ...
  GuestState guest;
  SparseMemory memory;
  std::uint8_t current = 0;
  // ... and those of the others. Not kept for a case on one alone.
  std::array<ProcessorContext, kLogicalProcessors> others = {};
  // For whoever may keep translations; only if it is recorded.
  bool records_history = false;
  History history;
  // Of whoever answers in this state; it is judged by that.
  Declared declared;

  // The state before the first step of `c`. Reuses what is allocated.
  void Load(const Case& c);

  // Makes the processor of `step` the current one, and for kVmEntry carries out
  // the VMWRITE: what then answers or judges the step meets this state.
  void Begin(const Step& step);

  // Carries out what an oracle answered: the next step meets it.
  void Apply(const Outcome& outcome);
  // Likewise, with what `step` writes to registers if it has completed; null is
  // VM entry.
  void Apply(const Step* step, const Outcome& outcome);
};

// Gives a register of the guest what a write of `value` leaves in it, and
// IA32_EFER.LMA what then follows: LME and CR0.PG (3A 4.1.2).
void WriteRegister(GuestRegister reg, std::uint64_t value, GuestState& guest);

// The two of them that are no member of a case on their own.
inline constexpr std::uint32_t kVmcsGuestCsAccessRights = 0x4816;
inline constexpr std::uint32_t kVmcsGuestSsAccessRights = 0x4818;

// Gives the VMCS field with this encoding (appendix B; oracle/vmcs_fields.def)
// a value. False if it is none that a case has.
bool WriteVmcs(std::uint32_t field, std::uint64_t value, Controls& controls,
               GuestState& guest);
// Its value; 0 if it is none that a case has.
std::uint64_t ReadVmcs(std::uint32_t field, const Controls& controls,
                       const GuestState& guest);
bool HasVmcsField(std::uint32_t field);
// "PML index"; "a field of the VMCS that no case has".
std::string_view NameOfVmcsField(std::uint32_t field);

// The registers of `state` that a step may change, as they are now.
inline Registers RegistersOf(const MachineState& state) {
  return {.eptp = state.controls.eptp,
          .pml_index = state.controls.pml_index,
          .eptp_index = state.controls.eptp_index,
          .pdpte = state.guest.pdpte};
}

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_MACHINE_STATE_H_
