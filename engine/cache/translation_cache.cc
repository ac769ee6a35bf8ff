#include "engine/cache/translation_cache.h"

#include <algorithm>
#include <bit>

#include "engine/bits.h"

namespace eptdiff {

using engine::CacheFlaw;
using engine::CombinedPage;
using engine::kCombinedKinds;
using engine::PageOf;
using engine::PageShift;
using engine::SetOf;
using engine::SpaceFilter;
using engine::SpaceKind;
using engine::UpperEntry;

namespace {

constexpr unsigned kGuestPhysical = SetOf(SpaceKind::kGuestPhysical);
constexpr unsigned kLocal = SetOf(SpaceKind::kLocal);
constexpr unsigned kGlobal = SetOf(SpaceKind::kGlobal);
constexpr unsigned kUpper = SetOf(SpaceKind::kUpper);

constexpr int kPageShift = 12;
constexpr int kUpperLevels[] = {UpperEntry::kLowest, UpperEntry::kHighest};

}  // namespace

TranslationCache::TranslationCache(std::size_t pages) {
  const std::size_t room = std::bit_ceil(std::max<std::size_t>(pages, 1));
  const std::size_t upper_room = std::max<std::size_t>(room / 4, 1);
  guest_physical_.resize(room);
  combined_.resize(room);
  ept_upper_.resize(upper_room);
  guest_upper_.resize(upper_room);
  mask_ = room - 1;
  upper_mask_ = upper_room - 1;
}

void TranslationCache::Clear() {
  Drop();
  Refresh();
}

void TranslationCache::InvalidateEptrta(std::uint64_t eptp) {
  if (Forgets(CacheFlaw::kInveptSingle)) return;
  End({.kinds = kGuestPhysical | kCombinedKinds,
       .eptrta = eptp & bits::kAddress});
}

void TranslationCache::InvalidateAll() {
  if (Forgets(CacheFlaw::kInveptAll)) return;
  End({.kinds = kGuestPhysical | kCombinedKinds});
  has_large_pages_ = false;
}

void TranslationCache::InvalidateVpidPage(std::uint16_t vpid, Gla gla) {
  if (Forgets(CacheFlaw::kInvvpidPage)) return;
  const SpaceFilter filter = {.kinds = kCombinedKinds, .vpid = vpid};
  EndPage(filter, gla);
  EndUpper(filter, gla);
}

void TranslationCache::InvalidateVpid(std::uint16_t vpid) {
  if (Forgets(CacheFlaw::kInvvpidSingle)) return;
  End({.kinds = kCombinedKinds, .vpid = vpid});
}

void TranslationCache::InvalidateVpids() {
  if (Forgets(CacheFlaw::kInvvpidAll)) return;
  End({.kinds = kCombinedKinds, .vpid = SpaceFilter::kNotZero});
}

void TranslationCache::InvalidateVpidButGlobals(std::uint16_t vpid) {
  if (Forgets(CacheFlaw::kInvvpidRetaining)) return;
  End({.kinds = kLocal | kUpper, .vpid = vpid});
}

void TranslationCache::InvalidatePage(std::uint16_t vpid, std::uint16_t pcid,
                                      Gla gla) {
  if (Forgets(CacheFlaw::kInvlpg)) return;
  EndPage({.kinds = kLocal | kGlobal, .vpid = vpid, .pcid = pcid}, gla);
  if (Forgets(CacheFlaw::kUpperStays)) return;
  End({.kinds = kUpper, .vpid = vpid, .pcid = pcid});
}

void TranslationCache::InvalidatePcidPage(std::uint16_t vpid,
                                          std::uint16_t pcid, Gla gla) {
  if (Forgets(CacheFlaw::kInvpcidPage)) return;
  const SpaceFilter filter = {
      .kinds = kLocal | kUpper, .vpid = vpid, .pcid = pcid};
  EndPage(filter, gla);
  EndUpper(filter, gla);
}

void TranslationCache::InvalidatePcid(std::uint16_t vpid, std::uint16_t pcid) {
  if (Forgets(CacheFlaw::kPcid)) return;
  End({.kinds = kLocal | kUpper, .vpid = vpid, .pcid = pcid});
}

void TranslationCache::EndForViolation(std::uint64_t eptp, Gpa gpa) {
  if (Forgets(CacheFlaw::kViolationGuestPhysical)) return;
  const SpaceFilter filter = {.kinds = kGuestPhysical,
                              .eptrta = eptp & bits::kAddress};
  spaces_.ForEach(filter, [&](std::uint64_t number) {
    const Place place = PlaceOf(number);
    EndIn(guest_physical_, mask_, kPageShift, PageOf(gpa.value), place);
    for (int level : kUpperLevels) {
      EndIn(ept_upper_, upper_mask_, PageShift(level),
            UpperEntry::PrefixOf(gpa.value, level), place);
    }
  });
}

void TranslationCache::EndForViolation(std::uint64_t eptp, std::uint16_t vpid,
                                       std::uint16_t pcid, Gla gla) {
  if (Forgets(CacheFlaw::kViolationCombined)) return;
  const SpaceFilter filter = {.kinds = kCombinedKinds,
                              .vpid = vpid,
                              .pcid = pcid,
                              .eptrta = eptp & bits::kAddress};
  EndPage(filter, gla);
  EndUpper(filter, gla);
}

void TranslationCache::EndForPageFault(std::uint16_t vpid, std::uint16_t pcid,
                                       Gla gla) {
  if (Forgets(CacheFlaw::kPageFault)) return;
  const SpaceFilter filter = {
      .kinds = kCombinedKinds, .vpid = vpid, .pcid = pcid};
  EndPage(filter, gla);
  EndUpper(filter, gla);
}

void TranslationCache::EndForTransition() {
  if (Forgets(CacheFlaw::kTransition)) return;
  End({.kinds = kCombinedKinds, .vpid = 0});
}

std::uint32_t TranslationCache::RegimeNumber(const engine::Regime& regime) {
  return Forgets(CacheFlaw::kRegime) ? 1 : spaces_.RegimeNumber(regime);
}

void TranslationCache::Select(const Selection& selection) {
  selection_ = selection;
  if (Forgets(CacheFlaw::kVpidTag)) selection_.vpid = 0;
  if (Forgets(CacheFlaw::kPcidTag)) selection_.pcid = 0;
  if (Forgets(CacheFlaw::kEptrtaTag)) selection_.eptrta = 0;
  planted_guest_uses_ =
      Forgets(CacheFlaw::kAnyUse)
          ? bits::Bits(63, engine::GuestPhysicalPage::kUseShift)
          : 0;
  MakeRoomForNumbers();
  Refresh();
}

void TranslationCache::Keep(Gla gla, bool global, const CombinedPage& found) {
  CombinedPage page = found;
  const Place& place = global ? global_ : local_;
  page.key = PageOf(gla.value) | place.number;
  if (Forgets(CacheFlaw::kAnyUse)) page.uses = ~std::uint32_t{0};
  if (page.guest_shift != kPageShift) has_large_pages_ = true;
  CombinedPage& kept =
      combined_[IndexOf(gla.value >> kPageShift, place, mask_)];
  if (kept.SameTranslation(page)) page.uses |= kept.uses;
  kept = page;
}

// For Clear(), and once in thousands of invalidations, when numbers run out.
void TranslationCache::Drop() {
  std::fill(guest_physical_.begin(), guest_physical_.end(),
            engine::GuestPhysicalPage());
  std::fill(combined_.begin(), combined_.end(), CombinedPage());
  std::fill(ept_upper_.begin(), ept_upper_.end(), UpperEntry());
  std::fill(guest_upper_.begin(), guest_upper_.end(), UpperEntry());
  has_large_pages_ = false;
  spaces_.Clear();
}

// The numbers of the current spaces, which may have changed.
void TranslationCache::Refresh() {
  const auto place_of = [this](SpaceKind kind, std::uint32_t regime,
                               std::uint16_t vpid, std::uint16_t pcid) {
    return regime == 0 ? Place()
                       : PlaceOf(spaces_.NumberOf(
                             {kind, vpid, pcid, regime, selection_.eptrta}));
  };
  const Selection& s = selection_;
  physical_ = place_of(SpaceKind::kGuestPhysical, s.ept_regime, 0, 0);
  local_ = place_of(SpaceKind::kLocal, s.guest_regime, s.vpid, s.pcid);
  global_ = place_of(SpaceKind::kGlobal, s.guest_regime, s.vpid, 0);
  upper_ = place_of(SpaceKind::kUpper, s.guest_regime, s.vpid, s.pcid);
}

void TranslationCache::End(const SpaceFilter& filter) {
  MakeRoomForNumbers();
  spaces_.Renumber(filter);
  Refresh();
}

template <typename Entry>
void TranslationCache::EndIn(std::vector<Entry>& entries, std::size_t mask,
                             int shift, std::uint64_t address,
                             const Place& place) {
  Entry& entry = entries[IndexOf(address >> shift, place, mask)];
  if (entry.key == (address | place.number)) entry = {};
}

void TranslationCache::EndPage(const SpaceFilter& filter, Gla gla) {
  spaces_.ForEach(filter, [&](std::uint64_t number) {
    EndIn(combined_, mask_, kPageShift, PageOf(gla.value), PlaceOf(number));
  });
  if (!has_large_pages_ || Forgets(CacheFlaw::kLargePageInPart)) return;
  for (CombinedPage& page : combined_) {
    const bool covers = page.uses != 0 && page.key >> page.guest_shift ==
                                              gla.value >> page.guest_shift;
    if (covers && spaces_.Holds(filter, page.key - PageOf(page.key))) page = {};
  }
}

void TranslationCache::EndUpper(const SpaceFilter& filter, Gla gla) {
  spaces_.ForEach(filter, [&](std::uint64_t number) {
    for (int level : kUpperLevels) {
      EndIn(guest_upper_, upper_mask_, PageShift(level),
            UpperEntry::PrefixOf(gla.value, level), PlaceOf(number));
    }
  });
}

}  // namespace eptdiff
