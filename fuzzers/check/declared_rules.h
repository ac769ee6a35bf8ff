// Which rules a target's profile lets anybody judge: it models what the rule is
// about, and fills in a field in which the rule shows.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_CHECK_DECLARED_RULES_H_
#define EPTDIFF_FUZZERS_CHECK_DECLARED_RULES_H_

#include <cstdint>

#include "fuzzers/entries/guest_mode.h"
#include "oracle/rules.h"
#include "oracle/target/eptdiff_target.h"

namespace eptdiff {

bool Declares(const eptdiff_profile& profile, Rule rule);

// Whether a question that the profile permits can bring the rule about with a
// guest in this paging mode, in an access to a guest paging-structure entry or
// in another one, for an entry of this level (0: none).
bool CanMeet(const eptdiff_profile& profile, Rule rule, GuestPagingMode mode,
             bool guest_entry, std::uint8_t level);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_CHECK_DECLARED_RULES_H_
