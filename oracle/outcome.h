// The answer: what one oracle says became of one step.
// Thread-safety: plain values.
#ifndef EPTDIFF_ORACLE_OUTCOME_H_
#define EPTDIFF_ORACLE_OUTCOME_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "engine/types.h"
#include "oracle/case.h"
#include "oracle/fixed_vector.h"

namespace eptdiff {

// The registers and VMCS fields that a step may change: their values after it.
struct Registers {
  std::uint64_t eptp = 0;
  std::uint16_t pml_index = 0;
  std::uint16_t eptp_index = 0;
  std::array<std::uint64_t, 4> pdpte = {};
  friend bool operator==(const Registers&, const Registers&) = default;
};

// How many words one step may change: in two pages each, EPT walks of 5 entries
// and a log entry for 5 entries of HLAT paging, 5 of ordinary paging and the
// final access, and the flags of those 10 entries; and 5 words of the #VE
// information area.
inline constexpr std::size_t kMaxStepWrites = 2 * (11 * 6 + 10) + 5;

// Whether VM entry failed, so that there is no guest to run.
constexpr bool IsFailedEntry(EventKind kind) {
  return kind == EventKind::kVmEntryFailure ||
         kind == EventKind::kGuestStateFailure;
}

struct Outcome {
  Event event;
  SavedState saved;  // kVmExit
  Registers registers;
  // The words of memory whose value the step changed, with their new value, in
  // ascending order of address. What was written with the value that it had
  // already is not listed: nothing can observe it.
  FixedVector<MemoryWord, kMaxStepWrites> writes;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_OUTCOME_H_
