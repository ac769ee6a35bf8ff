// Which words of memory a step looks at: a walk that ignores permissions,
// reserved bits and whatever else would end it. It tells the mutator where a
// changed bit will be noticed, and is no judge of anything.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_USED_ENTRIES_H_
#define EPTDIFF_FUZZERS_USED_ENTRIES_H_

#include <cstdint>

#include "oracle/case.h"
#include "oracle/fixed_vector.h"

namespace eptdiff {

enum class EntryKind : std::uint8_t { kEpt, kSpp, kOther };

struct UsedEntry {
  Hpa address;
  std::uint64_t value = 0;  // before the first step
  EntryKind kind = EntryKind::kEpt;
  int level = 0;      // kEpt: 5 (PML5E) to 1; kSpp: 4 to 1 (the vector)
  bool leaf = false;  // kEpt: it maps a page
};

struct UsedEntries {
  // For a page-crossing access those of both pages. kOther: a dword of the #VE
  // area, a PDPTE, an EPTP of the list.
  FixedVector<UsedEntry, 48> list;
  bool reached_leaf = false;  // for each page of the access
};

// The entries that `step` uses in the memory with which `c` begins.
void FindUsedEntries(const Case& c, const Step& step, UsedEntries& used);

// The guest-physical address that a step begins with, and how many bytes it
// takes; no bytes if the step accesses no guest-physical address.
struct GpaRange {
  std::uint64_t first = 0;
  unsigned bytes = 0;
};
GpaRange AccessedRange(const Case& c, const Step& step);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_USED_ENTRIES_H_
