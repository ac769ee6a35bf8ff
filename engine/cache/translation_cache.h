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
// time of a few look-ups, unless the guest uses large pages, whose parts are
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
  // to a power of two.
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

  // The one place where a page, or the entry of a level, would be.
  engine::GuestPhysicalPage& PageAt(Gpa gpa) {
    return guest_physical_[gpa.value >> 12 & mask_];
  }
  engine::CombinedPage& PageAt(Gla gla) {
    return combined_[gla.value >> 12 & mask_];
  }
  engine::UpperEntry& UpperAt(Gpa gpa, int level) {
    return ept_upper_[gpa.value >> engine::PageShift(level) & upper_mask_];
  }
  engine::UpperEntry& UpperAt(Gla gla, int level) {
    return guest_upper_[gla.value >> engine::PageShift(level) & upper_mask_];
  }

  // Whether it is there for what is current.
  bool IsKept(const engine::GuestPhysicalPage& page, Gpa gpa) const {
    return page.key == (engine::PageOf(gpa.value) | guest_physical_number_);
  }
  bool IsKept(const engine::CombinedPage& page, Gla gla) const {
    const std::uint64_t address = engine::PageOf(gla.value);
    return page.key == (address | local_number_) ||
           page.key == (address | global_number_);
  }
  bool IsKept(const engine::UpperEntry& entry, Gpa gpa, int level) const {
    return entry.key == (engine::UpperEntry::PrefixOf(gpa.value, level) |
                         guest_physical_number_);
  }
  bool IsKept(const engine::UpperEntry& entry, Gla gla, int level) const {
    return entry.key ==
           (engine::UpperEntry::PrefixOf(gla.value, level) | upper_number_);
  }

  bool keeps_guest_physical() const { return guest_physical_number_ != 0; }
  bool keeps_combined() const { return local_number_ != 0; }

  // Keeps what an access has found. `word` is a WordFor().
  void Keep(Gpa gpa, std::uint64_t word, Use use) {
    using engine::GuestPhysicalPage;
    const std::uint64_t key =
        engine::PageOf(gpa.value) | guest_physical_number_;
    GuestPhysicalPage& page = PageAt(gpa);
    const bool same =
        page.key == key && GuestPhysicalPage::SameExceptUses(page.word, word);
    page.key = key;
    page.word = (same ? page.word : word) | GuestPhysicalPage::UseBit(use) |
                planted_guest_uses_;
  }
  void Keep(Gpa gpa, int level, std::uint64_t word) {
    UpperAt(gpa, level) = {
        engine::UpperEntry::PrefixOf(gpa.value, level) | guest_physical_number_,
        word, 0};
  }
  // `page` lacks the key.
  void Keep(Gla gla, bool global, engine::CombinedPage page);
  void Keep(Gla gla, int level, std::uint64_t word, std::uint64_t types) {
    UpperAt(gla, level) = {
        engine::UpperEntry::PrefixOf(gla.value, level) | upper_number_, word,
        types};
  }

 private:
  bool Forgets(engine::CacheFlaw flaw) const {
    return (flaws_ >> static_cast<unsigned>(flaw) & 1) != 0;
  }
  void MakeRoomForNumbers() {
    if (!spaces_.HasNumbersLeft()) Drop();
  }
  void Drop();
  void Refresh();
  void End(const engine::SpaceFilter& filter);
  // The translations of the guest's page with this address, in these spaces.
  void EndPage(const engine::SpaceFilter& filter, Gla gla);
  // Ends `entry` if it is for this address (of a page, or a prefix), and in
  // these spaces.
  template <typename Entry>
  void EndIf(const engine::SpaceFilter& filter, std::uint64_t address,
             Entry& entry);
  // The entries of paging-structure caches for one address, likewise.
  template <typename Address>
  void EndUpper(const engine::SpaceFilter& filter, Address address);

  std::vector<engine::GuestPhysicalPage> guest_physical_;
  std::vector<engine::CombinedPage> combined_;
  std::vector<engine::UpperEntry> ept_upper_;
  std::vector<engine::UpperEntry> guest_upper_;
  std::size_t mask_;
  std::size_t upper_mask_;

  engine::AddressSpaces spaces_;
  Selection selection_;
  std::uint64_t guest_physical_number_ = 0;
  std::uint64_t local_number_ = 0;
  std::uint64_t global_number_ = 0;
  std::uint64_t upper_number_ = 0;
  // Parts of a large page of the guest may be kept.
  bool has_large_pages_ = false;

  std::uint32_t flaws_ = 0;
  std::uint64_t planted_guest_uses_ = 0;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ENGINE_CACHE_TRANSLATION_CACHE_H_
