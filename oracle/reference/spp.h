// 29.3.4: sub-page write permissions.
#ifndef EPTDIFF_ORACLE_REFERENCE_SPP_H_
#define EPTDIFF_ORACLE_REFERENCE_SPP_H_

#include "oracle/reference/examiner.h"
#include "oracle/verdict.h"

namespace eptdiff {

// Whether a write that bit 1 alone refuses is one that SPP applies to.
enum class SppEligibility : std::uint8_t {
  kNever,  // the refusal stands
  kMayBe,  // model-specific: SPP's result, or the refusal
  kEligible,
};
SppEligibility JudgeSppEligibility(Examiner& x);

enum class SppResult : std::uint8_t {
  kAllowed,
  kRefused,           // SPP-7: an EPT violation
  kMiss,              // SPP-4: an SPP-related event
  kMisconfiguration,  // SPP-5: an SPP-related event
};
struct Spp {
  SppResult result = SppResult::kAllowed;
  RuleAt decided;
};

// 29.3.4.2. Leaves x.s as it was.
Spp LookUpSpp(Examiner& x);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_SPP_H_
