#include "fuzzers/mutation/mutator.h"

#include "fuzzers/encoding/canonical.h"
#include "fuzzers/entries/guest_mode.h"
#include "fuzzers/entries/random.h"
#include "fuzzers/entries/used_entries.h"
#include "fuzzers/generation/cache_shapes.h"
#include "oracle/acceptable_state.h"

namespace eptdiff {
namespace {

constexpr Mutation kCacheMutation = {"cache-shape", 60, AddCacheShape};

// The mutations, each as often as its weight says.
std::vector<const Mutation*> WeightedMutations(Focus focus) {
  std::vector<const Mutation*> weighted;
  const auto add = [&](std::span<const Mutation> list) {
    for (const Mutation& mutation : list) {
      weighted.insert(weighted.end(), mutation.weight, &mutation);
    }
  };
  add(MemoryMutations());
  add(MachineMutations());
  add(StepMutations());
  if (focus != Focus::kEpt) add(GuestMutations());
  if (focus == Focus::kCaches) add({&kCacheMutation, 1});
  return weighted;
}

// Most of what several steps find, fewer find as well, and sooner.
void DropSteps(Random& random, Case& c) {
  while (c.steps.size() > 2 && random.OneIn(2)) {
    c.steps.erase(c.steps.begin() + random.Below(c.steps.size()));
  }
}

}  // namespace

std::vector<Mutation> AllMutations() {
  std::vector<Mutation> all;
  for (const auto& list : {MemoryMutations(), MachineMutations(),
                           StepMutations(), GuestMutations()}) {
    all.insert(all.end(), list.begin(), list.end());
  }
  return all;
}

void MakeGuestPhysical(Step& step) {
  step.kind = StepKind::kGuestPhysicalAccess;
  step.gpa = Gpa{step.gla.value & kPhysicalAddressMask};
  step.page.gla = step.gla;
  Canonicalise(step);
}

void LeadBack(Random& random, Focus focus, Case& c) {
  if (random.Percent(40)) MakeOrdinary(c);
  if (focus == Focus::kEpt) {
    for (Step& step : c.steps) {
      if (IsPagedAccess(c, step) && random.Percent(75)) MakeGuestPhysical(step);
    }
  }
  UsedEntries used;
  std::size_t good = c.steps.size();  // a step that reaches a leaf
  for (std::size_t i = 0; i < c.steps.size(); ++i) {
    FindUsedEntries(c, c.steps[i], used);
    if (used.reached_leaf) {
      good = i;
      if (IsPagedAccess(c, c.steps[i]) && random.Percent(80)) {
        TidyWalk(random, used, c);
      }
    } else if (IsAccess(c.steps[i]) &&
               random.Percent(IsPagedAccess(c, c.steps[i]) ? 75 : 55)) {
      if (good < c.steps.size() && random.OneIn(2)) {
        MoveToPageOf(good, i, c);
      } else {
        MendStep(random, i, c);
      }
    }
  }
}

void Mutate(std::uint64_t seed, Case& c, Focus focus) {
  static const std::vector<const Mutation*> kAboutEpt =
      WeightedMutations(Focus::kEpt);
  static const std::vector<const Mutation*> kAll =
      WeightedMutations(Focus::kLinear);
  static const std::vector<const Mutation*> kWithCaches =
      WeightedMutations(Focus::kCaches);
  const auto& weighted = focus == Focus::kLinear   ? kAll
                         : focus == Focus::kCaches ? kWithCaches
                                                   : kAboutEpt;
  Random random(seed);
  const bool enters = EntersAsItIs(c);
  unsigned changes = 1;
  while (changes < 5 && random.OneIn(3)) ++changes;
  // What does not apply to this case is drawn again; a case without steps and
  // words still has a machine.
  for (unsigned attempts = 0; changes > 0 && attempts < 64; ++attempts) {
    if (weighted[random.Below(weighted.size())]->apply(random, c)) --changes;
  }
  // Toggled bits would soon leave no guest that VM entry accepts.
  if (enters && !random.OneIn(8)) MakeEntryAcceptable(c);
  if (focus != Focus::kCaches || random.OneIn(8)) DropSteps(random, c);
  LeadBack(random, focus, c);
}

}  // namespace eptdiff
