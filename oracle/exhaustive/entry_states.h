// VM entry, exhaustively: controls and guests in every combination of the bits
// that its checks look at (SDM 27.2.1.1, 27.3.1). Not the addresses that it
// only has to find aligned and narrow enough, of which each has two values.
// Thread-safety: pure functions.
#ifndef EPTDIFF_ORACLE_EXHAUSTIVE_ENTRY_STATES_H_
#define EPTDIFF_ORACLE_EXHAUSTIVE_ENTRY_STATES_H_

#include <cstdint>
#include <string_view>

#include "oracle/machine_state.h"

namespace eptdiff {

// A space of states of a machine at VM entry.
struct EntryStates {
  std::string_view name;
  std::uint64_t count;
  // State number `n` below `count`. Sets everything that the space varies.
  void (*set)(std::uint64_t n, MachineState& state);
};

// "eptp": EPTP against the capabilities. "controls": the controls that need one
// another. "addresses": aligned or not, too wide or not. "modes": CR0, CR4,
// IA32_EFER. "registers": the other registers, PDPTE fields included.
// "widths": the highest bit of addresses, a key identifier's or not.
// "virtual-apic": the controls of one, which need one another. "privilege": CPL
// and what blocks events.
inline constexpr int kEntrySpaces = 8;
const EntryStates& EntrySpace(int number);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_EXHAUSTIVE_ENTRY_STATES_H_
