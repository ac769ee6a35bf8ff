// What is brought into a case about a builder of tables: a few steps that
// belong together, and would not come together by chance. The case is
// canonical, and stays so.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_GENERATION_TABLE_INSERTIONS_H_
#define EPTDIFF_FUZZERS_GENERATION_TABLE_INSERTIONS_H_

#include <cstdint>

#include "fuzzers/entries/random.h"
#include "oracle/case.h"

namespace eptdiff {

// An access, then a change of what it used, then the access again: what a
// processor may still have cached would show.
void InsertWitness(Random& random, Case& c);

// Two operations that run at once, on a page that some operation of `c` is
// about.
void InsertPair(Random& random, Case& c);

// A read of a page that may be mapped, which sets its accessed flag, and an
// operation on it, before whose first store a write sets the dirty flag. Of who
// maps pages with flags these are cleared first, in every other.
void InsertRace(Random& random, Case& c);

// Of a builder that logs what is written to: it does, and is asked. Of a page
// that may be mapped writes come before it, meanwhile and after it, and it is
// told what there is.
void InsertLog(Random& random, Case& c);

// Of a builder that has so many frames: the case begins with pages that take
// tables of their own, so many that there is room for few others, or for none.
void InsertTables(Random& random, std::uint64_t frames, Case& c);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_GENERATION_TABLE_INSERTIONS_H_
