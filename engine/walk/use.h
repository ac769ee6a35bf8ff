// The uses of a guest-physical address that EPT tells apart (SDM 29.3.3.2).
// Thread-safety: plain values.
#ifndef EPTDIFF_ENGINE_WALK_USE_H_
#define EPTDIFF_ENGINE_WALK_USE_H_

#include <cstddef>
#include <cstdint>

#include "engine/types.h"

namespace eptdiff {

enum class Use : std::uint8_t {
  kRead,
  kWrite,
  kReadModifyWrite,
  kSupervisorFetch,  // without MBEC: every fetch
  kUserFetch,        // with MBEC, from a user-mode linear address
  // Supervisor shadow-stack accesses under EPTP bit 7; all other shadow-stack
  // accesses are kRead or kWrite.
  kShadowStackRead,
  kShadowStackWrite,
  // The processor's own accesses to guest paging-structure entries.
  kPagingRead,
  kPagingUpdate,  // of an accessed or dirty flag
};
inline constexpr std::size_t kUseCount = 9;
constexpr bool IsUse(Use use) {
  return static_cast<std::size_t>(use) < kUseCount;
}

// What a caller says that an access is may be anything that fits in a byte.
inline constexpr int kAccessKindCount = 7;
constexpr bool IsAccessKind(AccessKind kind) {
  return static_cast<int>(kind) < kAccessKindCount;
}
static_assert(IsAccessKind(AccessKind::kShadowStackReadModifyWrite));

}  // namespace eptdiff

#endif  // EPTDIFF_ENGINE_WALK_USE_H_
