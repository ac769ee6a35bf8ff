#include "engine/cache/translation_cache.h"

#include <algorithm>
#include <bit>

#include "engine/bits.h"

namespace eptdiff {

using engine::CacheFlaw;
using engine::CombinedPage;
using engine::kCombinedKinds;
using engine::PageOf;
using engine::SetOf;
using engine::Space;
using engine::SpaceFilter;
using engine::SpaceKind;
using engine::UpperEntry;

namespace {

constexpr unsigned kGuestPhysical = SetOf(SpaceKind::kGuestPhysical);
constexpr unsigned kLocal = SetOf(SpaceKind::kLocal);
constexpr unsigned kGlobal = SetOf(SpaceKind::kGlobal);
constexpr unsigned kUpper = SetOf(SpaceKind::kUpper);

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
  EndIf(filter, PageOf(gpa.value), PageAt(gpa));
  EndUpper(filter, gpa);
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

void TranslationCache::Keep(Gla gla, bool global, CombinedPage page) {
  page.key = PageOf(gla.value) | (global ? global_number_ : local_number_);
  if (Forgets(CacheFlaw::kAnyUse)) page.uses = ~std::uint32_t{0};
  constexpr int kSmallPage = 12;
  if (page.guest_shift != kSmallPage) has_large_pages_ = true;
  CombinedPage& place = PageAt(gla);
  if (place.SameTranslation(page)) page.uses |= place.uses;
  place = page;
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
  const auto number_of = [this](SpaceKind kind, std::uint32_t regime,
                                std::uint16_t vpid, std::uint16_t pcid) {
    return regime == 0 ? std::uint16_t{0}
                       : spaces_.NumberOf(
                             {kind, vpid, pcid, regime, selection_.eptrta});
  };
  const Selection& s = selection_;
  guest_physical_number_ =
      number_of(SpaceKind::kGuestPhysical, s.ept_regime, 0, 0);
  local_number_ = number_of(SpaceKind::kLocal, s.guest_regime, s.vpid, s.pcid);
  global_number_ = number_of(SpaceKind::kGlobal, s.guest_regime, s.vpid, 0);
  upper_number_ = number_of(SpaceKind::kUpper, s.guest_regime, s.vpid, s.pcid);
}

void TranslationCache::End(const SpaceFilter& filter) {
  MakeRoomForNumbers();
  spaces_.Renumber(filter);
  Refresh();
}

template <typename Entry>
void TranslationCache::EndIf(const SpaceFilter& filter, std::uint64_t address,
                             Entry& entry) {
  if (PageOf(entry.key) != address) return;
  if (spaces_.Holds(filter, entry.key - address)) entry = {};
}

template <typename Address>
void TranslationCache::EndUpper(const SpaceFilter& filter, Address address) {
  for (int level = UpperEntry::kLowest; level <= UpperEntry::kHighest;
       ++level) {
    EndIf(filter, UpperEntry::PrefixOf(address.value, level),
          UpperAt(address, level));
  }
}

void TranslationCache::EndPage(const SpaceFilter& filter, Gla gla) {
  EndIf(filter, PageOf(gla.value), PageAt(gla));
  if (!has_large_pages_ || Forgets(CacheFlaw::kLargePageInPart)) return;
  for (CombinedPage& page : combined_) {
    const bool covers = page.uses != 0 && page.key >> page.guest_shift ==
                                              gla.value >> page.guest_shift;
    if (covers) EndIf(filter, PageOf(page.key), page);
  }
}

}  // namespace eptdiff
