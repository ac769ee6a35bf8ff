// Accessed and dirty flags (SDM 29.3.5).
//
// Flags are set by atomic compare-exchange in the entries that the path was
// judged by. If another processor has changed an entry in between, other than
// by setting flags itself, the judgement is stale and the access starts over,
// as the processor's own walk would.
// Thread-safety: as the memory's.
#ifndef EPTDIFF_ENGINE_WALK_FLAGS_H_
#define EPTDIFF_ENGINE_WALK_FLAGS_H_

#include <cstdint>

#include "engine/bits.h"
#include "engine/memory.h"
#include "engine/walk/path.h"

namespace eptdiff::engine {

// The flags that a use of `path` sets in its entry number `i` (AD-1 to AD-3).
inline std::uint64_t FlagsWanted(const Path& path, int i, bool writes) {
  return i == path.count - 1 && writes ? bits::kAccessed | bits::kDirty
                                       : bits::kAccessed;
}

inline bool HasAllFlags(const Path& path, bool writes) {
  for (int i = 0; i < path.count; ++i) {
    if ((FlagsWanted(path, i, writes) & ~path.entries[i].value) != 0) {
      return false;
    }
  }
  return true;
}

enum class FlagResult : std::uint8_t {
  kSet,       // all are set now
  kSetDirty,  // and it was this call that changed the leaf's dirty flag
  kStale,     // an entry has changed; flags set so far stay
};

// Sets the flags of a path that reached its leaf.
template <HostMemory Memory>
FlagResult SetFlags(Memory& memory, const Path& path, bool writes) {
  FlagResult result = FlagResult::kSet;
  for (int i = 0; i < path.count; ++i) {
    const PathEntry& entry = path.entries[i];
    const std::uint64_t wanted = FlagsWanted(path, i, writes);
    std::uint64_t now = entry.value;
    while ((now & wanted) != wanted) {
      if (memory.CompareExchange(entry.address, now, now | wanted)) {
        if ((wanted & ~now & bits::kDirty) != 0) {
          result = FlagResult::kSetDirty;
        }
        break;
      }
      constexpr std::uint64_t kFlags = bits::kAccessed | bits::kDirty;
      if (!memory.Load(entry.address, now) ||
          ((now ^ entry.value) & ~kFlags) != 0) {
        return FlagResult::kStale;
      }
    }
  }
  return result;
}

}  // namespace eptdiff::engine

#endif  // EPTDIFF_ENGINE_WALK_FLAGS_H_
