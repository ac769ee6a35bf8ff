// INVEPT, INVVPID, INVLPG and INVPCID: whether they do what they are for. What
// that ends of what was kept, the rules of CACHE say.
#ifndef EPTDIFF_ORACLE_REFERENCE_INVALIDATION_H_
#define EPTDIFF_ORACLE_REFERENCE_INVALIDATION_H_

#include "oracle/case.h"
#include "oracle/reference/examiner.h"
#include "oracle/verdict.h"

namespace eptdiff {

// What may become of `asked`. `eptp_refused`: VM entry would refuse the EPTP of
// its descriptor. An instruction that cannot be at this privilege is the
// caller's error.
void JudgeInvalidation(Examiner& x, const Invalidation& asked,
                       bool eptp_refused, Verdict& verdict);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_INVALIDATION_H_
