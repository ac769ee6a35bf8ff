// What can be enumerated is not left to chance: one EPT entry, at each level,
// in every shape that matters, under every control and access that matters.
//
//   entry     all 2^12 values of bits 11:0, times the classes of the rest:
//             each reserved bit range, each ignored or control bit, alone and
//             together
//   setting   capabilities, EPTP bits and controls, alone and in the pairs
//             that the SDM's rules join
//   access    every kind of access, in the modes that the rules tell apart
//
// The entries above the one in question allow everything, and so do those below
// it: what two restricted entries do together is a matter of AND, and of pairs
// (not enumerated here).
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_SINGLE_ENTRIES_H_
#define EPTDIFF_ORACLE_SINGLE_ENTRIES_H_

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "oracle/case.h"
#include "oracle/machine_state.h"

namespace eptdiff {

// The processor, the controls and the guest of a world.
struct Setting {
  std::string_view name;
  Processor processor;
  Controls controls;
  GuestState guest;
};
std::span<const Setting> SingleEntrySettings();

struct NamedStep {
  std::string_view name;
  Step step;
};
std::span<const NamedStep> SingleEntryAccesses();

// Bits 63:12 of the entries: 0 selects the plain frame.
std::span<const std::uint64_t> SingleEntryHighBits(std::uint8_t maxphyaddr);

// Calls `visit` for every combination with the entry at `level` (1 to 5; level
// 5 exists in the settings with 5-level EPT only). The state is valid during
// the call. Ends when `visit` returns false. Returns how many calls were made.
// `stride` 1 visits all values of bits 11:0, an odd one a sample.
using SingleEntryVisitor =
    std::function<bool(const MachineState& state, const NamedStep& access,
                       const Setting& setting, std::uint64_t entry)>;
std::uint64_t VisitSingleEntries(std::uint8_t level, std::uint64_t stride,
                                 const SingleEntryVisitor& visit);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_SINGLE_ENTRIES_H_
