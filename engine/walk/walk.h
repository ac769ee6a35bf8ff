// The hot walk: one guest-physical address that may be used as it stands.
//
// Nothing is decided here but "every entry is exactly as this use wants it". If
// so, the access completes and changes nothing, and the translation is known.
// If not, something is refused, or odd, or a flag has to be set: others walk
// again (path.h, judgement.h) and say exactly what. Why one compare for each
// level is enough stands in context.h; HotWalkTest fails if it is not.
//
//   gpa  56:48   47:39   38:30   29:21   20:12   11:0
//        PML5 -> PML4 -> PDPT -> PD   -> PT   -> 4-KByte page
//                          |       '-----------> 2-MByte page
//                          '-------------------> 1-GByte page
//
// This folder is one dimension: from a guest-physical address to memory, or to
// what the processor does instead. It uses types.h, bits.h and memory.h. Begin
// with context.h, then read this, then judgement.h.
//
// Thread-safety: pure but for the loads.
#ifndef EPTDIFF_ENGINE_WALK_WALK_H_
#define EPTDIFF_ENGINE_WALK_WALK_H_

#include <cstdint>

#include "engine/bits.h"
#include "engine/memory.h"
#include "engine/types.h"
#include "engine/walk/context.h"
#include "engine/walk/memory_type.h"

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

// What the leaf of `level` says of `gpa`. False: its memory type is reserved,
// and `page` unspecified.
[[gnu::always_inline]] inline bool FinishWalk(std::uint64_t leaf, Gpa gpa,
                                              int level,
                                              const MemoryTypeRow& memory_types,
                                              Translation& page) {
  const std::uint8_t type = memory_types[leaf >> bits::kMemoryTypeShift & 15];
  page.address = PageAddress(leaf, gpa, level);
  page.page_shift = static_cast<std::uint8_t>(PageShift(level));
  page.memory_type = static_cast<MemoryType>(type);
  return type != kReservedType;
}

// Walks for `gpa`, which is not beyond last_gpa(), through five levels or four.
// True: every entry is as `expect` has it, and `page` says where the page is
// and with which memory type. False: `page` is unspecified. Each entry read is
// passed to `record` with its address.
template <HostMemory Memory, typename Record>
[[gnu::always_inline]] inline bool WalkLevels(
    const EptContext& context, bool five_levels, const Memory& memory, Gpa gpa,
    const Expectation& expect, const MemoryTypeRow& memory_types,
    Translation& page, Record&& record) {
  std::uint64_t entry = context.root();
  // By itself g++ does not inline these, and then each entry goes through
  // memory on its way to the next address.
  const auto load = [&](int level) __attribute__((always_inline)) {
    const Hpa address = EntryAddress(entry, gpa, level);
    if (!memory.Load(address, entry)) [[unlikely]]
      return false;
    record(address, entry);
    return true;
  };
  const auto finish = [&](int level) __attribute__((always_inline)) {
    return FinishWalk(entry, gpa, level, memory_types, page);
  };

  if (five_levels) {
    if (!load(5) || !expect.table.Fits(entry)) return false;
  }
  if (!load(4) || !expect.table.Fits(entry)) [[unlikely]]
    return false;

  if (!load(3)) [[unlikely]]
    return false;
  if (!expect.table.Fits(entry)) return expect.page_1g.Fits(entry) && finish(3);

  if (!load(2)) [[unlikely]]
    return false;
  if (!expect.table.Fits(entry)) return expect.page_2m.Fits(entry) && finish(2);

  if (!load(1)) [[unlikely]]
    return false;
  return expect.page_4k.Fits(entry) && finish(1);
}

// The same for any value of `gpa`.
template <HostMemory Memory, typename Record>
[[gnu::always_inline]] inline bool Walk(const EptContext& context,
                                        const Memory& memory, Gpa gpa,
                                        const Expectation& expect,
                                        const MemoryTypeRow& memory_types,
                                        Translation& page, Record&& record) {
  if (gpa.value > context.last_gpa()) [[unlikely]]
    return false;
  return WalkLevels(context, context.five_level(), memory, gpa, expect,
                    memory_types, page, record);
}

// The same without a record.
template <HostMemory Memory>
[[gnu::always_inline]] inline bool Walk(const EptContext& context,
                                        const Memory& memory, Gpa gpa,
                                        const Expectation& expect,
                                        const MemoryTypeRow& memory_types,
                                        Translation& page) {
  return Walk(context, memory, gpa, expect, memory_types, page,
              [](Hpa, std::uint64_t) {});
}

}  // namespace eptdiff::engine

#endif  // EPTDIFF_ENGINE_WALK_WALK_H_
