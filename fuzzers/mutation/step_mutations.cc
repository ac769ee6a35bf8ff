#include <algorithm>
#include <utility>

#include "fuzzers/encoding/canonical.h"
#include "fuzzers/encoding/case_memory.h"
#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/entry_mutation.h"
#include "fuzzers/entries/ept_layout.h"
#include "fuzzers/entries/guest_entry_mutation.h"
#include "fuzzers/entries/guest_mode.h"
#include "fuzzers/entries/registers.h"
#include "fuzzers/entries/used_entries.h"
#include "fuzzers/generation/machine_generation.h"
#include "fuzzers/generation/register_generation.h"
#include "fuzzers/generation/step_generation.h"
#include "fuzzers/mutation/edit_used.h"
#include "fuzzers/mutation/mutation.h"

namespace eptdiff {
namespace {

using namespace bits;

Step* SomeStep(Random& random, Case& c) {
  if (c.steps.empty()) return nullptr;
  return &c.steps[random.Below(c.steps.size())];
}

template <typename Predicate>
Step* SomeStepThat(Random& random, Case& c, Predicate is) {
  const std::size_t count = c.steps.size();
  const std::size_t first = count == 0 ? 0 : random.Below(count);
  for (std::size_t i = 0; i < count; ++i) {
    Step& step = c.steps[(first + i) % count];
    if (is(step)) return &step;
  }
  return nullptr;
}

bool HasGpa(const Step& step) {
  return step.kind == StepKind::kGuestPhysicalAccess ||
         step.kind == StepKind::kPagingStructureRead ||
         step.kind == StepKind::kPagingStructureUpdate;
}

// Moves a step. The offset in the page of a linear address is that of its
// translation.
bool MoveTo(const Case& c, Step& step, std::uint64_t address) {
  if (HasGpa(step)) {
    if (step.kind != StepKind::kGuestPhysicalAccess) address &= ~7ull;
    step.gpa = Gpa{address & kPhysicalAddressMask};
    if (step.kind == StepKind::kGuestPhysicalAccess && step.page.gla_valid) {
      step.page.gla =
          Gla{(step.page.gla.value & ~Low(12)) | (step.gpa.value & Low(12))};
    }
    return true;
  }
  if (step.kind != StepKind::kLinearAccess) return false;
  step.gla = Gla{Canonical(c.guest, step.access, address)};
  // Nor does an access cross the end of the canonical addresses.
  const std::uint64_t last = step.gla.value + step.access.size - 1;
  if (Has64BitAddresses(c.guest, step.access) &&
      Canonical(c.guest, step.access, last) != last) {
    step.access.size = 1;
  }
  return true;
}

std::uint64_t AddressOf(const Step& step) {
  return HasGpa(step) ? step.gpa.value : step.gla.value;
}

// The address of a step selects an entry of this kind by these bits.
struct IndexBits {
  unsigned shift, count;
};
IndexBits IndexBitsOf(GuestPagingMode mode, const UsedEntry& entry) {
  if (!IsGuestEntry(entry)) return {PageShift(entry.level), 9};
  return {GuestPageShift(mode, entry.level), ShapeOf(mode).index_bits};
}

// Into the range of another entry of a table that the step uses.
bool MoveToNeighbour(Random& random, Case& c) {
  Step* step = SomeStep(random, c);
  if (step == nullptr || c.memory.empty()) return false;
  const bool paged = IsPagedAccess(c, *step);
  const GuestPagingMode mode = GuestModeOf(c.guest);
  const UsedKind kind = paged ? UsedKind::kGuest : UsedKind::kEpt;
  UsedEntries used;
  FindUsedEntries(c, *step, used);
  const std::size_t offset = random.Below(c.memory.size());
  for (std::size_t i = 0; i < c.memory.size(); ++i) {
    const std::uint64_t word =
        c.memory[(offset + i) % c.memory.size()].address.value;
    for (const UsedEntry& entry : used.list) {
      if (entry.kind != kind || (entry.address.value & ~7ull) == word ||
          (entry.address.value ^ word) >> 12 != 0) {
        continue;
      }
      const IndexBits bits = IndexBitsOf(mode, entry);
      std::uint64_t index = (word & Low(12)) >> (bits.count == 10 ? 2 : 3);
      return MoveTo(c, *step,
                    (AddressOf(*step) & ~(Low(bits.count) << bits.shift)) |
                        index << bits.shift);
    }
  }
  return false;
}

// Where no entry need be: one index changes.
bool ChangeIndex(Random& random, Case& c) {
  Step* step = SomeStep(random, c);
  if (step == nullptr) return false;
  const unsigned level = random.Below(4);
  const std::uint64_t change = random.OneIn(2) ? 1 : 1 + random.Below(511);
  const unsigned bits =
      IsPagedAccess(c, *step) ? ShapeOf(GuestModeOf(c.guest)).index_bits : 9;
  return MoveTo(c, *step, AddressOf(*step) ^ change << (12 + bits * level));
}

// To where another step went.
bool FollowStep(Random& random, Case& c) {
  if (c.steps.size() < 2) return false;
  const std::size_t step = random.Below(c.steps.size());
  const std::size_t other = random.Below(c.steps.size());
  if (!IsAccess(c.steps[other])) return false;
  const Step before = c.steps[step];
  MoveToPageOf(other, step, c);
  return c.steps[step] != before;
}

// Onto the last bytes before a page's, a large page's or a sub-page's end, or
// the first bytes after it.
bool MoveToBoundary(Random& random, Case& c) {
  Step* step = SomeStep(random, c);
  if (step == nullptr) return false;
  static constexpr unsigned kShifts[] = {7, 12, 12, 12, 21, 30};
  const std::uint64_t size = Bit(random.Pick(kShifts));
  const std::uint64_t start = AddressOf(*step) & ~(size - 1);
  const unsigned bytes = std::max<unsigned>(step->access.size, 1);
  switch (random.Below(3)) {
    case 0:
      return MoveTo(c, *step, start);
    case 1:
      return MoveTo(c, *step, start + size - bytes);
    default:
      return MoveTo(c, *step, start + size - (bytes + 1) / 2);
  }
}

bool ChangeAddressBit(Random& random, Case& c) {
  Step* step = SomeStep(random, c);
  if (step == nullptr) return false;
  return MoveTo(c, *step, AddressOf(*step) ^ Bit(random.Below(52)));
}

bool ChangeAccess(Random& random, Case& c) {
  Step* step = SomeStep(random, c);
  if (step == nullptr || (step->kind != StepKind::kGuestPhysicalAccess &&
                          step->kind != StepKind::kLinearAccess)) {
    return false;
  }
  if (random.OneIn(2)) {
    step->access.kind = static_cast<AccessKind>(random.Below(7));
    const bool shadow_stack = step->access.kind >= AccessKind::kShadowStackRead;
    if (shadow_stack) c.guest.cr4 |= kCr4Cet;
    step->access.wruss &= step->access.kind == AccessKind::kShadowStackWrite;
  } else if (random.OneIn(2)) {
    step->access = GenerateAccess(random, Exotic{}, c);
  } else {
    const std::uint64_t most = random.OneIn(4) ? kMaxAccessBytes : 64;
    step->access.size = static_cast<std::uint16_t>(1 + random.Below(most));
  }
  return true;
}

bool ChangeGuestPage(Random& random, Case& c) {
  Step* step = SomeStep(random, c);
  if (step == nullptr || step->kind != StepKind::kGuestPhysicalAccess) {
    return false;
  }
  GuestPage& page = step->page;
  switch (random.Below(5)) {
    case 0:
      page.user = !page.user;
      break;
    case 1:
      page.writable = !page.writable;
      break;
    case 2:
      page.execute_disable = !page.execute_disable;
      break;
    case 3:
      page.pat_index = static_cast<std::uint8_t>(random.Below(8));
      break;
    default:
      if (page.gla_valid && random.OneIn(8)) {
        page.gla_valid = false;
        page.gla = Gla{};
        // Trace output or PEBS, which are no part of event delivery.
        c.guest.event_delivery = false;
        if (random.OneIn(2)) {
          c.controls.secondary |= kSecondaryTraceGuest;
          c.controls.entry_controls |= kEntryLoadTrace;
          c.controls.exit_controls |= kExitClearTrace;
        } else {
          c.controls.primary |= kPrimaryTertiary;
          c.controls.tertiary |= kTertiaryPebsGuest;
          step->access.kind = AccessKind::kWrite;
          step->access.pebs = true;
        }
      } else {
        step->access.pebs = false;
        page.gla_valid = true;
        page.gla = GenerateGla(random, c, step->gpa.value);
      }
      break;
  }
  return true;
}

bool ChangeStepKind(Random& random, Case& c) {
  Step* step = SomeStep(random, c);
  if (step == nullptr || !PagingIsOn(c) || !HasGpa(*step)) return false;
  static constexpr StepKind kKinds[] = {StepKind::kGuestPhysicalAccess,
                                        StepKind::kPagingStructureRead,
                                        StepKind::kPagingStructureUpdate};
  step->kind = random.Pick(kKinds);
  step->page.pat_index &= 3;  // a structure is referred to without PAT
  Canonicalise(*step);
  return MoveTo(c, *step, step->gpa.value);
}

bool AddStep(Random& random, Case& c) {
  if (!HasRoomForStep(c) || c.steps.empty()) return false;
  const Step* near = SomeStep(random, c);
  Step step;
  if (IsPagedAccess(c, *near) && !random.OneIn(6)) {
    step = *near;
    step.access = GenerateAccess(random, Exotic{}, c);
    MoveTo(c, step,
           (step.gla.value & ~Low(12)) + GenerateOffset(random, step.access));
  } else {
    const std::uint64_t page[] = {AccessedRange(c, *near).first & ~Low(12)};
    step = GenerateAccessStep(random, Exotic{}, c, page);
  }
  c.steps.insert(c.steps.begin() + random.Below(c.steps.size() + 1), step);
  return true;
}

bool DropStep(Random& random, Case& c) {
  if (c.steps.size() < 2) return false;
  c.steps.erase(c.steps.begin() + random.Below(c.steps.size()));
  return true;
}

// The second time finds flags set, a log entry used up, an area busy.
bool DuplicateStep(Random& random, Case& c) {
  if (!HasRoomForStep(c) || c.steps.empty()) return false;
  const std::size_t at = random.Below(c.steps.size());
  const Step step = c.steps[at];
  c.steps.insert(c.steps.begin() + static_cast<std::ptrdiff_t>(at), step);
  return true;
}

bool SwapSteps(Random& random, Case& c) {
  Step* a = SomeStep(random, c);
  Step* b = SomeStep(random, c);
  if (a == b) return false;
  std::swap(*a, *b);
  return true;
}

// Software changes an entry that a later step uses.
bool AddStore(Random& random, Case& c) {
  if (!HasRoomForStep(c) || c.steps.empty()) return false;
  const std::size_t before = random.Below(c.steps.size());
  UsedEntries used;
  FindUsedEntries(c, c.steps[before], used);
  if (used.list.empty()) return false;
  const UsedEntry& entry = used.list[random.Below(used.list.size())];
  Step store;
  store.kind = StepKind::kStore;
  store.hpa = Hpa{entry.address.value & kWordAddressMask};
  if (IsGuestEntry(entry)) {
    const std::uint64_t value =
        random.OneIn(3) ? entry.value & ~(kGuestAccessed | kGuestDirty)
                        : MutateGuestEntry(random, c, entry.value, entry.level);
    store.value = WithEntry(LoadWord(c, entry.address), entry.address,
                            ShapeOf(GuestModeOf(c.guest)).entry_bytes, value);
  } else {
    store.value = random.OneIn(3)
                      ? entry.value & ~(kAccessed | kDirty)
                      : MutateEntry(random, entry.value,
                                    std::max(entry.level, 1), PhysicalWidth(c));
  }
  c.steps.insert(c.steps.begin() + static_cast<std::ptrdiff_t>(before), store);
  return true;
}

bool ChangeStoredValue(Random& random, Case& c) {
  Step* step = SomeStep(random, c);
  if (step == nullptr || step->kind != StepKind::kStore) return false;
  step->value ^= Bit(random.Below(64));
  return true;
}

// The guest, or software between a VM exit and a VM entry, changes a register
// before a later step.
bool AddChange(Random& random, Case& c) {
  if (!HasRoomForStep(c) || c.steps.empty()) return false;
  const Step step = random.OneIn(3) ? GenerateEntryAgain(random, c)
                                    : GenerateRegisterWrite(random, c);
  c.steps.insert(c.steps.begin() + random.Below(c.steps.size()), step);
  return true;
}

bool ChangeWrittenValue(Random& random, Case& c) {
  Step* step = SomeStepThat(random, c, [](const Step& other) {
    return other.kind == StepKind::kRegisterWrite ||
           other.kind == StepKind::kVmEntry;
  });
  if (step == nullptr) return false;
  step->value = GenerateWrittenValue(random, c, *step);
  return true;
}

// VMFUNC with another EAX, in the place of a VMFUNC if there is one.
bool UseVmfunc(Random& random, Case& c) {
  Step* step = SomeStepThat(random, c, [](const Step& other) {
    return other.kind == StepKind::kEptpSwitch;
  });
  if (step != nullptr) {
    *step = GenerateVmfunc(random);
    return true;
  }
  const bool may_add = HasRoomForStep(c) && !c.steps.empty();
  if (!may_add || !random.OneIn(4)) return false;
  const Step vmfunc = GenerateVmfunc(random);
  c.steps.insert(c.steps.begin() + random.Below(c.steps.size()), vmfunc);
  return true;
}

constexpr Mutation kMutations[] = {
    {"move-to-neighbour", 5, MoveToNeighbour},
    {"change-index", 2, ChangeIndex},
    {"follow-step", 2, FollowStep},
    {"move-to-boundary", 4, MoveToBoundary},
    {"change-address-bit", 1, ChangeAddressBit},
    {"change-access", 7, ChangeAccess},
    {"change-guest-page", 4, ChangeGuestPage},
    {"change-step-kind", 2, ChangeStepKind},
    {"add-step", 1, AddStep},
    {"drop-step", 3, DropStep},
    {"duplicate-step", 1, DuplicateStep},
    {"swap-steps", 1, SwapSteps},
    {"add-store", 2, AddStore},
    {"change-stored-value", 2, ChangeStoredValue},
    {"add-change", 1, AddChange},
    {"change-written-value", 1, ChangeWrittenValue},
    {"use-vmfunc", 1, UseVmfunc},
};

}  // namespace

std::span<const Mutation> StepMutations() { return kMutations; }

void MoveToPageOf(std::size_t other, std::size_t step, Case& c) {
  if (IsPagedAccess(c, c.steps[step]) != IsPagedAccess(c, c.steps[other])) {
    return;
  }
  if (IsPagedAccess(c, c.steps[step])) {
    MoveTo(c, c.steps[step],
           (c.steps[other].gla.value & ~Low(12)) |
               (c.steps[step].gla.value & Low(12)));
    return;
  }
  const std::uint64_t page = AccessedRange(c, c.steps[other]).first & ~Low(12);
  MoveTo(c, c.steps[step], page | (AddressOf(c.steps[step]) & Low(12)));
}

}  // namespace eptdiff
