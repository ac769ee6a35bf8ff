// 29.3.2 and 29.3.3.3, step 1: from a guest-physical address to the entry that
// maps it, or to what stops the translation.
#ifndef EPTDIFF_ORACLE_REFERENCE_WALK_H_
#define EPTDIFF_ORACLE_REFERENCE_WALK_H_

#include "oracle/reference/examiner.h"
#include "oracle/verdict.h"

namespace eptdiff {

enum class WalkEnd : std::uint8_t {
  kLeaf,           // the path's last entry maps the page
  kBeyondWidth,    // WALK-2: an EPT violation
  kNotPresent,     // VIO-1: an EPT violation
  kMisconfigured,  // CFG: an EPT misconfiguration
  kRefused,        // only in a dialect: permissions judged before the leaf
};

struct Walk {
  WalkEnd end = WalkEnd::kLeaf;
  RuleAt decided;
};

// Translates x.s.access.gpa; leaves the path and the last entry in x.s.
Walk WalkEpt(Examiner& x);

// Why the entries used so far refuse the access (29.3.3.2).
struct Refusal {
  bool refused = false;
  // Bit 1 alone refuses, and is the reason in `decided`: SPP may allow it.
  bool only_write = false;
  RuleAt decided;
};
Refusal JudgePermissions(Examiner& x);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_WALK_H_
