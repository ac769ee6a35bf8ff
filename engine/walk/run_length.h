// Entries of one table that say the same one after the other: nearly all of
// what there is to see in a large guest's tables.
// Thread-safety: pure but for the loads.
#ifndef EPTDIFF_ENGINE_WALK_RUN_LENGTH_H_
#define EPTDIFF_ENGINE_WALK_RUN_LENGTH_H_

#include <cstdint>

namespace eptdiff::engine {

// How many entries from `first` up to, not including, `end` are `entry`,
// `entry` + `step`, `entry` + 2 * `step` and so on. load(i, word) reads entry
// `i`; false: there is none, which ends the run. ahead(i) is called once for
// each eight of them, to prefetch what will be read after this table.
template <typename Load, typename Ahead>
[[gnu::always_inline]] inline int RunLength(const Load& load,
                                            const Ahead& ahead, int first,
                                            int end, std::uint64_t entry,
                                            std::uint64_t step) {
  // Eight loads are under way before one is looked at.
  constexpr int kAtOnce = 8;
  int i = first;
  for (; i + kAtOnce <= end; i += kAtOnce) {
    ahead(i);
    std::uint64_t differs = 0;
    for (int k = 0; k < kAtOnce; ++k) {
      std::uint64_t word;
      if (!load(i + k, word)) [[unlikely]]
        word = ~entry;
      differs |= word ^ entry;
      entry += step;
    }
    if (differs != 0) {
      entry -= kAtOnce * step;
      break;
    }
  }
  for (std::uint64_t word; i < end && load(i, word) && word == entry; ++i) {
    entry += step;
  }
  return i - first;
}

}  // namespace eptdiff::engine

#endif  // EPTDIFF_ENGINE_WALK_RUN_LENGTH_H_
