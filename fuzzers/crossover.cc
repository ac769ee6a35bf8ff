#include <algorithm>
#include <vector>

#include "fuzzers/bits.h"
#include "fuzzers/canonical.h"
#include "fuzzers/case_memory.h"
#include "fuzzers/machine_generation.h"
#include "fuzzers/mutator.h"
#include "fuzzers/random.h"
#include "fuzzers/table_builder.h"
#include "fuzzers/used_entries.h"
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
    const std::uint64_t width = Low(to_.processor.maxphyaddr) & kAddress;
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
    if (entry.kind == EntryKind::kEpt && entry.level == level) return &entry;
  }
  return nullptr;
}

// Puts what lies below an entry of `b` in the place of one of `child`, and
// lets a copy of b's step go there.
void SpliceSubtable(Random& random, const Case& b, Case& child) {
  UsedEntries used_here;
  UsedEntries used_there;
  const Step* here_step = SomeStep(random, child, used_here);
  const Step* there_step = SomeStep(random, b, used_there);
  if (here_step == nullptr || there_step == nullptr) return;
  const UsedEntry* here = &used_here.list[random.Below(used_here.list.size())];
  const UsedEntry* there = FindEntry(used_there, here->level);
  if (here->kind != EntryKind::kEpt || there == nullptr) return;
  const std::uint64_t above = AccessedRange(child, *here_step).first;
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

// What the steps of one case ask may make no sense to the machine of another.
void Reconcile(Case& c) {
  const bool paging = PagingIsOn(c);
  for (Step& step : c.steps) {
    if (!paging || step.kind != StepKind::kLinearAccess) continue;
    step.kind = StepKind::kGuestPhysicalAccess;
    step.gpa = Gpa{step.gla.value & kPhysicalAddressMask};
    step.page.gla = step.gla;
    Canonicalise(step);
  }
  if (HasSecondary(c, kSecondaryVmFunctions)) return;
  std::erase_if(c.steps, [](const Step& step) {
    return step.kind == StepKind::kEptpSwitch;
  });
}

}  // namespace

void CrossOver(const Case& a, const Case& b, std::uint64_t seed, Case& child) {
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
    case 1: {
      // The tables are those of a, and so is their height.
      constexpr std::uint64_t kTables = kAddress | kWalkLengthMask;
      child.processor = b.processor;
      child.controls = b.controls;
      child.guest = b.guest;
      child.controls.eptp =
          (b.controls.eptp & ~kTables) | (a.controls.eptp & kTables);
      break;
    }
    default:
      SpliceSubtable(random, b, child);
      break;
  }
  Reconcile(child);
  LeadBack(random, child);
}

}  // namespace eptdiff
