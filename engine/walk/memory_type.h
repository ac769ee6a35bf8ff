// Effective memory types (SDM 29.3.7.2, MT-2 to MT-6).
// Thread-safety: constants and pure functions.
#ifndef EPTDIFF_ENGINE_WALK_MEMORY_TYPE_H_
#define EPTDIFF_ENGINE_WALK_MEMORY_TYPE_H_

#include <array>
#include <cstdint>

#include "engine/bits.h"
#include "engine/types.h"

namespace eptdiff::engine {

// What bits 6:3 of a leaf come to for one PAT memory type: the effective
// memory type, or kReservedType where bits 5:3 are 2, 3 or 7, which is a
// misconfiguration (CFG-11). One look-up answers both.
using MemoryTypeRow = std::array<std::uint8_t, 16>;
inline constexpr std::uint8_t kReservedType = 0xff;

// The row for CR0.CD = 1 (MT-3), and those by the encoding of the PAT type. A
// PAT entry of 2 or 3, which WRMSR refuses, is taken as UC.
extern const MemoryTypeRow kCacheDisabledRow;
extern const std::array<MemoryTypeRow, 8> kMemoryTypeRows;

// The row for an access whose PAT memory type is WB: with CR0.PG = 0, and loads
// of the PAE PDPTEs.
inline const MemoryTypeRow& WriteBackTypes(const GuestState& guest) {
  return (guest.cr0 & bits::kCr0CacheDisable) != 0
             ? kCacheDisabledRow
             : kMemoryTypeRows[static_cast<int>(MemoryType::kWriteBack)];
}

// The row for an access that entry `pat_index` of IA32_PAT applies to, as far
// as CR0 lets it.
inline const MemoryTypeRow& MemoryTypesFor(const GuestState& guest,
                                           std::uint8_t pat_index) {
  if ((guest.cr0 & (bits::kCr0Paging | bits::kCr0CacheDisable)) !=
      bits::kCr0Paging) {
    return WriteBackTypes(guest);
  }
  return kMemoryTypeRows[guest.pat >> (8 * (pat_index & 7)) & 7];
}

}  // namespace eptdiff::engine

#endif  // EPTDIFF_ENGINE_WALK_MEMORY_TYPE_H_
