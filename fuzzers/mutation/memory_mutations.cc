#include <vector>

#include "fuzzers/encoding/case_memory.h"
#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/entry_mutation.h"
#include "fuzzers/entries/ept_layout.h"
#include "fuzzers/entries/guest_entry_mutation.h"
#include "fuzzers/entries/guest_mode.h"
#include "fuzzers/entries/registers.h"
#include "fuzzers/entries/used_entries.h"
#include "fuzzers/mutation/edit_used.h"
#include "fuzzers/mutation/mutation.h"

namespace eptdiff {
namespace {

using namespace bits;

std::uint64_t Changed(Random& random, const Case& c, const UsedEntry& entry) {
  switch (entry.kind) {
    case UsedKind::kEpt:
      return MutateEntry(random, entry.value, entry.level, PhysicalWidth(c));
    case UsedKind::kGuest:
      return MutateGuestEntry(random, c, entry.value, entry.level);
    case UsedKind::kSpp:
      return MutateSppEntry(random, entry.value, entry.level, PhysicalWidth(c));
    case UsedKind::kOther:
      break;
  }
  // A whole dword at once: the #VE area is busy, or free.
  return random.OneIn(3) ? entry.value & Low(32)
                         : entry.value ^ Bit(random.Below(64));
}

bool ChangeUsedEntry(Random& random, Case& c) {
  UsedEntries used;
  if (!UseSomeStep(random, c, used)) return false;
  const UsedEntry& entry = SomeEntry(random, used);
  return ReplaceEntry(c, entry, Changed(random, c, entry));
}

bool FlipBitOfUsedEntry(Random& random, Case& c) {
  UsedEntries used;
  if (!UseSomeStep(random, c, used)) return false;
  const UsedEntry& entry = SomeEntry(random, used);
  return ReplaceEntry(c, entry, entry.value ^ Bit(random.Below(64)));
}

std::uint64_t Mended(const Case& c, const UsedEntry& entry) {
  return MendEntry(c, entry.value, entry.level, entry.leaf);
}

// Where an entry without an address may lead: to the guest-physical page of
// some entry that the walk came by.
std::uint64_t SomeGuestPage(Random& random, const UsedEntries& used) {
  const UsedEntry* entry = SomeEntryThat(random, used, IsGuestEntry);
  return entry == nullptr ? 0 : entry->gpa & kAddress;
}

bool MendGuest(Random& random, const UsedEntries& used, UsedEntry entry,
               Case& c) {
  const bool table = entry.level > 1 && !entry.leaf;
  // No table of its own: a leaf, or for the upper levels some other table.
  if (table && (entry.value & kAddress) == 0) {
    entry.value = SomeGuestPage(random, used);
    if (entry.level <= 3) entry.value |= kGuestLarge;
  }
  return ReplaceEntry(c, entry, MendGuestEntry(c, entry.value, entry.level));
}

// Makes what failed work: the last entry of a walk becomes one that allows
// everything, and a leaf if there was nothing.
bool MendWalk(Random& random, UsedEntries& used, Case& c) {
  for (std::size_t i = used.list.size(); i-- > 0;) {
    UsedEntry& entry = used.list[i];
    if (entry.kind == UsedKind::kGuest && !used.reached_guest_leaf) {
      return MendGuest(random, used, entry, c);
    }
    if (entry.kind != UsedKind::kEpt) continue;
    if ((entry.value & kAddress) == 0 && !c.memory.empty()) {
      // No table of its own: a leaf, or for the upper levels some other table.
      entry.leaf = entry.level <= 3;
      entry.value |=
          c.memory[random.Below(c.memory.size())].address.value & kAddress;
    }
    return ReplaceEntry(c, entry, Mended(c, entry));
  }
  return false;
}

bool MendLastEntry(Random& random, Case& c) {
  UsedEntries used;
  if (!UseSomeStep(random, c, used)) return false;
  // In two dimensions the last entry is one of many: only if it is to blame.
  if (used.reached_guest_leaf && used.reached_leaf) return false;
  return MendWalk(random, used, c);
}

// Points a table entry to the page of another table, or a leaf elsewhere.
bool Retarget(Random& random, Case& c) {
  UsedEntries used;
  if (!UseSomeStep(random, c, used) || c.memory.empty()) return false;
  const UsedEntry& entry = SomeEntry(random, used);
  const std::uint64_t target =
      IsGuestEntry(entry)
          ? SomeGuestPage(random, used)
          : c.memory[random.Below(c.memory.size())].address.value;
  return ReplaceEntry(c, entry,
                      (entry.value & ~kAddress) | (target & kAddress));
}

// A large leaf becomes a table with one leaf that maps the same, or a table
// entry becomes a leaf.
bool SplitOrJoin(Random& random, Case& c) {
  UsedEntries used;
  if (!UseSomeStep(random, c, used)) return false;
  const UsedEntry& entry = SomeEntry(random, used);
  if (entry.kind != UsedKind::kEpt || entry.level > 3 || entry.level < 2) {
    return false;
  }
  if (!entry.leaf) {
    const std::uint64_t page =
        entry.value & kAddress & ~Low(PageShift(entry.level));
    return ReplaceEntry(
        c, entry,
        (entry.value & ~kAddress) | page | kLeaf | kWriteBack << kTypeShift);
  }
  // The leaf's own page serves as the table: it is nobody else's.
  const std::uint64_t table = entry.value & kAddress;
  const unsigned shift = PageShift(entry.level - 1);
  for (unsigned index = 0; index < 2; ++index) {
    const std::uint64_t below =
        (table + (std::uint64_t{index} << shift)) | (entry.value & ~kAddress);
    if (!ReplaceWord(c, Hpa{table + 8 * index},
                     entry.level == 2 ? below & ~kLeaf : below)) {
      return false;
    }
  }
  return ReplaceEntry(c, entry,
                      entry.value & ~(kLeaf | kTypeMask | kIgnorePat));
}

// Sets or clears the flags of one entry, or of all that a step uses.
bool ChangeFlags(Random& random, Case& c) {
  UsedEntries used;
  if (!UseSomeStep(random, c, used)) return false;
  const bool all = random.OneIn(2);
  const bool set = random.OneIn(2);
  constexpr std::uint64_t kEptFlags = kAccessed | kDirty;
  constexpr std::uint64_t kGuestFlags = kGuestAccessed | kGuestDirty;
  std::uint64_t flags = kEptFlags | kGuestFlags;
  if (!random.OneIn(3)) {
    flags = random.OneIn(2) ? kAccessed | kGuestAccessed : kDirty | kGuestDirty;
  }
  const std::size_t one = random.Below(used.list.size());
  for (std::size_t i = 0; i < used.list.size(); ++i) {
    const UsedEntry& entry = used.list[i];
    const bool guest = IsGuestEntry(entry);
    if ((entry.kind != UsedKind::kEpt && !guest) || (!all && i != one)) {
      continue;
    }
    if (entry.value == 0) continue;  // a flag would not make it present
    const std::uint64_t its = flags & (guest ? kGuestFlags : kEptFlags);
    ReplaceEntry(c, entry, set ? entry.value | its : entry.value & ~its);
  }
  return true;
}

bool FlipBitOfAnyWord(Random& random, Case& c) {
  if (c.memory.empty()) return false;
  c.memory[random.Below(c.memory.size())].value ^= Bit(random.Below(64));
  return true;
}

// What no step looks at any more.
bool DropUnusedWords(Random&, Case& c) {
  std::vector<bool> in_use(c.memory.size(), false);
  UsedEntries used;
  for (const Step& step : c.steps) {
    FindUsedEntries(c, step, used);
    for (const UsedEntry& entry : used.list) {
      if (const MemoryWord* word = FindWord(c, entry.address)) {
        in_use[static_cast<std::size_t>(word - c.memory.data())] = true;
      }
    }
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < c.memory.size(); ++i) {
    if (in_use[i]) c.memory[kept++] = c.memory[i];
  }
  const bool dropped = kept < c.memory.size();
  c.memory.resize(kept);
  return dropped;
}

bool DropWord(Random& random, Case& c) {
  if (c.memory.empty()) return false;
  c.memory.erase(c.memory.begin() + random.Below(c.memory.size()));
  return true;
}

constexpr Mutation kMutations[] = {
    {"change-used-entry", 12, ChangeUsedEntry},
    {"flip-bit-of-used-entry", 6, FlipBitOfUsedEntry},
    {"mend-last-entry", 16, MendLastEntry},
    {"retarget", 2, Retarget},
    {"split-or-join", 4, SplitOrJoin},
    {"change-flags", 5, ChangeFlags},
    {"flip-bit-of-any-word", 2, FlipBitOfAnyWord},
    {"drop-unused-words", 2, DropUnusedWords},
    {"drop-word", 1, DropWord},
};

}  // namespace

std::span<const Mutation> MemoryMutations() { return kMutations; }

namespace {

// Whether an EPT entry that is present ends the walk as it stands.
bool IsMisconfigured(const Case& c, const UsedEntry& entry) {
  const std::uint64_t value = entry.value;
  std::uint64_t reserved = Low(52) & ~Low(PhysicalWidth(c));
  if (!entry.leaf) {
    reserved |= Low(entry.level >= 4 ? 8 : 7) & ~Low(3);
  } else {
    reserved |= Low(PageShift(entry.level)) & ~Low(12);
    const std::uint64_t type = value >> kTypeShift & 7;
    if (type == 2 || type == 3 || type == 7) return true;
  }
  return (value & (kRead | kWrite)) == kWrite || (value & reserved) != 0;
}

}  // namespace

void TidyWalk(Random& random, const UsedEntries& used, Case& c) {
  const bool all_rights = random.OneIn(2);
  for (const UsedEntry& entry : used.list) {
    if (IsGuestEntry(entry)) {
      const std::uint64_t tidy =
          all_rights ? MendGuestEntry(c, entry.value, entry.level)
                     : WithoutReserved(c, entry.value, entry.level);
      if (tidy != entry.value && random.OneIn(2)) ReplaceEntry(c, entry, tidy);
      continue;
    }
    if (entry.kind != UsedKind::kEpt) continue;
    const bool refuses =
        entry.guest_level != 0 && (entry.value & 3) != (kRead | kWrite);
    if (!refuses && !IsMisconfigured(c, entry)) continue;
    if (random.Percent(refuses ? 60 : 75)) {
      ReplaceEntry(c, entry, Mended(c, entry));
    }
  }
}

void MendStep(Random& random, std::size_t step, Case& c) {
  UsedEntries used;
  // An upper entry that is mended leads to one below it, four times at most;
  // in two dimensions more than that is too much to mend.
  for (int level = 0; level < 5; ++level) {
    FindUsedEntries(c, c.steps[step], used);
    if (used.reached_leaf || !MendWalk(random, used, c)) return;
  }
}

}  // namespace eptdiff
