#include "fuzzers/generation/shapes_in.h"

#include <cstddef>
#include <cstdint>
#include <optional>
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

bool ChangesTags(const Step& step) {
  constexpr std::uint64_t kFields[] = {0x0000, 0x201a, 0x6802};
  switch (step.kind) {
    case StepKind::kEptpSwitch:
      return true;
    case StepKind::kRegisterWrite:
      return step.reg == GuestRegister::kCr3;
    case StepKind::kVmEntry:
      for (const std::uint64_t field : kFields) {
        if (step.index == field) return true;
      }
      return false;
    default:
      return false;
  }
}

}  // namespace

CacheShapes ShapesIn(const Case& c) {
  std::size_t last = c.steps.size();  // of the accesses
  while (last > 0 && !IsAccess(c.steps[last - 1])) --last;
  const unsigned guest_bytes = ShapeOf(GuestModeOf(c.guest)).entry_bytes;
  CacheShapes shapes;
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
    } else if (accessed && ChangesTags(step)) {
      shapes.set(static_cast<std::size_t>(CacheShape::kTagsChanged));
    } else if (step.kind == StepKind::kStore) {
      const Case before = now;
      StoreWord(now, step.hpa, step.value);
      for (const UsedEntry& entry : used) {
        if ((entry.address.value & ~7ull) != step.hpa.value ||
            entry.kind == UsedKind::kOther) {
          continue;
        }
        const bool guest = entry.kind == UsedKind::kGuest;
        const unsigned bytes = guest ? guest_bytes : 8;
        const auto shape =
            ShapeOfChange(LoadEntry(before, entry.address, bytes),
                          LoadEntry(now, entry.address, bytes),
                          guest ? kGuestMeaning : kEptMeaning);
        if (shape) shapes.set(static_cast<std::size_t>(*shape));
      }
    }
  }
  return shapes;
}

}  // namespace eptdiff
