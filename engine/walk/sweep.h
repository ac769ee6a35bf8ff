// All that can be reached: the ranges of guest-physical addresses that may be
// used as they stand.
//
// It says what the hot walk (walk.h) says of each address, and asks each entry
// the same, but goes through each table once, and at the pace of reading it:
// what a run of entries says alike (run_length.h) is looked at once.
// SweepTest fails if an answer is another one.
//
// Thread-safety: pure but for the loads.
#ifndef EPTDIFF_ENGINE_WALK_SWEEP_H_
#define EPTDIFF_ENGINE_WALK_SWEEP_H_

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "engine/bits.h"
#include "engine/memory.h"
#include "engine/types.h"
#include "engine/walk/context.h"
#include "engine/walk/memory_type.h"
#include "engine/walk/run_length.h"
#include "engine/walk/walk.h"

namespace eptdiff {

// Addresses whose translations are one after the other, by pages of one size
// and with the same memory types.
struct SweptRange {
  Gpa gpa;
  std::uint64_t bytes = 0;
  Translation first;  // of `gpa`
  friend bool operator==(const SweptRange&, const SweptRange&) = default;
};

}  // namespace eptdiff

namespace eptdiff::engine {

// One sweep. What the visitor is shown are the longest ranges that there are,
// in order; it may say false to see no more.
template <HostMemory Memory, typename Visitor>
class Sweep {
 public:
  Sweep(const EptContext& context, const Memory& memory,
        const Expectation& expect, const MemoryTypeRow& memory_types,
        MemoryType structure_type, Visitor& visitor)
      : context_(context),
        memory_(memory),
        expect_(expect),
        memory_types_(memory_types),
        structure_type_(structure_type),
        visitor_(visitor) {}

  // `bytes` from `begin` on.
  void Run(std::uint64_t begin, std::uint64_t bytes) {
    const std::uint64_t last = context_.last_gpa();
    if (begin > last) return;
    const std::uint64_t end = begin + std::min(bytes, last - begin + 1);
    if (begin >= end) return;
    const int top = context_.five_level() ? 5 : 4;
    if (Table(context_.root(), context_.root(), top, begin, end)) Show();
  }

 private:
  // Of addresses that `table` of `level` covers. `next`: the table that is read
  // after it, or any other. False: enough is seen.
  bool Table(std::uint64_t table, std::uint64_t next, int level,
             std::uint64_t begin, std::uint64_t end) {
    const int shift = PageShift(level);
    const auto index = [shift](std::uint64_t gpa) {
      return static_cast<int>(gpa >> shift & 511);
    };
    const std::uint64_t first_entry = table & bits::kAddress;
    const auto load = [&](int i,
                          std::uint64_t& word) __attribute__((always_inline)) {
      return memory_.Load(Hpa{first_entry + 8 * static_cast<std::uint64_t>(i)},
                          word);
    };
    const auto ahead = [&](int i) __attribute__((always_inline)) {
      if constexpr (PrefetchableMemory<Memory>) {
        memory_.Prefetch(
            Hpa{(next & bits::kAddress) + 8 * static_cast<std::uint64_t>(i)});
      }
    };
    const std::uint64_t bytes = std::uint64_t{1} << shift;
    const std::uint64_t first_gpa = begin & ~(512 * bytes - 1);
    const int last = index(end - 1);
    for (int i = index(begin); i <= last;) {
      const std::uint64_t gpa =
          first_gpa + static_cast<std::uint64_t>(i) * bytes;
      std::uint64_t entry;
      if (!load(i, entry)) [[unlikely]] {
        ++i;
        continue;
      }
      if (level > 1 && expect_.table.Fits(entry)) {
        std::uint64_t after = entry;
        if (i < last) (void)load(i + 1, after);
        if (!Table(entry, after, level - 1, std::max(gpa, begin),
                   std::min(gpa + bytes, end))) {
          return false;
        }
        ++i;
        continue;
      }
      Translation page;
      const bool fits = LeafOf(level).Fits(entry) &&
                        FinishWalk(entry, Gpa{gpa}, level, memory_types_, page);
      // A run ends where addresses do: there an address would carry over.
      const std::uint64_t room =
          fits ? (HpaEnd() - page.address.value) >> shift : 512;
      const int end_of_run =
          static_cast<int>(std::min(static_cast<std::uint64_t>(last) + 1,
                                    static_cast<std::uint64_t>(i) + room));
      const int run = std::max(
          1, RunLength(load, ahead, i, end_of_run, entry, fits ? bytes : 0));
      if (fits && !Add(gpa, static_cast<std::uint64_t>(run) * bytes, page,
                       begin, end)) {
        return false;
      }
      i += run;
    }
    return true;
  }

  std::uint64_t HpaEnd() const { return ~context_.beyond_width() + 1; }
  const Pattern& LeafOf(int level) const {
    return level == 1   ? expect_.page_4k
           : level == 2 ? expect_.page_2m
           : level == 3 ? expect_.page_1g
                        : kNothing;
  }

  // `bytes` from `gpa` on, of which what is not from `begin` to `end` is left
  // out.
  bool Add(std::uint64_t gpa, std::uint64_t bytes, Translation page,
           std::uint64_t begin, std::uint64_t end) {
    const std::uint64_t first = std::max(gpa, begin);
    page.address.value += first - gpa;
    page.structure_memory_type = structure_type_;
    const std::uint64_t seen = std::min(gpa + bytes, end) - first;
    if (range_.gpa.value + range_.bytes == first &&
        range_.first.address.value + range_.bytes == page.address.value &&
        range_.first.page_shift == page.page_shift &&
        range_.first.memory_type == page.memory_type) {
      range_.bytes += seen;
      return true;
    }
    const bool goes_on = Show();
    range_ = {Gpa{first}, seen, page};
    return goes_on;
  }

  bool Show() {
    if (range_.bytes == 0) return true;
    if constexpr (std::is_void_v<decltype(visitor_(range_))>) {
      visitor_(range_);
      return true;
    } else {
      return static_cast<bool>(visitor_(range_));
    }
  }

  const EptContext& context_;
  const Memory& memory_;
  const Expectation& expect_;
  const MemoryTypeRow& memory_types_;
  const MemoryType structure_type_;
  Visitor& visitor_;
  SweptRange range_;  // not shown yet, and may go on
};

}  // namespace eptdiff::engine

#endif  // EPTDIFF_ENGINE_WALK_SWEEP_H_
