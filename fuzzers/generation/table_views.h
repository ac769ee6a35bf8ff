// Cases about a builder that has several tables (views): what is done in which
// of them, and when processors change over. Numbers of their own: all else in
// the case stays as it was.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_GENERATION_TABLE_VIEWS_H_
#define EPTDIFF_FUZZERS_GENERATION_TABLE_VIEWS_H_

#include "fuzzers/entries/random.h"
#include "oracle/case.h"

namespace eptdiff {

// How many views there are, beside the first, and whether an operation may be
// for all of them.
struct ViewCounts {
  unsigned beside;
  bool may_be_all;
};

// Gives each operation of `c` a view; some pages are mapped in two of them
// alike; before some accesses the processor changes over. And brings in,
// mostly, a processor that uses a page in one view, goes to another while that
// page changes, and comes back; and where a log is kept, one that writes to a
// page before that is told and forgotten, and after it. `c` is canonical and
// stays so.
void SpreadOverViews(Random& random, ViewCounts views, Case& c);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_GENERATION_TABLE_VIEWS_H_
