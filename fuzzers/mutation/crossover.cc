#include <algorithm>
#include <vector>

#include "fuzzers/encoding/canonical.h"
#include "fuzzers/encoding/case_memory.h"
#include "fuzzers/entries/askable.h"
#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/ept_layout.h"
#include "fuzzers/entries/guest_mode.h"
#include "fuzzers/entries/random.h"
#include "fuzzers/entries/registers.h"
#include "fuzzers/entries/used_entries.h"
#include "fuzzers/generation/machine_generation.h"
#include "fuzzers/mutation/mutator.h"
#include "oracle/acceptable_state.h"
#include "oracle/fixed_vector.h"

namespace eptdiff {
namespace {

using namespace bits;

std::uint64_t PageOf(std::uint64_t address) { return address & kAddress; }

bool HasWordsInPage(const Case& c, std::uint64_t page) {
  return std::any_of(c.memory.begin(), c.memory.end(),
                     [page](const MemoryWord& word) {
                       return PageOf(word.address.value) == page;
                     });
}

// Copies the tables below an entry of `from` into `to`. A table whose page is
// taken there moves to a free one.
class Graft {
 public:
  Graft(const Case& from, Case& to) : from_(from), to_(to) {}

  // Returns `entry`, of `level`, as it has to stand in `to`.
  std::uint64_t Copy(std::uint64_t entry, int level) {
    const bool leaf = level == 1 || (level <= 3 && (entry & kLeaf) != 0);
    if (leaf || (entry & (kPermissions | kUserExecute)) == 0) return entry;
    const std::uint64_t page = PageOf(entry);
    for (const Moved& moved : moved_) {
      if (moved.from == page) return (entry & ~kAddress) | moved.to;
    }
    if (moved_.full()) return entry;
    const std::uint64_t target = FreePage(page);
    moved_.push_back({page, target});
    for (const MemoryWord& word : from_.memory) {
      if (PageOf(word.address.value) != page || !HasRoomForWord(to_)) continue;
      const std::uint64_t value = Copy(word.value, level - 1);
      StoreWord(to_, Hpa{target | (word.address.value & Low(12))}, value);
    }
    return (entry & ~kAddress) | target;
  }

 private:
  struct Moved {
    std::uint64_t from, to;
  };

  std::uint64_t FreePage(std::uint64_t page) const {
    const std::uint64_t width = Low(PhysicalWidth(to_)) & kAddress;
    page &= width;
    while (HasWordsInPage(to_, page)) page = (page + Bit(12)) & width;
    return page;
  }

  const Case& from_;
  Case& to_;
  FixedVector<Moved, 32> moved_;
};

const Step* SomeStep(Random& random, const Case& c, UsedEntries& used) {
  if (c.steps.empty()) return nullptr;
  const Step& step = c.steps[random.Below(c.steps.size())];
  FindUsedEntries(c, step, used);
  return used.list.empty() ? nullptr : &step;
}

// The first entry of `used` with this level; null if there is none.
const UsedEntry* FindEntry(const UsedEntries& used, int level) {
  for (const UsedEntry& entry : used.list) {
    if (entry.kind == UsedKind::kEpt && entry.level == level) return &entry;
  }
  return nullptr;
}

// Puts what lies below an entry of `b` in the place of one of `child`, and
// lets a copy of b's step go there. Not inlined, for sanitizers mark out the
// room of its lists on the stack of whoever has it.
[[gnu::noinline]] void SpliceSubtable(Random& random, const Case& b,
                                      Case& child) {
  UsedEntries used_here;
  UsedEntries used_there;
  const Step* here_step = SomeStep(random, child, used_here);
  const Step* there_step = SomeStep(random, b, used_there);
  if (here_step == nullptr || there_step == nullptr) return;
  const UsedEntry* here = &used_here.list[random.Below(used_here.list.size())];
  const UsedEntry* there = FindEntry(used_there, here->level);
  if (here->kind != UsedKind::kEpt || there == nullptr) return;
  const std::uint64_t above = here->gpa;
  Step step = *there_step;
  const std::uint64_t value = Graft(b, child).Copy(there->value, there->level);
  if (FindWord(child, here->address) == nullptr && !HasRoomForWord(child)) {
    return;
  }
  StoreWord(child, here->address, value);
  if (step.kind != StepKind::kGuestPhysicalAccess || !HasRoomForStep(child)) {
    return;
  }
  const std::uint64_t range = Low(PageShift(here->level));
  step.gpa = Gpa{(above & ~range & Low(52)) | (step.gpa.value & range)};
  child.steps.push_back(step);
}

// Whether the step finds tables of the guest at all. Not inlined: as above.
[[gnu::noinline]] bool FindsGuestTables(const Case& c, const Step& step) {
  UsedEntries used;
  FindUsedEntries(c, step, used);
  for (const UsedEntry& entry : used.list) {
    if (entry.kind == UsedKind::kGuest) {
      return (entry.value & kGuestPresent) != 0;
    }
  }
  return false;
}

// What the steps of one case ask may make no sense to the machine of another.
void Reconcile(Case& c) {
  for (Step& step : c.steps) {
    if (!IsPagedAccess(c, step) || FindsGuestTables(c, step)) continue;
    MakeGuestPhysical(step);
  }
  if (HasSecondary(c, kSecondaryVmFunctions)) return;
  std::erase_if(c.steps, [](const Step& step) {
    return step.kind == StepKind::kEptpSwitch && step.value == 0;
  });
}

// The machine of b over the tables of `child`, EPT's and the guest's: what says
// where those are, and in which mode they are read, stays.
void TakeMachine(const Case& b, Case& child) {
  constexpr std::uint64_t kTables = kAddress | kWalkLengthMask;
  constexpr std::uint64_t kCr4Mode = kCr4Pae | kCr4La57;
  constexpr std::uint64_t kEferMode = kEferLme | kEferLma;
  const GuestState guest = child.guest;
  const Controls controls = child.controls;
  child.processor = b.processor;
  child.controls = b.controls;
  child.guest = b.guest;
  child.controls.eptp =
      (b.controls.eptp & ~kTables) | (controls.eptp & kTables);
  if (std::none_of(child.steps.begin(), child.steps.end(),
                   [&](const Step& step) {
                     return step.kind == StepKind::kLinearAccess &&
                            (guest.cr0 & kCr0Pg) != 0;
                   })) {
    return;
  }
  GuestState& g = child.guest;
  g.cr3 = guest.cr3;
  g.pdpte = guest.pdpte;
  g.cr0 |= kCr0Pg;
  g.cr4 = (g.cr4 & ~kCr4Mode) | (guest.cr4 & kCr4Mode);
  g.efer = (g.efer & ~kEferMode) | (guest.efer & kEferMode);
  child.controls.hlatp = controls.hlatp;
}

}  // namespace

void CrossOver(const Case& a, const Case& b, std::uint64_t seed, Case& child,
               Focus focus) {
  Random random(seed);
  child = a;
  switch (random.Below(4)) {
    case 0:
      child.steps.assign(
          b.steps.begin(),
          b.steps.begin() +
              static_cast<std::ptrdiff_t>(
                  std::min(b.steps.size(), kMaxRecords - child.memory.size())));
      break;
    case 1:
      TakeMachine(b, child);
      if (EntersAsItIs(a)) MakeEntryAcceptable(child);
      break;
    default:
      SpliceSubtable(random, b, child);
      break;
  }
  Reconcile(child);
  LeadBack(random, focus, child);
  MakeAskable(child);
}

}  // namespace eptdiff
