// Small changes to one paging-structure entry of the guest: what separates an
// entry that works from one that faults, or that is ignored.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_ENTRIES_GUEST_ENTRY_MUTATION_H_
#define EPTDIFF_FUZZERS_ENTRIES_GUEST_ENTRY_MUTATION_H_

#include <cstdint>

#include "fuzzers/entries/random.h"
#include "oracle/case.h"

namespace eptdiff {

// `value`, of `level` (5 to 1), with one change, in the mode of `c`.
std::uint64_t MutateGuestEntry(Random& random, const Case& c,
                               std::uint64_t value, int level);

// `value` without the bits that it would have to have clear.
std::uint64_t WithoutReserved(const Case& c, std::uint64_t value, int level);

// `value` as an entry that is present, reserves nothing and lets through
// whatever it may, and maps a page or references a table as before.
std::uint64_t MendGuestEntry(const Case& c, std::uint64_t value, int level);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_ENTRIES_GUEST_ENTRY_MUTATION_H_
