#include "fuzzers/mutator.h"

#include "fuzzers/guest_mode.h"
#include "fuzzers/random.h"
#include "fuzzers/used_entries.h"

namespace eptdiff {
namespace {

// The mutations, each as often as its weight says.
std::vector<const Mutation*> WeightedMutations() {
  std::vector<const Mutation*> weighted;
  for (const auto& list : {MemoryMutations(), MachineMutations(),
                           StepMutations(), GuestMutations()}) {
    for (const Mutation& mutation : list) {
      weighted.insert(weighted.end(), mutation.weight, &mutation);
    }
  }
  return weighted;
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

void LeadBack(Random& random, Case& c) {
  if (random.Percent(40)) MakeOrdinary(c);
  UsedEntries used;
  std::size_t good = c.steps.size();  // a step that reaches a leaf
  for (std::size_t i = 0; i < c.steps.size(); ++i) {
    FindUsedEntries(c, c.steps[i], used);
    if (used.reached_leaf) {
      good = i;
      if (IsPagedAccess(c, c.steps[i]) && random.Percent(60)) {
        TidyWalk(random, used, c);
      }
    } else if (IsAccess(c.steps[i]) && random.Percent(55)) {
      if (good < c.steps.size() && random.OneIn(2)) {
        MoveToPageOf(good, i, c);
      } else {
        MendStep(random, i, c);
      }
    }
  }
}

void Mutate(std::uint64_t seed, Case& c) {
  static const std::vector<const Mutation*> kWeighted = WeightedMutations();
  Random random(seed);
  unsigned changes = 1;
  while (changes < 5 && random.OneIn(3)) ++changes;
  // What does not apply to this case is drawn again; a case without steps and
  // words still has a machine.
  for (unsigned attempts = 0; changes > 0 && attempts < 64; ++attempts) {
    if (kWeighted[random.Below(kWeighted.size())]->apply(random, c)) --changes;
  }
  LeadBack(random, c);
}

}  // namespace eptdiff
