// The hot walk of EPT once more, with the same compares (walk/walk.h says why
// they are enough), which keeps what it finds, and begins at the lowest table
// that is known (CACHE-4).
// Thread-safety: as the cache's.
#ifndef EPTDIFF_ENGINE_CACHE_KEEPING_WALK_H_
#define EPTDIFF_ENGINE_CACHE_KEEPING_WALK_H_

#include <cstdint>

#include "engine/bits.h"
#include "engine/cache/kept.h"
#include "engine/cache/translation_cache.h"
#include "engine/memory.h"
#include "engine/types.h"
#include "engine/walk/context.h"
#include "engine/walk/memory_type.h"
#include "engine/walk/walk.h"

namespace eptdiff::engine {

// A walk under way. Inlined as a whole, so that entries stay in registers.
template <HostMemory Memory>
class KeepingWalk {
 public:
  [[gnu::always_inline]] KeepingWalk(const EptContext& context,
                                     TranslationCache& cache,
                                     const Memory& memory, Gpa gpa, Use use)
      : cache_(cache),
        memory_(memory),
        gpa_(gpa),
        use_(use),
        expect_(context.ExpectationOf(use)),
        entry_(context.root()) {}

  // The word of the page for this use; 0: something does not fit.
  [[gnu::always_inline]] std::uint64_t Run(bool five_levels,
                                           const MemoryTypeRow& types) {
    if (!Knows(2)) {
      if (!Knows(3)) {
        if (five_levels && !Table(5)) return 0;
        if (!Table(4) || !Load(3)) return 0;
        if (!IsTable()) return Finish(3, expect_.page_1g, types);
        KeepTable(3);
      }
      if (!Load(2)) return 0;
      if (!IsTable()) return Finish(2, expect_.page_2m, types);
      KeepTable(2);
    }
    return Load(1) ? Finish(1, expect_.page_4k, types) : 0;
  }

 private:
  // Whether the entry of `level` is known; then it was the last one.
  [[gnu::always_inline]] bool Knows(int level) {
    const UpperEntry& upper = cache_.UpperAt(gpa_, level);
    if (!cache_.IsKept(upper, gpa_, level) || !expect_.table.Fits(upper.word)) {
      return false;
    }
    entry_ = all_ = upper.word;
    return true;
  }
  [[gnu::always_inline]] bool Load(int level) {
    return memory_.Load(EntryAddress(entry_, gpa_, level), entry_);
  }
  [[gnu::always_inline]] bool IsTable() const {
    return expect_.table.Fits(entry_);
  }
  [[gnu::always_inline]] bool Table(int level) {
    if (!Load(level) || !IsTable()) return false;
    all_ &= entry_;
    return true;
  }
  [[gnu::always_inline]] void KeepTable(int level) {
    all_ &= entry_;
    cache_.Keep(gpa_, level,
                (entry_ & bits::kAddress) | (all_ & ~bits::kAddress));
  }
  [[gnu::always_inline]] std::uint64_t Finish(int level, const Pattern& leaf,
                                              const MemoryTypeRow& types) {
    const bool fits =
        leaf.Fits(entry_) &&
        types[entry_ >> bits::kMemoryTypeShift & 15] != kReservedType;
    if (!fits) return 0;
    const std::uint64_t word = GuestPhysicalPage::WordFor(
        entry_, level, engine::PageAddress(entry_, gpa_, level).value);
    cache_.Keep(gpa_, word, use_);
    return word | GuestPhysicalPage::UseBit(use_);
  }

  TranslationCache& cache_;
  const Memory& memory_;
  const Gpa gpa_;
  const Use use_;
  const Expectation& expect_;
  std::uint64_t entry_;                    // the last one
  std::uint64_t all_ = ~std::uint64_t{0};  // the AND of the tables'
};

}  // namespace eptdiff::engine

#endif  // EPTDIFF_ENGINE_CACHE_KEEPING_WALK_H_
