// Many hot walks side by side: while one waits for an entry, others are asked.
//
// A walk is a chain of loads, each of which needs the last one's result, and a
// processor looks ahead over a few walks only: tables larger than its caches
// are walked at the speed of their misses, nearly one after the other. So a
// group of addresses goes down together, level by level. The next entry of each
// is prefetched once its address is known, and read when all others have had
// their turn.
//
// Every entry is asked what walk.h asks, in the same order; ManyWalksTest fails
// if an answer is another one.
//
// Thread-safety: pure but for the loads.
#ifndef EPTDIFF_ENGINE_WALK_MANY_WALKS_H_
#define EPTDIFF_ENGINE_WALK_MANY_WALKS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "engine/memory.h"
#include "engine/types.h"
#include "engine/walk/context.h"
#include "engine/walk/memory_type.h"
#include "engine/walk/walk.h"

namespace eptdiff::engine {

// The most that go down together: enough to hide a load from memory behind.
inline constexpr std::size_t kWalkGroup = 64;

// As Walk() for each of `count` addresses, at most kWalkGroup, with as many
// `pages`: says how many succeed. Of these structure_memory_type is
// `structure_type`; a page of one that fails is Translation().
template <HostMemory Memory>
std::size_t WalkGroup(const EptContext& context, const Memory& memory,
                      const Gpa* gpas, std::size_t count,
                      const Expectation& expect,
                      const MemoryTypeRow& memory_types,
                      MemoryType structure_type, Translation* pages) {
  // Those that still go down: which, and where its next entry lies.
  std::array<std::uint32_t, kWalkGroup> walks;
  std::array<Hpa, kWalkGroup> entries;
  std::size_t under_way = 0;
  std::size_t found = 0;

  const auto go_on = [&](std::uint32_t walk, std::uint64_t table,
                         int level) __attribute__((always_inline)) {
    const Hpa address = EntryAddress(table, gpas[walk], level);
    if constexpr (PrefetchableMemory<Memory>) memory.Prefetch(address);
    walks[under_way] = walk;
    entries[under_way] = address;
    ++under_way;
  };
  const auto read = [&](const Pattern& page,
                        int level) __attribute__((always_inline)) {
    const std::size_t before = std::exchange(under_way, 0);
    for (std::size_t i = 0; i < before; ++i) {
      const std::uint32_t walk = walks[i];
      std::uint64_t entry;
      if (!memory.Load(entries[i], entry)) [[unlikely]]
        continue;
      if (level > 1 && expect.table.Fits(entry)) [[likely]] {
        go_on(walk, entry, level - 1);
        continue;
      }
      Translation translation;
      translation.structure_memory_type = structure_type;
      if (page.Fits(entry) &&
          FinishWalk(entry, gpas[walk], level, memory_types, translation)) {
        pages[walk] = translation;
        ++found;
      }
    }
  };

  const int top = context.five_level() ? 5 : 4;
  for (std::size_t i = 0; i < count; ++i) {
    pages[i] = Translation();
    if (gpas[i].value <= context.last_gpa()) [[likely]] {
      go_on(static_cast<std::uint32_t>(i), context.root(), top);
    }
  }
  if (top == 5) read(kNothing, 5);
  read(kNothing, 4);
  read(expect.page_1g, 3);
  read(expect.page_2m, 2);
  read(expect.page_4k, 1);
  return found;
}

}  // namespace eptdiff::engine

#endif  // EPTDIFF_ENGINE_WALK_MANY_WALKS_H_
