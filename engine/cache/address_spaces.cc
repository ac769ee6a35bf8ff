#include "engine/cache/address_spaces.h"

#include <algorithm>

#include "engine/bits.h"
#include "engine/guest/guest_paging.h"
#include "engine/walk/entry_checks.h"

namespace eptdiff::engine {
namespace {

bool Fits(std::uint64_t wanted, std::uint64_t given) {
  return wanted == SpaceFilter::kAny || wanted == given ||
         (wanted == SpaceFilter::kNotZero && given != 0);
}

// That which was asked for longest ago.
template <typename List>
auto& OldestOf(List& list) {
  return *std::min_element(
      list.begin(), list.end(),
      [](const auto& a, const auto& b) { return a.used < b.used; });
}

}  // namespace

Regime EptRegimeOf(const Processor& processor, const Controls& controls) {
  Regime regime = {.processor = processor, .controls = {}, .guest = {}};
  Controls& kept = regime.controls;
  kept.primary =
      controls.primary & (bits::kPrimarySecondary | bits::kPrimaryTertiary);
  kept.secondary = EffectiveSecondary(controls) &
                   ~(bits::kSecondaryVpid | bits::kSecondaryVmFunctions |
                     bits::kSecondaryPml | bits::kSecondaryViolationVe);
  kept.tertiary = EffectiveTertiary(controls);
  kept.eptp = controls.eptp & ~bits::kAddress;
  return regime;
}

Regime GuestRegimeOf(const Processor& processor, const Controls& controls,
                     const GuestState& guest) {
  Regime regime = EptRegimeOf(processor, controls);
  regime.controls.hlatp = controls.hlatp;
  regime.controls.hlat_prefix_size = controls.hlat_prefix_size;
  regime.guest = guest;
  GuestState& kept = regime.guest;
  kept.cr0 &= bits::kCr0Protection | bits::kCr0WriteProtect |
              bits::kCr0CacheDisable | bits::kCr0Paging;
  kept.cr3 &= bits::kCr3Lam;
  kept.rflags &= bits::kRflagsAc;
  kept.cpl = 0;
  kept.nmi_unblocking = false;
  // What these registers hold is no entry in memory, and nothing says that a
  // change of them has to be waited for.
  if (PagingModeOf(guest) != PagingMode::kPae) kept.pdpte = {};
  return regime;
}

bool SpaceFilter::Holds(const Space& space) const {
  if ((kinds & SetOf(space.kind)) == 0 || !Fits(eptrta, space.eptrta)) {
    return false;
  }
  if (space.kind == SpaceKind::kGuestPhysical) return true;
  return Fits(vpid, space.vpid) &&
         (space.kind == SpaceKind::kGlobal || Fits(pcid, space.pcid));
}

std::uint32_t AddressSpaces::RegimeNumber(const Regime& regime) {
  ++now_;
  for (Known& known : regimes_) {
    if (known.number == 0 || known.regime != regime) continue;
    known.used = now_;
    return known.number;
  }
  OldestOf(regimes_) = {regime, next_regime_, now_};
  return next_regime_++;
}

void AddressSpaces::Clear() {
  spaces_.fill({});
  next_number_ = 1;
}

std::uint16_t AddressSpaces::NumberOf(const Space& space) {
  ++now_;
  for (Numbered& known : spaces_) {
    if (known.number == 0 || known.space != space) continue;
    known.used = now_;
    return known.number;
  }
  Numbered& place = OldestOf(spaces_);
  place = {space, TakeNumber(), now_};
  return place.number;
}

void AddressSpaces::Renumber(const SpaceFilter& filter) {
  for (Numbered& known : spaces_) {
    if (known.number != 0 && filter.Holds(known.space)) {
      known.number = TakeNumber();
    }
  }
}

bool AddressSpaces::Holds(const SpaceFilter& filter,
                          std::uint64_t number) const {
  for (const Numbered& known : spaces_) {
    if (number != 0 && known.number == number) return filter.Holds(known.space);
  }
  return false;
}

}  // namespace eptdiff::engine
