// Mistakes that a translation cache can be told to make, to see that tests and
// judges notice them. Thread-safety: plain values.
#ifndef EPTDIFF_ENGINE_CACHE_CACHE_FLAW_H_
#define EPTDIFF_ENGINE_CACHE_CACHE_FLAW_H_

#include <cstdint>

namespace eptdiff::engine {

enum class CacheFlaw : std::uint8_t {
  // This ends nothing.
  kInveptSingle,
  kInveptAll,
  kInvvpidPage,
  kInvvpidSingle,
  kInvvpidAll,
  kInvvpidRetaining,
  kInvlpg,
  kInvpcidPage,
  kPcid,  // INVPCID type 1, MOV to CR3
  kViolationGuestPhysical,
  kViolationCombined,
  kPageFault,
  kTransition,
  // INVLPG and the like end only one part of a large page.
  kLargePageInPart,
  // INVLPG leaves paging-structure caches alone.
  kUpperStays,
  // This tag is not looked at, or the registers and controls are not.
  kVpidTag,
  kPcidTag,
  kEptrtaTag,
  kRegime,
  // What one kind of access may do, all may.
  kAnyUse,
};
inline constexpr int kCacheFlawCount = 20;

}  // namespace eptdiff::engine

#endif  // EPTDIFF_ENGINE_CACHE_CACHE_FLAW_H_
