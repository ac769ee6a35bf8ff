// The verdict on the last step of a case, for tests: earlier steps are carried
// out as the first alternative of the SDM's verdict says, without its optional
// writes. Not part of any fuzz target. Thread-safety: pure.
#ifndef EPTDIFF_ORACLE_REFERENCE_WITNESSES_LAST_STEP_H_
#define EPTDIFF_ORACLE_REFERENCE_WITNESSES_LAST_STEP_H_

#include "oracle/case.h"
#include "oracle/machine_state.h"
#include "oracle/outcome.h"
#include "oracle/reference/dialect.h"
#include "oracle/reference/trace.h"
#include "oracle/verdict.h"

namespace eptdiff {

struct JudgedStep {
  MachineState before;
  Verdict verdict;
  Trace trace;

  // Whether `outcome` conforms; anything does where the step is undefined.
  bool Accepts(const Outcome& outcome) const;
};

// Judges the last step of `c`, or VM entry if it has none, in `dialect`. If an
// earlier step has no alternative, the verdict is that step's. `keeps`: for who
// may keep translations; the earlier steps are answered from memory all the
// same.
void JudgeLastStep(const Case& c, const Dialect& dialect, JudgedStep& judged,
                   bool keeps = false);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_WITNESSES_LAST_STEP_H_
