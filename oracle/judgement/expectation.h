// What the answer to a step must be because somebody has seen it: a test that
// ran on processors, or a hypervisor's own. It binds the reference as well, and
// so is the only check here that the reference itself can fail.
//
// An expectation knows what its test looked at, and no more.
// Thread-safety: plain values, pure functions.
#ifndef EPTDIFF_ORACLE_JUDGEMENT_EXPECTATION_H_
#define EPTDIFF_ORACLE_JUDGEMENT_EXPECTATION_H_

#include <cstdint>
#include <vector>

#include "engine/types.h"
#include "oracle/machine_state.h"
#include "oracle/oracle.h"
#include "oracle/outcome.h"
#include "oracle/verdict.h"

namespace eptdiff {

// The bits of a word of memory that `mask` selects, after the step.
struct ExpectedBits {
  Hpa address = {};  // 8-byte aligned
  std::uint64_t value = 0;
  std::uint64_t mask = 0;
  friend bool operator==(const ExpectedBits&, const ExpectedBits&) = default;
};

struct Expectation {
  // Not kGaveUp, kInvalidOpcode or kInvalidOperand.
  EventKind event = EventKind::kCompleted;
  Hpa hpa = {};  // kCompleted: of the first byte; 0: anywhere
  // kVmExit.
  std::uint16_t exit_reason = 0;
  std::uint64_t qualification = 0;
  std::uint64_t qualification_mask = 0;  // the bits that are known
  Gpa gpa = {};                          // 0: unknown
  std::uint32_t error_code = 0;          // kPageFault
  std::vector<ExpectedBits> memory = {};
  friend bool operator==(const Expectation&, const Expectation&) = default;
};

// Whether `outcome`, given in `before`, is as expected, as far as its oracle
// fills in `fields`.
bool Fits(const Outcome& outcome, const Expectation& expectation,
          const MachineState& before, FieldSet fields);

// Whether some outcome that `verdict`, which is judged, permits in `before` is
// as expected.
bool Permits(const Verdict& verdict, const Expectation& expectation,
             const MachineState& before);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_JUDGEMENT_EXPECTATION_H_
