#include "fuzzers/generation/shapes_in.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <vector>

#include "fuzzers/encoding/case_memory.h"
#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/guest_mode.h"
#include "fuzzers/entries/used_entries.h"

namespace eptdiff {
namespace {

using namespace bits;

// What the bits of an entry mean, as far as shapes tell them apart.
struct Meaning {
  std::uint64_t present, rights, denials, type, flags, reserved;
};
constexpr Meaning kEptMeaning = {.present = kPermissions,
                                 .rights = kPermissions | kUserExecute,
                                 .denials = 0,
                                 .type = kTypeMask | kIgnorePat,
                                 .flags = kAccessed | kDirty,
                                 .reserved = 0};
constexpr Meaning kGuestMeaning = {.present = kGuestPresent,
                                   .rights = kGuestWritable | kGuestUser,
                                   .denials = kGuestNoExecute,
                                   .type = kGuestPwt | kGuestPcd,
                                   .flags = kGuestAccessed | kGuestDirty,
                                   .reserved = Bit(51)};

bool IsMisconfigured(std::uint64_t entry, const Meaning& meaning) {
  if (meaning.reserved != 0) return (entry & meaning.reserved) != 0;
  return (entry & (kRead | kWrite)) == kWrite;
}

std::optional<CacheShape> ShapeOfChange(std::uint64_t was, std::uint64_t is,
                                        const Meaning& meaning) {
  if (was == is) return std::nullopt;
  const bool was_present = (was & meaning.present) != 0;
  if (was_present != ((is & meaning.present) != 0)) {
    return was_present ? CacheShape::kRemoved : CacheShape::kMapped;
  }
  if (!was_present) return std::nullopt;  // ignored bits
  if (IsMisconfigured(was, meaning)) {
    return IsMisconfigured(is, meaning) ? CacheShape::kAnything
                                        : CacheShape::kRepaired;
  }
  const std::uint64_t changed = was ^ is;
  if ((changed & kAddress) != 0) return CacheShape::kMoved;
  if ((changed & kLeaf) != 0) return CacheShape::kPageSize;
  if ((changed & (meaning.rights | meaning.denials)) != 0) {
    const std::uint64_t lost =
        changed & ((was & meaning.rights) | (is & meaning.denials));
    return lost != 0 ? CacheShape::kRightRemoved : CacheShape::kRightAdded;
  }
  if ((changed & meaning.type) != 0) return CacheShape::kMemoryType;
  if ((changed & was & meaning.flags) != 0) return CacheShape::kFlagsCleared;
  return CacheShape::kAnything;
}

constexpr std::uint64_t kFieldVpid = 0x0000;
constexpr std::uint64_t kFieldEptp = 0x201a;
constexpr std::uint64_t kFieldCr3 = 0x6802;

// What becomes of the tags of what is kept; `now` has them as they are, and
// then as they become.
std::optional<CacheShape> ShapeOfTags(const Step& step, Case& now) {
  std::uint64_t& cr3 = now.guest.cr3;
  const auto becomes = [](auto& tag, std::uint64_t value, CacheShape shape) {
    const auto was = tag;
    tag = static_cast<std::remove_reference_t<decltype(tag)>>(value);
    return was != tag ? std::optional(shape) : std::nullopt;
  };
  const auto of_cr3 = [&](std::uint64_t value) {
    const bool pcid =
        (now.guest.cr4 & kCr4Pcide) != 0 && (cr3 ^ value) >> 12 == 0;
    return becomes(cr3, value,
                   pcid ? CacheShape::kPcidChanged : CacheShape::kTagsChanged);
  };
  if (step.kind == StepKind::kEptpSwitch) return CacheShape::kTagsChanged;
  if (step.kind == StepKind::kRegisterWrite) {
    if (step.reg != GuestRegister::kCr3) return std::nullopt;
    return of_cr3(step.value & ~Bit(63));
  }
  if (step.kind != StepKind::kVmEntry) return std::nullopt;
  switch (step.index) {
    case kFieldVpid:
      return becomes(now.controls.vpid, step.value, CacheShape::kVpidChanged);
    case kFieldEptp:
      return becomes(now.controls.eptp, step.value, CacheShape::kTagsChanged);
    case kFieldCr3:
      return of_cr3(step.value);
    default:
      return std::nullopt;
  }
}

}  // namespace

CacheShapes ShapesIn(const Case& c) {
  std::size_t last = c.steps.size();  // of the accesses
  while (last > 0 && !IsAccess(c.steps[last - 1])) --last;
  const unsigned guest_bytes = ShapeOf(GuestModeOf(c.guest)).entry_bytes;
  const bool globals = (c.guest.cr4 & kCr4Pge) != 0;
  CacheShapes shapes;
  const auto is = [&](CacheShape shape) {
    shapes.set(static_cast<std::size_t>(shape));
  };
  Case now = c;
  std::vector<UsedEntry> used;
  bool accessed = false;
  for (std::size_t i = 0; i + 1 < last; ++i) {
    const Step& step = c.steps[i];
    if (IsAccess(step)) {
      accessed = true;
      UsedEntries entries;
      FindUsedEntries(now, step, entries);
      used.insert(used.end(), entries.list.begin(), entries.list.end());
      continue;
    }
    if (const auto shape = ShapeOfTags(step, now); shape && accessed) {
      is(*shape);
    }
    if (step.kind != StepKind::kStore) continue;
    const Case before = now;
    StoreWord(now, step.hpa, step.value);
    for (const UsedEntry& entry : used) {
      if ((entry.address.value & ~7ull) != step.hpa.value ||
          entry.kind == UsedKind::kOther) {
        continue;
      }
      const bool guest = entry.kind == UsedKind::kGuest;
      const unsigned bytes = guest ? guest_bytes : 8;
      const std::uint64_t was = LoadEntry(before, entry.address, bytes);
      const auto shape =
          ShapeOfChange(was, LoadEntry(now, entry.address, bytes),
                        guest ? kGuestMeaning : kEptMeaning);
      if (!shape) continue;
      is(*shape);
      if (guest && globals && entry.leaf && (was & kGuestGlobal) != 0) {
        is(CacheShape::kGlobalPage);
      }
      if (entry.level > 1 && !entry.leaf && entry.kind != UsedKind::kSpp) {
        is(CacheShape::kUpperLevel);
      }
    }
  }
  return shapes;
}

}  // namespace eptdiff
