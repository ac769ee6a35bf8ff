// The cold walk of the guest's paging structures: everything that was met.
// Thread-safety: plain values, as the memory's.
#ifndef EPTDIFF_ENGINE_GUEST_GUEST_PATH_H_
#define EPTDIFF_ENGINE_GUEST_GUEST_PATH_H_

#include <array>
#include <cstdint>

#include "engine/bits.h"
#include "engine/guest/guest_rights.h"
#include "engine/memory.h"
#include "engine/types.h"

namespace eptdiff::engine {

// What became of a part of a guest walk.
enum class GuestStep : std::uint8_t {
  kGoesOn,
  kEnded,    // in an exit, a #VE or a #PF: it is described
  kRestart,  // HLAT paging met bit 11 (GW-15)
  kStale,    // an entry has changed since it was read: all over again
  kNoMemory,
};

// A guest entry that was read on the way.
struct GuestEntry {
  Gpa gpa;
  std::uint64_t value = 0;  // 32-bit paging: bits 31:0
  std::uint8_t level = 0;   // 5 to 1
  bool hlat = false;        // one of HLAT paging
  std::uint8_t pat_index = 0;
};

struct GuestPath {
  // HLAT paging and ordinary paging, 5 levels each.
  static constexpr int kMaxEntries = 10;

  std::array<GuestEntry, kMaxEntries> entries;  // only `count` are set
  std::uint8_t count = 0;
  // As in Translation.
  std::uint64_t structure_types = 0;

  // Of the walk from CR3 or from the HLAT pointer, whichever began last:
  GuestControl control;
  bool unverified = false;  // bit 58 was clear in what mapped some entry

  // The last entry read: the leaf, if there is a translation.
  GuestEntry& last() { return entries[count - 1]; }

  void Start() {
    control = GuestControl();
    unverified = false;
  }
  // Of the access to the last entry.
  void AddType(MemoryType type) {
    constexpr std::uint64_t kThereIsOne = 8;
    structure_types |= (kThereIsOne | static_cast<std::uint64_t>(type))
                       << (4 * (count - 1));
  }
};

// Reads the guest entry of `bytes` bytes (4 or 8) at `address`.
template <HostMemory Memory>
bool LoadGuestEntry(const Memory& memory, Hpa address, int bytes,
                    std::uint64_t& entry) {
  if (!memory.Load(Hpa{address.value & ~std::uint64_t{7}}, entry)) return false;
  if (bytes == 4) {
    entry = entry >> (8 * (address.value & 4)) & bits::Bits(31, 0);
  }
  return true;
}

// Sets `flags` (accessed, dirty) in the guest entry at `address`, which was
// read as `value`, by atomic compare-exchange. kStale: another processor has
// changed it, other than by setting flags itself.
template <HostMemory Memory>
GuestStep SetGuestFlags(Memory& memory, Hpa address, int bytes,
                        std::uint64_t value, std::uint64_t flags) {
  constexpr std::uint64_t kFlags = bits::kGuestAccessed | bits::kGuestDirty;
  const Hpa word_address{address.value & ~std::uint64_t{7}};
  const int shift = bytes == 4 ? 8 * (address.value & 4) : 0;
  const std::uint64_t field =
      (bytes == 4 ? bits::Bits(31, 0) : bits::Bits(63, 0)) << shift;

  std::uint64_t word = 0;
  if (!memory.Load(word_address, word)) return GuestStep::kNoMemory;
  for (;;) {
    const std::uint64_t changed = (word ^ value << shift) & field;
    if ((changed & ~(kFlags << shift)) != 0) return GuestStep::kStale;
    const std::uint64_t desired = word | flags << shift;
    if (desired == word ||
        memory.CompareExchange(word_address, word, desired)) {
      return GuestStep::kGoesOn;
    }
    if (!memory.Load(word_address, word)) return GuestStep::kNoMemory;
  }
}

}  // namespace eptdiff::engine

#endif  // EPTDIFF_ENGINE_GUEST_GUEST_PATH_H_
