// What is kept: one translation of a 4-KByte page, or one entry of a
// paging-structure cache (SDM 29.4.1).
//
// A key is the address of a page, or the address bits above a paging-structure
// entry's, and in bits 11:0 the number of a space (address_spaces.h). So a hit
// is one compare, and an address that is not canonical, or too wide, finds
// nothing, because nothing was kept for it.
//
// Thread-safety: plain values.
#ifndef EPTDIFF_ENGINE_CACHE_KEPT_H_
#define EPTDIFF_ENGINE_CACHE_KEPT_H_

#include <cstdint>

#include "engine/bits.h"
#include "engine/guest/guest_rights.h"
#include "engine/types.h"
#include "engine/walk/use.h"
#include "engine/walk/walk.h"

namespace eptdiff::engine {

constexpr std::uint64_t PageOf(std::uint64_t address) {
  return address & ~bits::Bits(11, 0);
}

// A guest-physical translation. Of a large page, that of the part in which the
// address lies.
//
//   word  63:55 uses | 51:12 host page | 8:7 level - 1 | 6:3 as in the leaf
//
// A use is set if an access of that kind found every entry as it wants it, so
// that nothing was refused and nothing was written: with the rights, A and D
// that the entries had (CACHE-10), nothing is now.
struct GuestPhysicalPage {
  static constexpr int kUseShift = 55;
  static constexpr int kLevelShift = 7;
  static_assert(kUseShift + kUseCount <= 64);

  std::uint64_t key = 0;
  std::uint64_t word = 0;

  static constexpr std::uint64_t UseBit(Use use) {
    return bits::Bit(kUseShift + static_cast<int>(use));
  }
  // Without uses. `leaf` is one of `level` that maps `host_page`.
  static constexpr std::uint64_t WordFor(std::uint64_t leaf, int level,
                                         std::uint64_t host_page) {
    return (host_page & bits::kAddress) |
           (leaf & bits::Bits(6, bits::kMemoryTypeShift)) |
           static_cast<std::uint64_t>(level - 1) << kLevelShift;
  }
  static constexpr bool SameExceptUses(std::uint64_t a, std::uint64_t b) {
    return (a ^ b) << (64 - kUseShift) == 0;
  }
  static constexpr Hpa AddressOf(std::uint64_t word, Gpa gpa) {
    return Hpa{(word & bits::kAddress) | (gpa.value & bits::Bits(11, 0))};
  }
  static constexpr std::uint8_t PageShiftOf(std::uint64_t word) {
    return static_cast<std::uint8_t>(
        PageShift(static_cast<int>(word >> kLevelShift & 3) + 1));
  }
  static constexpr unsigned MemoryTypeOf(std::uint64_t word) {
    return word >> bits::kMemoryTypeShift & 15;
  }
};

// A combined translation, likewise.
struct alignas(32) CombinedPage {
  std::uint64_t key = 0;
  std::uint64_t host_page = 0;
  std::uint64_t guest_structure_types = 0;  // as in Translation
  std::uint32_t uses = 0;                   // bits 1 << UseNumber()
  MemoryType memory_type = MemoryType::kUncacheable;
  std::uint8_t page_shift = 0;   // of the EPT page
  std::uint8_t guest_shift = 0;  // of the guest's

  bool SameTranslation(const CombinedPage& other) const {
    return key == other.key && host_page == other.host_page &&
           guest_structure_types == other.guest_structure_types &&
           memory_type == other.memory_type && page_shift == other.page_shift &&
           guest_shift == other.guest_shift;
  }
};
static_assert(sizeof(CombinedPage) == 32);

// A kind of access by linear address, by whom.
constexpr unsigned UseNumber(AccessKind kind, AccessMode mode) {
  return static_cast<unsigned>(kind) * kAccessModeCount +
         static_cast<unsigned>(mode);
}

// An entry of a paging-structure cache: what the entries from the root down to
// that of a level come to.
//
// Of EPT, `word` has the last one's address, and of the other bits those that
// are set in all: it fits a use if each of them did. Of the guest it has P,
// R/W, U/S and A so; XD if it is set in any; PCD and PWT of the last one.
struct UpperEntry {
  std::uint64_t key = 0;
  std::uint64_t word = 0;
  // Of the guest: of the accesses so far, as in Translation.
  std::uint64_t guest_structure_types = 0;

  // The levels of which entries are kept.
  static constexpr int kLowest = 2;
  static constexpr int kHighest = 3;

  static constexpr std::uint64_t PrefixOf(std::uint64_t address, int level) {
    return (address & ~bits::Bits(PageShift(level) - 1, 0)) |
           static_cast<std::uint64_t>(level) << 12;
  }
};

}  // namespace eptdiff::engine

#endif  // EPTDIFF_ENGINE_CACHE_KEPT_H_
