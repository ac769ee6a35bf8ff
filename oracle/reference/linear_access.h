// An access by linear address with CR0.PG = 1: each page of it is translated by
// the guest's paging and accessed through EPT.
#ifndef EPTDIFF_ORACLE_REFERENCE_LINEAR_ACCESS_H_
#define EPTDIFF_ORACLE_REFERENCE_LINEAR_ACCESS_H_

#include "oracle/fixed_vector.h"
#include "oracle/reference/examiner.h"
#include "oracle/reference/guest_walk.h"
#include "oracle/verdict.h"

namespace eptdiff {

using LinearParts = FixedVector<LinearPart, 2>;

// Adds to `verdict` every outcome that is permitted for an access to `parts`,
// in ascending order of address, one or two of them.
void JudgeLinearAccess(Examiner& x, const LinearParts& parts, Verdict& verdict);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_LINEAR_ACCESS_H_
