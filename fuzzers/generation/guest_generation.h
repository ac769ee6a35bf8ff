// Random questions about linear accesses: the guest's tables and EPT's fit
// together, so that most accesses come as far as the final address, with the
// small faults on either side that separate one rule from the next.
//
// A case has one to three linear pages, guest tables at addresses that EPT maps
// by one large page or several small ones, and one to four steps. An access is
// drawn first, then page tables that let it through, mostly; the rest is
// chance. Now and then a page is both a table and data, or a table references
// itself. Thread-safety: pure function.
#ifndef EPTDIFF_FUZZERS_GENERATION_GUEST_GENERATION_H_
#define EPTDIFF_FUZZERS_GENERATION_GUEST_GENERATION_H_

#include "fuzzers/entries/random.h"
#include "fuzzers/generation/machine_generation.h"
#include "oracle/case.h"

namespace eptdiff {

// Adds memory and steps to `c`, which has its machine: paging is on.
void GenerateGuest(Random& random, const Exotic& exotic, Case& c);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_GENERATION_GUEST_GENERATION_H_
