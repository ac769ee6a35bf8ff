// What was kept, and what ended it, for who tells of it.
// Thread-safety: plain values.
#ifndef EPTDIFF_ORACLE_REFERENCE_CACHES_KEPT_ENTRY_H_
#define EPTDIFF_ORACLE_REFERENCE_CACHES_KEPT_ENTRY_H_

#include <cstddef>
#include <cstdint>

#include "oracle/reference/trace.h"
#include "oracle/rules.h"

namespace eptdiff {

// An entry that a run used with a value that memory no longer has.
struct KeptEntry {
  EntryRead entry;
  std::uint64_t now = 0;  // the same of the word as memory has it
  std::size_t until = 0;  // the step that changed it
  friend bool operator==(const KeptEntry&, const KeptEntry&) = default;
};

// A step that ends something of what a run used, and by which rule.
struct KeptEnd {
  std::size_t step = 0;
  Rule rule = Rule::kCache6;
  friend bool operator==(const KeptEnd&, const KeptEnd&) = default;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_CACHES_KEPT_ENTRY_H_
