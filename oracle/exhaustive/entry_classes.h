// Which entries are told apart by anything? Two shapes of the entry at a level
// are in one class if in every setting, for every access, they lead to the same
// answer, save for the frame and for the entry's other bits. What the pairs of
// entries are made from: one shape of each class is enough.
//
// It is the engine's answers that are compared: that they are the reference's
// has been seen for each shape before. Thread-safety: pure functions.
#ifndef EPTDIFF_ORACLE_EXHAUSTIVE_ENTRY_CLASSES_H_
#define EPTDIFF_ORACLE_EXHAUSTIVE_ENTRY_CLASSES_H_

#include <cstdint>
#include <span>
#include <vector>

#include "oracle/exhaustive/setting.h"
#include "oracle/exhaustive/shapes.h"

namespace eptdiff {

struct EntryClass {
  std::uint64_t shape = 0;  // the first one of its class
  // No answer depends on whether the next entry is present: it is not read.
  bool ends_walk = false;
};

// In ascending order of when they were first met. `stride` 1 looks at all
// values of bits 11:0, an odd one at a sample.
std::vector<EntryClass> ClassesOfEntries(int level,
                                         std::span<const Setting> settings,
                                         Patterns patterns,
                                         std::uint64_t stride);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_EXHAUSTIVE_ENTRY_CLASSES_H_
