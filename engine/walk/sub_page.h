// Sub-page write permissions (SDM 29.3.4.2).
// Thread-safety: pure but for the loads.
#ifndef EPTDIFF_ENGINE_WALK_SUB_PAGE_H_
#define EPTDIFF_ENGINE_WALK_SUB_PAGE_H_

#include <cstdint>

#include "engine/bits.h"
#include "engine/memory.h"
#include "engine/types.h"
#include "engine/walk/walk.h"

namespace eptdiff::engine {

enum class SubPageResult : std::uint8_t {
  kAllowed,
  kDenied,            // SPP-7
  kMiss,              // SPP-4
  kMisconfiguration,  // SPP-5
  kNoMemory,
};

// Whether the SPP tables at `spptp` allow a write of the `bytes` bytes (at
// least one) from `gpa` on, all in one 4-KByte page. `beyond_width` has the
// bits 63:N.
template <HostMemory Memory>
SubPageResult LookUpSubPages(const Memory& memory, std::uint64_t spptp,
                             std::uint64_t beyond_width, Gpa gpa,
                             unsigned bytes) {
  constexpr std::uint64_t kValid = bits::Bit(0);
  const std::uint64_t reserved = bits::Bits(11, 1) | beyond_width;

  std::uint64_t entry = spptp;
  for (int level = 4; level > 1; --level) {  // SPPL4E, SPPL3E, SPPL2E
    if (!memory.Load(EntryAddress(entry, gpa, level), entry)) {
      return SubPageResult::kNoMemory;
    }
    if ((entry & kValid) == 0) return SubPageResult::kMiss;
    if ((entry & reserved) != 0) return SubPageResult::kMisconfiguration;
  }
  std::uint64_t vector = 0;
  if (!memory.Load(EntryAddress(entry, gpa, 1), vector)) {
    return SubPageResult::kNoMemory;
  }
  constexpr std::uint64_t kOddBits = 0xaaaaaaaaaaaaaaaa;
  if ((vector & kOddBits) != 0) return SubPageResult::kMisconfiguration;

  // Bit 2S is for the 128 bytes of sub-page S, and the odd bits are 0 (SPP-3,
  // SPP-6).
  const int first = static_cast<int>(gpa.value >> 7 & 31);
  const int last = static_cast<int>((gpa.value + bytes - 1) >> 7 & 31);
  const std::uint64_t wanted = bits::Bits(2 * last, 2 * first) & ~kOddBits;
  return (vector & wanted) == wanted ? SubPageResult::kAllowed
                                     : SubPageResult::kDenied;
}

}  // namespace eptdiff::engine

#endif  // EPTDIFF_ENGINE_WALK_SUB_PAGE_H_
