// A cache of translations, and what invalidates them (SDM 29.4; Volume 3A,
// 4.10).
//
// As a logical processor's, it keeps guest-physical translations by EPTRTA
// (EPTP bits 51:12), combined ones by VPID, PCID and EPTRTA, those of global
// pages by VPID and EPTRTA, and for both kinds entries of paging-structure
// caches (CACHE-1 to CACHE-4). CachingEngine fills and uses it, ends what
// violations, page faults, writes to registers and VM transitions have to end,
// and offers the instructions; what is public here is for owners of other
// threads' caches, and for software that has no instructions.
//
// One cache belongs to one thread, as a processor's does. To end what another
// thread's has kept (a shootdown), software does as on processors: it changes
// the tables, then has the other thread run the invalidation on its own cache
// between two of its accesses, and waits until it has before it relies on it.
// engine/cache/shootdown_test.cc does it with one atomic word. Invalidating
// another thread's cache from outside is a data race.
//
// All memory is taken at construction. Invalidations of one address take the
// time of some look-ups, unless the guest uses large pages, whose parts are
// then looked for everywhere; all others take the same short time whatever the
// size, but for one in some thousands, which clears the cache.
//
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ENGINE_CACHE_TRANSLATION_CACHE_H_
#define EPTDIFF_ENGINE_CACHE_TRANSLATION_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/cache/address_spaces.h"
#include "engine/cache/cache_flaw.h"
#include "engine/cache/kept.h"
#include "engine/types.h"

namespace eptdiff {

class TranslationCache {
 public:
  // With room for `pages` 4-KByte pages of each kind, at 48 bytes, and for a
  // quarter as many entries of paging-structure caches; `pages` is rounded up
  // to a power of two. A page has one place, which depends on its tags as well:
  // what comes to lie there later drives it out.
  explicit TranslationCache(std::size_t pages);
  TranslationCache(const TranslationCache&) = delete;
  TranslationCache& operator=(const TranslationCache&) = delete;

  std::size_t pages() const { return mask_ + 1; }

  // Drops everything: the processor has been reset.
  void Clear();

  // INVEPT types 1 (of an EPTP, only bits 51:12 count) and 2: guest-physical
  // and combined (CACHE-6).
  void InvalidateEptrta(std::uint64_t eptp);
  void InvalidateAll();

  // Combined ones alone, whatever the EPTRTA (CACHE-7, CACHE-8). INVVPID type
  // 0, for all PCIDs; type 1, and INVPCID type 2; INVVPID type 2, all VPIDs but
  // 0000H; type 3, and INVPCID type 3, which spare global translations.
  void InvalidateVpidPage(std::uint16_t vpid, Gla gla);
  void InvalidateVpid(std::uint16_t vpid);
  void InvalidateVpids();
  void InvalidateVpidButGlobals(std::uint16_t vpid);

  // INVLPG, with global translations and all of the PCID's paging-structure
  // caches. A large page ends in all its parts, by whichever of its addresses.
  void InvalidatePage(std::uint16_t vpid, std::uint16_t pcid, Gla gla);
  // INVPCID type 0, without them; type 1, and MOV to CR3.
  void InvalidatePcidPage(std::uint16_t vpid, std::uint16_t pcid, Gla gla);
  void InvalidatePcid(std::uint16_t vpid, std::uint16_t pcid);

  // What an EPT violation ends (CACHE-5): the guest-physical mappings that
  // would be used for the GPA, and, where it was the translation of a linear
  // address, the combined ones for that. And what a #PF ends (CACHE-12).
  void EndForViolation(std::uint64_t eptp, Gpa gpa);
  void EndForViolation(std::uint64_t eptp, std::uint16_t vpid,
                       std::uint16_t pcid, Gla gla);
  void EndForPageFault(std::uint16_t vpid, std::uint16_t pcid, Gla gla);
  // What a VM transition, or an EPTP switch, ends with "enable VPID" 0: the
  // combined mappings of VPID 0000H (CACHE-11).
  void EndForTransition();

  // Makes the cache a wrong one.
  void PlantForTesting(engine::CacheFlaw flaw) {
    flaws_ |= 1u << static_cast<unsigned>(flaw);
  }

  // ---- For CachingEngine.

  // What is current: the tags, and numbers of regimes (0: nothing is kept or
  // used).
  struct Selection {
    std::uint32_t ept_regime = 0;
    std::uint32_t guest_regime = 0;
    std::uint16_t vpid = 0;
    std::uint16_t pcid = 0;
    std::uint64_t eptrta = 0;
  };
  void Select(const Selection& selection);
  std::uint32_t RegimeNumber(const engine::Regime& regime);

  // Calls `f` with what is kept of it for what is current, until that says that
  // it will do; whether it has. Each is one compare and one branch, so that no
  // look-up waits for another.
  template <typename F>
  [[gnu::always_inline]] bool Visit(Gpa gpa, F f) const {
    const std::uint64_t address = engine::PageOf(gpa.value);
    const auto& page =
        guest_physical_[IndexOf(address >> 12, physical_, mask_)];
    return page.key == (address | physical_.number) && f(page);
  }
  template <typename F>
  [[gnu::always_inline]] bool Visit(Gla gla, F f) const {
    const std::uint64_t address = engine::PageOf(gla.value);
    const auto& local = combined_[IndexOf(address >> 12, local_, mask_)];
    if (local.key == (address | local_.number) && f(local)) [[likely]] {
      return true;
    }
    const auto& global = combined_[IndexOf(address >> 12, global_, mask_)];
    return global.key == (address | global_.number) && f(global);
  }
  // Of an entry of a level; null if nothing is.
  const engine::UpperEntry* Find(Gpa gpa, int level) const {
    return FindIn(ept_upper_, upper_mask_, engine::PageShift(level),
                  engine::UpperEntry::PrefixOf(gpa.value, level), physical_);
  }
  const engine::UpperEntry* Find(Gla gla, int level) const {
    return FindIn(guest_upper_, upper_mask_, engine::PageShift(level),
                  engine::UpperEntry::PrefixOf(gla.value, level), upper_);
  }

  bool keeps_guest_physical() const { return physical_.number != 0; }
  bool keeps_combined() const { return local_.number != 0; }

  // Keeps what an access has found. `word` is a WordFor().
  void Keep(Gpa gpa, std::uint64_t word, Use use) {
    using engine::GuestPhysicalPage;
    const std::uint64_t address = engine::PageOf(gpa.value);
    GuestPhysicalPage& page =
        guest_physical_[IndexOf(address >> 12, physical_, mask_)];
    const std::uint64_t key = address | physical_.number;
    const bool same =
        page.key == key && GuestPhysicalPage::SameExceptUses(page.word, word);
    page.key = key;
    page.word = (same ? page.word : word) | GuestPhysicalPage::UseBit(use) |
                planted_guest_uses_;
  }
  void Keep(Gpa gpa, int level, std::uint64_t word) {
    KeepIn(ept_upper_, gpa.value, level, physical_, word, 0);
  }
  // `found` lacks the key.
  void Keep(Gla gla, bool global, const engine::CombinedPage& found);
  void Keep(Gla gla, int level, std::uint64_t word, std::uint64_t types) {
    KeepIn(guest_upper_, gla.value, level, upper_, word, types);
  }

 private:
  // A space's number, and what tells it from other spaces where things lie: the
  // same addresses of each lie elsewhere.
  struct Place {
    std::uint64_t number = 0;  // 0: none
    std::uint64_t salt = 0;
  };
  static constexpr Place PlaceOf(std::uint64_t number) {
    constexpr std::uint64_t kGoldenRatio = 0x9e3779b97f4a7c15;
    return {number, number * kGoldenRatio >> 32};
  }
  static std::size_t IndexOf(std::uint64_t address, const Place& place,
                             std::size_t mask) {
    return (address ^ place.salt) & mask;
  }
  template <typename Entry>
  static const Entry* FindIn(const std::vector<Entry>& entries,
                             std::size_t mask, int shift, std::uint64_t address,
                             const Place& place) {
    const Entry& entry = entries[IndexOf(address >> shift, place, mask)];
    return entry.key == (address | place.number) ? &entry : nullptr;
  }
  void KeepIn(std::vector<engine::UpperEntry>& entries, std::uint64_t address,
              int level, const Place& place, std::uint64_t word,
              std::uint64_t types) {
    const std::uint64_t prefix = engine::UpperEntry::PrefixOf(address, level);
    entries[IndexOf(prefix >> engine::PageShift(level), place, upper_mask_)] = {
        prefix | place.number, word, types};
  }

  bool Forgets(engine::CacheFlaw flaw) const {
    return (flaws_ >> static_cast<unsigned>(flaw) & 1) != 0;
  }
  void MakeRoomForNumbers() {
    if (!spaces_.HasNumbersLeft()) Drop();
  }
  void Drop();
  void Refresh();
  void End(const engine::SpaceFilter& filter);
  // What is kept for this address in one space.
  template <typename Entry>
  static void EndIn(std::vector<Entry>& entries, std::size_t mask, int shift,
                    std::uint64_t address, const Place& place);
  // What is kept for this address, in these spaces: of the whole page of the
  // guest, of the entries of paging-structure caches.
  void EndPage(const engine::SpaceFilter& filter, Gla gla);
  void EndUpper(const engine::SpaceFilter& filter, Gla gla);

  std::vector<engine::GuestPhysicalPage> guest_physical_;
  std::vector<engine::CombinedPage> combined_;
  std::vector<engine::UpperEntry> ept_upper_;
  std::vector<engine::UpperEntry> guest_upper_;
  std::size_t mask_;
  std::size_t upper_mask_;

  engine::AddressSpaces spaces_;
  Selection selection_;
  Place physical_;
  Place local_;
  Place global_;
  Place upper_;
  // Parts of a large page of the guest may be kept.
  bool has_large_pages_ = false;

  std::uint32_t flaws_ = 0;
  std::uint64_t planted_guest_uses_ = 0;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ENGINE_CACHE_TRANSLATION_CACHE_H_
