// What VM entry refuses, or need not: of a case that it accepts otherwise.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_GENERATION_SPOILED_ENTRY_H_
#define EPTDIFF_FUZZERS_GENERATION_SPOILED_ENTRY_H_

#include "fuzzers/entries/random.h"
#include "oracle/case.h"

namespace eptdiff {

// Makes VM entry refuse `c`, by one rule or another (EPTP, CTL), or sets
// controls that mean nothing, for which it may not.
void SpoilEntryControls(Random& random, Case& c);

// The same for the guest's state (GST).
void SpoilGuestState(Random& random, Case& c);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_GENERATION_SPOILED_ENTRY_H_
