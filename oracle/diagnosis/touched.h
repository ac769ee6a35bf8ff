// Which alterations matter to a step: those that would answer some slot
// otherwise than it is answered on the way.
//
// A search need only try these. Let S be a part of a combination T, and let the
// two disagree on a step. Up to the first slot that they answer differently
// both go the same way; there, some alteration of T that is not in S answers
// otherwise than S does, or than the SDM does. Judging the step once by S finds
// it: every slot is asked by way of a probe, which puts the same question to
// all alterations of the slot and changes no answer.
// Thread-safety: one TouchedBy in use at a time in a thread.
#ifndef EPTDIFF_ORACLE_DIAGNOSIS_TOUCHED_H_
#define EPTDIFF_ORACLE_DIAGNOSIS_TOUCHED_H_

#include "oracle/case.h"
#include "oracle/diagnosis/combination.h"
#include "oracle/machine_state.h"
#include "oracle/reference/caches/caching_reference.h"
#include "oracle/reference/trace.h"
#include "oracle/verdict.h"

namespace eptdiff {

class TouchedBy {
 public:
  explicit TouchedBy(const Combination& combination);
  // For who asks about these alone: of others it need not say that they matter,
  // and takes less time.
  TouchedBy(const Combination& combination, const AlterationSet& asked_about);

  // Judges `step` (null: VM entry) by the combination. Returns the alterations
  // that matter to it; those of the combination may be among them. Choosing
  // where the SDM leaves a choice (kPermits) does not matter.
  AlterationSet Judge(const MachineState& before, const Step* step,
                      Verdict& verdict, Trace& trace) const;

 private:
  CachingReference reference_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_DIAGNOSIS_TOUCHED_H_
