// The cold walk: the same entries once more, with everything that was met.
//
// Where the hot walk (walk.h) says only "not as it stands", the path names the
// entry that ended the translation and keeps all of them: exit qualifications,
// accessed and dirty flags and #VE are about them.
// Thread-safety: plain values; pure but for the loads.
#ifndef EPTDIFF_ENGINE_WALK_PATH_H_
#define EPTDIFF_ENGINE_WALK_PATH_H_

#include <array>
#include <cstdint>

#include "engine/memory.h"
#include "engine/types.h"
#include "engine/walk/context.h"
#include "engine/walk/walk.h"

namespace eptdiff::engine {

enum class PathEnd : std::uint8_t {
  kLeaf,
  kNotPresent,     // VIO-1
  kMisconfigured,  // CFG
  kTooWide,        // WALK-2: no entry was read
  kNoMemory,       // an entry lies where there is no memory
};

struct PathEntry {
  Hpa address;
  std::uint64_t value = 0;
};

struct Path {
  std::array<PathEntry, 5> entries;  // from the root; only `count` are set
  std::uint8_t count = 0;
  std::uint8_t level = 0;  // of the last entry, 5 to 1
  PathEnd end = PathEnd::kTooWide;
  // The AND of the table entries; that with the last entry, too.
  std::uint64_t tables = ~std::uint64_t{0};
  std::uint64_t all = ~std::uint64_t{0};

  const PathEntry& last() const { return entries[count - 1]; }
  bool reached_leaf() const { return end == PathEnd::kLeaf; }
};

// The path of `gpa`, which is below 2^52 (WALK-8).
template <HostMemory Memory>
[[gnu::noinline]] void TracePath(const EptContext& context,
                                 const Memory& memory, Gpa gpa, Path& path) {
  path.count = 0;
  path.tables = path.all = ~std::uint64_t{0};
  path.end = PathEnd::kTooWide;
  if (gpa.value > context.last_gpa()) return;

  std::uint64_t entry = context.root();
  for (int level = context.five_level() ? 5 : 4;; --level) {
    const Hpa address = EntryAddress(entry, gpa, level);
    if (!memory.Load(address, entry)) {
      path.end = PathEnd::kNoMemory;
      return;
    }
    path.entries[path.count++] = {address, entry};
    path.level = static_cast<std::uint8_t>(level);
    path.tables = path.all;
    path.all &= entry;
    switch (context.Classify(entry, level)) {
      case EntryKind::kTable:
        continue;
      case EntryKind::kLeaf:
        path.end = PathEnd::kLeaf;
        return;
      case EntryKind::kNotPresent:
        path.end = PathEnd::kNotPresent;
        return;
      case EntryKind::kMisconfigured:
        path.end = PathEnd::kMisconfigured;
        return;
    }
  }
}

}  // namespace eptdiff::engine

#endif  // EPTDIFF_ENGINE_WALK_PATH_H_
