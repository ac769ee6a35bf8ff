// What goes with a finding about a builder, for those who read it: what was
// asked for and what was found, beside each other.
// Thread-safety: plain values.
#ifndef EPTDIFF_ORACLE_BUILDER_FINDING_FACTS_H_
#define EPTDIFF_ORACLE_BUILDER_FINDING_FACTS_H_

#include <cstdint>

#include "engine/table/table_error.h"
#include "engine/types.h"

namespace eptdiff {

// An entry as it was found.
struct FoundEntry {
  int level = 0;  // 0: none
  Hpa address = {};
  std::uint64_t word = 0;
};

// Of a page: the entry that was asked for, where it would be, and the one that
// ends the walk there.
struct PageWords {
  bool known = false;
  int asked_level = 0;      // 0: nothing was to be mapped there
  std::uint64_t asked = 0;  // an entry of that level
  FoundEntry found;
  // An entry above it that takes a right away which both of these have, and
  // which right that is, as bits of an entry.
  FoundEntry above;
  std::uint64_t taken = 0;
};

// Of an operation that should have been refused, or not.
struct RefusalWords {
  bool known = false;
  std::uint32_t reasons = 0;  // a RefusalSet: what speaks against it
  TableError given = TableError::kNone;
  bool changed = false;  // tables in use are others after it
};

struct FindingFacts {
  PageWords page;
  FoundEntry entry;  // one that is wrong by itself
  RefusalWords refusal;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_FINDING_FACTS_H_
