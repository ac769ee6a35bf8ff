// The hot walk: one guest-physical address that may be used as it stands.
//
// Nothing is decided here but "every entry is exactly as this use wants it". If
// so, the access completes and changes nothing, and the translation is known.
// If not, something is refused, or odd, or a flag has to be set: the cold path
// (path.h, judgement.h) walks again and says exactly what. Why one compare for
// each level is enough stands in context.h; WalkTest.AgreesWithThePath fails if
// it is not.
//
//   gpa  56:48   47:39   38:30   29:21   20:12   11:0
//        PML5 -> PML4 -> PDPT -> PD   -> PT   -> 4-KByte page
//                          |       '-----------> 2-MByte page
//                          '-------------------> 1-GByte page
//
// Thread-safety: pure but for the loads.
#ifndef EPTDIFF_ENGINE_WALK_H_
#define EPTDIFF_ENGINE_WALK_H_

#include <cstdint>

#include "engine/bits.h"
#include "engine/context.h"
#include "engine/memory.h"
#include "engine/memory_type.h"
#include "engine/types.h"

namespace eptdiff::engine {

// Where a table of `level` (5 to 1) is indexed by `gpa` (WALK-1, WALK-9).
// `table` is an entry, or an address, of which bits 51:12 count.
constexpr Hpa EntryAddress(std::uint64_t table, Gpa gpa, int level) {
  return Hpa{(table & bits::kAddress) |
             (gpa.value >> (9 * level) & bits::Bits(11, 3))};
}
static_assert(EntryAddress(0x5000, Gpa{0x1000}, 1).value == 0x5008);
static_assert(EntryAddress(0, Gpa{0xff8000000000}, 4).value == 0xff8);
static_assert(EntryAddress(0, Gpa{0x000f000000000000}, 5).value == 0x78);

// The size of the page that a leaf of `level` maps, as a power of two.
constexpr int PageShift(int level) { return 3 + 9 * level; }
static_assert(PageShift(1) == 12 && PageShift(2) == 21 && PageShift(3) == 30);

// WALK-6. `leaf` is not misconfigured, so that its reserved address bits are 0.
constexpr Hpa PageAddress(std::uint64_t leaf, Gpa gpa, int level) {
  const int shift = PageShift(level);
  return Hpa{(leaf & bits::Bits(51, shift)) |
             (gpa.value & bits::Bits(shift - 1, 0))};
}

// Walks for `gpa`. True: the use that `expect` stands for may happen, nothing
// is to be written, and `page` says where and with which memory type. `gpa`
// may be any value. False: `page` is unspecified.
template <HostMemory Memory>
[[gnu::always_inline]] inline bool Walk(const EptContext& context,
                                        const Memory& memory, Gpa gpa,
                                        const Expectation& expect,
                                        const MemoryTypeRow& memory_types,
                                        Translation& page) {
  const auto finish = [&](std::uint64_t leaf, int level) {
    const std::uint8_t type = memory_types[leaf >> bits::kMemoryTypeShift & 15];
    page.address = PageAddress(leaf, gpa, level);
    page.page_shift = static_cast<std::uint8_t>(PageShift(level));
    page.memory_type = static_cast<MemoryType>(type);
    return type != kReservedType;
  };

  if (gpa.value > context.last_gpa()) [[unlikely]]
    return false;
  std::uint64_t entry = context.root();
  if (context.five_level()) {
    if (!memory.Load(EntryAddress(entry, gpa, 5), entry)) [[unlikely]] {
      return false;
    }
    if (!expect.table.Fits(entry)) [[unlikely]]
      return false;
  }
  if (!memory.Load(EntryAddress(entry, gpa, 4), entry)) [[unlikely]] {
    return false;
  }
  if (!expect.table.Fits(entry)) [[unlikely]]
    return false;

  if (!memory.Load(EntryAddress(entry, gpa, 3), entry)) [[unlikely]] {
    return false;
  }
  if (!expect.table.Fits(entry)) {
    return expect.page_1g.Fits(entry) && finish(entry, 3);
  }
  if (!memory.Load(EntryAddress(entry, gpa, 2), entry)) [[unlikely]] {
    return false;
  }
  if (!expect.table.Fits(entry)) {
    return expect.page_2m.Fits(entry) && finish(entry, 2);
  }
  if (!memory.Load(EntryAddress(entry, gpa, 1), entry)) [[unlikely]] {
    return false;
  }
  return expect.page_4k.Fits(entry) && finish(entry, 1);
}

}  // namespace eptdiff::engine

#endif  // EPTDIFF_ENGINE_WALK_H_
