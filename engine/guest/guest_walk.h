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
// This folder is the other dimension, the guest's own paging, on top of walk/.
// Begin with guest_paging.h and guest_rights.h, then read this; guest_path.h
// walks again where something is odd, linear_access_inl.h carries out.
//
// Thread-safety: pure but for the loads.
#ifndef EPTDIFF_ENGINE_GUEST_GUEST_WALK_H_
#define EPTDIFF_ENGINE_GUEST_GUEST_WALK_H_

#include <bit>
#include <cstdint>

#include "engine/bits.h"
#include "engine/guest/guest_paging.h"
#include "engine/guest/guest_rights.h"
#include "engine/memory.h"
#include "engine/types.h"
#include "engine/walk/context.h"
#include "engine/walk/walk.h"

namespace eptdiff::engine {

// A walk under way. Inlined as a whole, so that all of it is in registers: an
// entry that went through memory on its way to the next address would make each
// step half as long again.
template <bool kFiveLevelEpt, HostMemory Memory>
class HotGuestWalk {
 public:
  [[gnu::always_inline]] HotGuestWalk(const EptContext& ept,
                                      const GuestPagingContext& paging,
                                      const Memory& memory, std::uint64_t root,
                                      const GuestUse& use, Gla gla)
      : ept_(ept),
        paging_(paging),
        memory_(memory),
        use_(use),
        gla_(gla),
        entry_(root) {}

  // Each of these says false if it does not fit. The entry of `level`, a table:
  [[gnu::always_inline]] bool Table(int level) {
    return Load(level) && use_.expectation.table.Fits(entry_);
  }
  // From level 3 or below on to the page.
  [[gnu::always_inline]] bool Page(Translation& page) {
    int level = 3;
    if (paging_.top_level() >= 3) {
      if (!Load(3)) return false;
    } else if ((entry_ & bits::kGuestPresent) == 0) {  // a PDPTE register
      return false;
    }
    if (paging_.top_level() < 3 || use_.expectation.table.Fits(entry_)) {
      level = 2;
      if (!Load(2)) return false;
      if (use_.expectation.table.Fits(entry_)) {
        level = 1;
        if (!Load(1) || !use_.expectation.page_4k.Fits(entry_)) return false;
      } else if (!use_.expectation.page_2m.Fits(entry_)) {
        return false;
      }
    } else if (!use_.expectation.page_1g.Fits(entry_)) {
      return false;
    }
    return Finish(level, page);
  }

 private:
  [[gnu::always_inline]] bool Load(int level) {
    const Gpa gpa{(entry_ & bits::kAddress) |
                  (gla_.value >> (9 * level) & bits::Bits(11, 3))};
    const MemoryTypeRow& types = paging_.MemoryTypes(PatIndexOf(entry_, 0));
    Translation at;
    if (!WalkEpt(gpa, Use::kPagingRead, types, at) ||
        !memory_.Load(at.address, entry_)) [[unlikely]] {
      return false;
    }
    constexpr std::uint64_t kThereIsOne = 8;
    types_ = std::rotr(
        types_ | kThereIsOne | static_cast<std::uint64_t>(at.memory_type), 4);
    all_ &= entry_;
    return true;
  }

  [[gnu::always_inline]] bool Finish(int level, Translation& page) {
    const bool user_page = (all_ & bits::kGuestUser) != 0;
    if ((all_ & use_.rights.not_all) != 0 ||
        KeyBars(use_.rights, user_page, entry_)) [[unlikely]] {
      return false;
    }
    const std::uint64_t offset = bits::Bits(PageShift(level) - 1, 0);
    const Gpa gpa{(entry_ & bits::kAddress & ~offset) | (gla_.value & offset)};
    const int accesses = paging_.top_level() - level + 1;
    page.guest_structure_types = std::rotl(types_, 4 * accesses);
    return WalkEpt(gpa, use_.uses[user_page],
                   paging_.MemoryTypes(PatIndexOf(entry_, level)), page);
  }

  // No entry that fits leads beyond last_gpa().
  [[gnu::always_inline]] bool WalkEpt(Gpa gpa, Use use,
                                      const MemoryTypeRow& types,
                                      Translation& page) {
    return WalkLevels(ept_, kFiveLevelEpt, memory_, gpa,
                      ept_.ExpectationOf(use), types, page,
                      [](Hpa, std::uint64_t) {});
  }

  const EptContext& ept_;
  const GuestPagingContext& paging_;
  const Memory& memory_;
  const GuestUse& use_;
  const Gla gla_;
  std::uint64_t entry_;  // the last one; at first what refers to the first
  std::uint64_t all_ = ~std::uint64_t{0};  // the AND of all entries
  std::uint64_t types_ = 0;  // the last one in the uppermost nibble
};

template <bool kFiveLevelEpt, HostMemory Memory>
[[gnu::always_inline]] inline bool WalkGuestOver(
    const EptContext& ept, const GuestPagingContext& paging,
    const Memory& memory, std::uint64_t root, const GuestUse& use, Gla gla,
    Translation& page) {
  HotGuestWalk<kFiveLevelEpt, Memory> walk(ept, paging, memory, root, use, gla);
  if (paging.top_level() == 5 && !walk.Table(5)) [[unlikely]]
    return false;
  if (paging.top_level() >= 4 && !walk.Table(4)) [[unlikely]]
    return false;
  return walk.Page(page);
}

// Walks for `gla`, which is canonical, from the structure to which `root`
// refers. The context is a hot() one. True: the
// translation of the access is `page`, but for structure_memory_type. False:
// `page` is unspecified.
template <HostMemory Memory>
[[gnu::always_inline]] inline bool WalkGuest(const EptContext& ept,
                                             const GuestPagingContext& paging,
                                             const Memory& memory,
                                             std::uint64_t root,
                                             const GuestUse& use, Gla gla,
                                             Translation& page) {
  return ept.five_level()
             ? WalkGuestOver<true>(ept, paging, memory, root, use, gla, page)
             : WalkGuestOver<false>(ept, paging, memory, root, use, gla, page);
}

}  // namespace eptdiff::engine

#endif  // EPTDIFF_ENGINE_GUEST_GUEST_WALK_H_
