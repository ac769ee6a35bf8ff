// What a VM exit saves for its handler, beside its reason, qualification and
// addresses (28.2.1, 28.2.4, 28.2.5, 28.3.3, 28.3.4).
#ifndef EPTDIFF_ORACLE_REFERENCE_SAVED_STATE_H_
#define EPTDIFF_ORACLE_REFERENCE_SAVED_STATE_H_

#include "oracle/reference/examiner.h"
#include "oracle/verdict.h"

namespace eptdiff {

// Completes the VM exits among the alternatives of the step that x.s is about.
void DescribeSavedState(Examiner& x, Verdict& verdict);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_SAVED_STATE_H_
