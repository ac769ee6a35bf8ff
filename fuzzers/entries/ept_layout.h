// How EPT is laid out: which entry an address selects, and what one maps. For
// those who make questions. SDM 29.3.2. Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_ENTRIES_EPT_LAYOUT_H_
#define EPTDIFF_FUZZERS_ENTRIES_EPT_LAYOUT_H_

#include <cstdint>

namespace eptdiff {

// 9 bits of the address: the index of its entry in a table of `level`.
constexpr unsigned IndexAt(std::uint64_t gpa, int level) {
  return static_cast<unsigned>(gpa >> (12 + 9 * (level - 1))) & 511;
}

// The size of the page that a leaf of `level` maps, as a shift.
constexpr unsigned PageShift(int level) {
  return 12 + 9 * static_cast<unsigned>(level - 1);
}

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_ENTRIES_EPT_LAYOUT_H_
