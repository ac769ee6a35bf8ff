// What a walker that judges nothing leaves to hardware
// (eptdiff_profile.leaves), as rules of the reference. Thread-safety: pure
// functions.
#ifndef EPTDIFF_ORACLE_TARGET_PROFILE_LEFT_RULES_H_
#define EPTDIFF_ORACLE_TARGET_PROFILE_LEFT_RULES_H_

#include "oracle/reference/dialect.h"
#include "oracle/rules.h"
#include "oracle/target/eptdiff_target.h"

namespace eptdiff {

// The slots that forbid nothing to it.
SlotSet LeftBy(const eptdiff_profile& profile);

// Whether that is all that the rule forbids.
bool Leaves(const eptdiff_profile& profile, Rule rule);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_TARGET_PROFILE_LEFT_RULES_H_
