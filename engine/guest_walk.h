// The hot walk of both dimensions: a linear address that may be used as it
// stands.
//
//   CR3 -> PML4E -> PDPTE -> PDE -> PTE -> page      each arrow is an EPT walk
//
// As in walk.h nothing is decided but "every entry is exactly as this access
// wants it", by one compare for each entry of either dimension: a guest entry
// that fits is present, has no reserved bit (GW-5), is of the expected kind,
// has every right that the access needs of it (GW-7, GW-8, GW-11), and has the
// flags already that the access would set (GW-12). What cannot be seen in one
// entry alone is asked at the end: whether some entry makes it a supervisor
// page (SMEP, SMAP), and its protection key (GW-9, GW-10). HotGuestWalkTest
// fails if that is not enough. Anything else is left to others.
//
// Thread-safety: pure but for the loads.
#ifndef EPTDIFF_ENGINE_GUEST_WALK_H_
#define EPTDIFF_ENGINE_GUEST_WALK_H_

#include <cstdint>

#include "engine/bits.h"
#include "engine/context.h"
#include "engine/guest_paging.h"
#include "engine/guest_rights.h"
#include "engine/memory.h"
#include "engine/types.h"
#include "engine/walk.h"

namespace eptdiff::engine {

// Walks for `gla`, which is canonical and as Effective() gives it, from the
// structure to which `root` refers. The context is a hot() one. True: the
// translation of the access is `page`, but for structure_memory_type. False:
// `page` is unspecified.
template <HostMemory Memory>
[[gnu::always_inline]] inline bool WalkGuest(const EptContext& ept,
                                             const GuestPagingContext& paging,
                                             const Memory& memory,
                                             std::uint64_t root,
                                             const GuestUse& use, Gla gla,
                                             Translation& page) {
  const Expectation& structure = ept.ExpectationOf(Use::kPagingRead);
  const Expectation& expect = use.expectation;
  std::uint64_t entry = root;
  std::uint64_t all = ~std::uint64_t{0};
  std::uint64_t types = 0;
  int types_shift = 0;

  const auto load = [&](int level) {
    const Gpa gpa{(entry & bits::kAddress) |
                  (gla.value >> (9 * level) & bits::Bits(11, 3))};
    Translation at;
    if (!Walk(ept, memory, gpa, structure,
              paging.MemoryTypes(PatIndexOf(entry, 0)), at) ||
        !memory.Load(at.address, entry)) [[unlikely]] {
      return false;
    }
    types |= (8 | static_cast<std::uint64_t>(at.memory_type)) << types_shift;
    types_shift += 4;
    all &= entry;
    return true;
  };
  const auto finish = [&](int level) {
    if ((all & use.rights.not_all) != 0) [[unlikely]]
      return false;
    const bool user_page = (all & bits::kGuestUser) != 0;
    if (KeyBars(use.rights, user_page, entry)) [[unlikely]]
      return false;
    const int shift = PageShift(level);
    const Gpa gpa{(entry & bits::Bits(51, shift)) |
                  (gla.value & bits::Bits(shift - 1, 0))};
    page.guest_structure_types = types;
    return Walk(ept, memory, gpa, ept.ExpectationOf(use.uses[user_page]),
                paging.MemoryTypes(PatIndexOf(entry, level)), page);
  };

  switch (paging.top_level()) {
    case 5:
      if (!load(5) || !expect.table.Fits(entry)) return false;
      [[fallthrough]];
    case 4:
      if (!load(4) || !expect.table.Fits(entry)) return false;
      if (!load(3)) return false;
      if (!expect.table.Fits(entry)) {
        return expect.page_1g.Fits(entry) && finish(3);
      }
      break;
    default:  // PAE: what is there of level 3 is a register
      if ((entry & bits::kGuestPresent) == 0) return false;
  }
  if (!load(2)) return false;
  if (!expect.table.Fits(entry)) return expect.page_2m.Fits(entry) && finish(2);
  return load(1) && expect.page_4k.Fits(entry) && finish(1);
}

}  // namespace eptdiff::engine

#endif  // EPTDIFF_ENGINE_GUEST_WALK_H_
