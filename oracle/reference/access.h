// A guest-physical access, from its bytes to its verdict: each page is walked
// and judged, and what may come of the whole is listed.
#ifndef EPTDIFF_ORACLE_REFERENCE_ACCESS_H_
#define EPTDIFF_ORACLE_REFERENCE_ACCESS_H_

#include <cstddef>

#include "oracle/fixed_vector.h"
#include "oracle/reference/examiner.h"
#include "oracle/reference/rules/situation.h"
#include "oracle/verdict.h"

namespace eptdiff {

using PageAccesses = FixedVector<PageAccess, 2>;

// Adds to `verdict` every outcome that is permitted for an access to `pages`,
// in ascending order of address, one or two of them.
void JudgeAccess(Examiner& x, const PageAccesses& pages, Verdict& verdict);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_ACCESS_H_
