#include "fuzzers/encoding/case_memory.h"
#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/entry_mutation.h"
#include "fuzzers/entries/ept_layout.h"
#include "fuzzers/entries/guest_entry_mutation.h"
#include "fuzzers/entries/guest_mode.h"
#include "fuzzers/entries/registers.h"
#include "fuzzers/generation/step_generation.h"
#include "fuzzers/mutation/edit_used.h"
#include "fuzzers/mutation/mutation.h"

namespace eptdiff {
namespace {

using namespace bits;

bool ChangeGuestEntry(Random& random, Case& c) {
  UsedEntries used;
  if (!UseSomePagedStep(random, c, used)) return false;
  const UsedEntry* entry = SomeEntryThat(random, used, IsGuestEntry);
  if (entry == nullptr) return false;
  return ReplaceEntry(c, *entry,
                      MutateGuestEntry(random, c, entry->value, entry->level));
}

// Everything on the way lets everything through.
bool MendGuestWalk(Random& random, Case& c) {
  UsedEntries used;
  if (!UseSomePagedStep(random, c, used)) return false;
  bool changed = false;
  for (const UsedEntry& entry : used.list) {
    if (!IsGuestEntry(entry)) continue;
    const std::uint64_t mended = MendGuestEntry(c, entry.value, entry.level);
    if ((entry.value & kGuestPresent) == 0 || mended == entry.value) continue;
    changed |= ReplaceEntry(c, entry, mended);
  }
  return changed;
}

// A table entry references another table on the way, itself included, or the
// page that the address leads to.
bool RetargetGuestTable(Random& random, Case& c) {
  UsedEntries used;
  if (!UseSomePagedStep(random, c, used)) return false;
  const UsedEntry* entry = SomeEntryThat(random, used, IsGuestEntry);
  const UsedEntry* other = SomeEntryThat(random, used, IsGuestEntry);
  if (entry == nullptr) return false;
  const bool data = used.reached_guest_leaf && random.OneIn(3);
  const std::uint64_t target = (data ? used.gpa : other->gpa) & kAddress;
  return ReplaceEntry(c, *entry, (entry->value & ~kAddress) | target);
}

// A table entry becomes a leaf over the same addresses, or a leaf references
// its page as a table.
bool TableOrLeaf(Random& random, Case& c) {
  UsedEntries used;
  if (!UseSomePagedStep(random, c, used)) return false;
  const GuestPagingMode mode = GuestModeOf(c.guest);
  const UsedEntry* entry = SomeEntryThat(random, used, [](const UsedEntry& e) {
    return IsGuestEntry(e) && (e.level == 2 || e.level == 3);
  });
  if (entry == nullptr) return false;
  std::uint64_t value = entry->value ^ kGuestLarge;
  if ((value & kGuestLarge) != 0) {
    value &= ~(Low(GuestPageShift(mode, entry->level)) & ~Low(12));
  }
  return ReplaceEntry(c, *entry, value);
}

// A right, or what replaces one, on the EPT mapping of a guest table.
bool ToggleStructureRight(Random& random, Case& c) {
  UsedEntries used;
  if (!UseSomePagedStep(random, c, used)) return false;
  const UsedEntry* entry = SomeEntryThat(random, used, [](const UsedEntry& e) {
    return IsOfStructure(e) && (e.value & kPermissions) != 0;
  });
  if (entry == nullptr) return false;
  static constexpr std::uint64_t kRights[] = {
      kRead,        kWrite,    kWrite, kWrite,      kExecute,
      kUserExecute, kAccessed, kDirty, kPagingWrite};
  return ReplaceEntry(c, *entry, entry->value ^ random.Pick(kRights));
}

// An EPT entry of the final access: one among many.
bool ChangeFinalEntry(Random& random, Case& c) {
  UsedEntries used;
  if (!UseSomePagedStep(random, c, used)) return false;
  const UsedEntry* entry = SomeEntryThat(random, used, [](const UsedEntry& e) {
    return e.kind == UsedKind::kEpt && e.guest_level == 0;
  });
  if (entry == nullptr) return false;
  static constexpr std::uint64_t kRights[] = {
      kRead,        kWrite,  kExecute,    kExecute,
      kUserExecute, kVerify, kSuppressVe, kShadowStack};
  return ReplaceEntry(
      c, *entry,
      random.OneIn(2)
          ? entry->value ^ random.Pick(kRights)
          : MutateEntry(random, entry->value, entry->level, PhysicalWidth(c)));
}

// The words of one page of the host move to another.
void MovePage(std::uint64_t from, std::uint64_t to, Case& c) {
  for (MemoryWord& word : c.memory) {
    const std::uint64_t page = word.address.value & kAddress;
    if (page == from) {
      word.address.value ^= from ^ to;
    } else if (page == to) {
      word.address.value ^= from ^ to;
    }
  }
}

// A guest table moves to another guest-physical page, and to where EPT maps
// that; or EPT maps it elsewhere.
bool MoveGuestTable(Random& random, Case& c) {
  UsedEntries used;
  if (!UseSomePagedStep(random, c, used)) return false;
  for (std::size_t i = used.list.size(); i-- > 1;) {
    const UsedEntry& entry = used.list[i];
    const UsedEntry& leaf = used.list[i - 1];
    if (!IsGuestEntry(entry) || !leaf.leaf || random.OneIn(2)) continue;
    const std::uint64_t from = entry.address.value & kAddress;
    const std::uint64_t span = Low(PageShift(leaf.level)) & ~Low(12);
    if (leaf.level == 1) {
      const std::uint64_t bit = Bit(12 + random.Below(PhysicalWidth(c) - 12u));
      if (!ReplaceEntry(c, leaf, leaf.value ^ bit)) return false;
      MovePage(from, (leaf.value ^ bit) & kAddress, c);
      return true;
    }
    // Within the large page the table moves on either side. What references
    // it is the entry before, or a register for the first.
    const std::uint64_t move = (1 + random.Below(511)) << 12 & span;
    std::uint64_t* reference = nullptr;
    std::uint64_t value = 0;
    for (std::size_t j = i; j-- > 0;) {
      if (!IsGuestEntry(used.list[j])) continue;
      if (used.list[j].level != entry.level + 1) return false;
      value = used.list[j].value ^ move;
      if (!ReplaceEntry(c, used.list[j], value)) return false;
      reference = &value;
      break;
    }
    if (reference == nullptr) {
      if (GuestModeOf(c.guest) == GuestPagingMode::kPae) return false;
      c.guest.cr3 ^= move;
    }
    MovePage(from, from ^ move, c);
    return true;
  }
  return false;
}

bool HasPagedStep(const Case& c) {
  for (const Step& step : c.steps) {
    if (IsPagedAccess(c, step)) return true;
  }
  return false;
}

bool ToggleGuestControl(Random& random, Case& c) {
  if (!HasPagedStep(c)) return false;
  constexpr std::uint64_t kCr4[] = {
      kCr4Pse, kCr4Smep, kCr4Smep,  kCr4Smap, kCr4Smap, kCr4Pke,   kCr4Pke,
      kCr4Pks, kCr4Pks,  kCr4Pcide, kCr4Cet,  kCr4Lass, kCr4LamSup};
  GuestState& g = c.guest;
  switch (random.Below(8)) {
    case 0:
      g.cr0 ^= kCr0Wp;
      break;
    case 1:
      g.efer ^= kEferNxe;
      break;
    case 2:
      g.rflags ^= kRflagsAc;
      break;
    case 3:
      g.cpl ^= 3;
      break;
    case 4:
      if (random.OneIn(2)) {
        c.processor.page_1gb = !c.processor.page_1gb;
      } else {
        c.processor.pse36 = !c.processor.pse36;
      }
      break;
    default:
      g.cr4 ^= random.Pick(kCr4);
      break;
  }
  return true;
}

// Linear-address masking of user pointers, and what it masks.
bool ChangeMetadata(Random& random, Case& c) {
  if (!HasPagedStep(c) || !IsIa32e(GuestModeOf(c.guest))) return false;
  if (random.OneIn(2)) {
    c.guest.cr3 ^= random.OneIn(2) ? kCr3LamU48 : kCr3LamU57;
  }
  for (Step& step : c.steps) {
    if (!IsPagedAccess(c, step)) continue;
    step.gla = Gla{WithMetadata(random, c.guest, step.access, step.gla.value)};
  }
  return true;
}

// The rights of one protection key: that of a leaf in use, mostly.
bool ChangeKeyRights(Random& random, Case& c) {
  UsedEntries used;
  if (!UseSomePagedStep(random, c, used)) return false;
  const UsedEntry* leaf = SomeEntryThat(
      random, used,
      [](const UsedEntry& entry) { return IsGuestEntry(entry) && entry.leaf; });
  unsigned key = random.Below(16);
  if (leaf != nullptr && !random.OneIn(5)) {
    key = leaf->value >> kGuestKeyShift & 15;
  }
  std::uint32_t& keys = random.OneIn(2) ? c.guest.pkru : c.guest.pkrs;
  keys ^= (1u + random.Below(3)) << (2 * key);
  return true;
}

// 5-level paging is 4-level paging with a table above; the lower tables stay.
bool SwapLevels(Random& random, Case& c) {
  UsedEntries used;
  if (!UseSomePagedStep(random, c, used)) return false;
  const GuestPagingMode mode = GuestModeOf(c.guest);
  if (!IsIa32e(mode)) return false;
  const UsedEntry* top = nullptr;
  for (const UsedEntry& entry : used.list) {
    if (!IsGuestEntry(entry)) continue;
    top = &entry;
    break;
  }
  if (top == nullptr) return false;
  if (mode == GuestPagingMode::kFiveLevel) {
    if ((top->value & kGuestPresent) == 0) return false;
    c.guest.cr3 = (c.guest.cr3 & Low(12)) | (top->value & kAddress);
  } else {
    // The new root is another page that EPT maps, or the old one. (All tables
    // lie near each other.)
    const std::uint64_t root =
        random.OneIn(3) ? top->gpa & kAddress
                        : (top->gpa & kAddress) ^ (1 + random.Below(7)) << 12;
    Case probe_case = c;
    probe_case.guest.cr4 |= kCr4La57;
    probe_case.guest.cr3 = (c.guest.cr3 & Low(12)) | root;
    Step step;
    step.kind = StepKind::kLinearAccess;
    for (const Step& s : c.steps) {
      if (IsPagedAccess(c, s)) step = s;
    }
    UsedEntries probe;
    FindUsedEntries(probe_case, step, probe);
    for (const UsedEntry& entry : probe.list) {
      if (!IsGuestEntry(entry)) continue;
      if (!ReplaceEntry(c, entry,
                        (top->gpa & kAddress) | kGuestPresent | kGuestWritable |
                            kGuestUser)) {
        return false;
      }
      break;
    }
    c.guest.cr3 = probe_case.guest.cr3;
  }
  c.guest.cr4 ^= kCr4La57;
  for (Step& step : c.steps) {
    if (step.kind != StepKind::kLinearAccess) continue;
    step.gla = Gla{Canonical(c.guest, step.access, step.gla.value)};
  }
  return true;
}

// The same tables, read in another mode.
bool SwapModes(Random& random, Case& c) {
  if (!HasPagedStep(c)) return false;
  if (random.OneIn(2)) {
    c.guest.cr4 ^= kCr4Pae;
  } else {
    c.guest.efer ^= kEferLma | kEferLme;
  }
  for (Step& step : c.steps) {
    if (step.kind != StepKind::kLinearAccess) continue;
    step.gla = Gla{Canonical(c.guest, step.access, step.gla.value)};
  }
  return true;
}

constexpr Mutation kMutations[] = {
    {"change-guest-entry", 14, ChangeGuestEntry},
    {"mend-guest-walk", 10, MendGuestWalk},
    {"retarget-guest-table", 3, RetargetGuestTable},
    {"guest-table-or-leaf", 3, TableOrLeaf},
    {"toggle-structure-right", 8, ToggleStructureRight},
    {"change-final-entry", 12, ChangeFinalEntry},
    {"move-guest-table", 2, MoveGuestTable},
    {"toggle-guest-control", 9, ToggleGuestControl},
    {"change-key-rights", 4, ChangeKeyRights},
    {"change-metadata", 3, ChangeMetadata},
    {"swap-levels", 2, SwapLevels},
    {"swap-modes", 1, SwapModes},
};

}  // namespace

std::span<const Mutation> GuestMutations() { return kMutations; }

}  // namespace eptdiff
