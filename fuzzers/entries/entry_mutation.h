// Small changes to one EPT paging-structure entry: what separates an entry
// that works from one that is refused, or that is ignored.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_ENTRIES_ENTRY_MUTATION_H_
#define EPTDIFF_FUZZERS_ENTRIES_ENTRY_MUTATION_H_

#include <cstdint>

#include "fuzzers/entries/random.h"
#include "oracle/case.h"

namespace eptdiff {

// `value` with one change. `level` is 5 (PML5E) to 1 (PTE), `maxphyaddr` the
// processor's.
std::uint64_t MutateEntry(Random& random, std::uint64_t value, int level,
                          unsigned maxphyaddr);

// `value` as an entry that allows everything, and maps a page (`leaf`) or
// references a table as before.
std::uint64_t MendEntry(const Case& c, std::uint64_t value, int level,
                        bool leaf);

// An SPP entry (level 4 to 2) or sub-page vector (level 1) with one change.
std::uint64_t MutateSppEntry(Random& random, std::uint64_t value, int level,
                             unsigned maxphyaddr);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_ENTRIES_ENTRY_MUTATION_H_
