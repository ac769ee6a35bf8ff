#include "fuzzers/mutator.h"

#include "fuzzers/random.h"

namespace eptdiff {
namespace {

// The mutations, each as often as its weight says.
std::vector<const Mutation*> WeightedMutations() {
  std::vector<const Mutation*> weighted;
  for (const auto& list :
       {MemoryMutations(), MachineMutations(), StepMutations()}) {
    for (const Mutation& mutation : list) {
      weighted.insert(weighted.end(), mutation.weight, &mutation);
    }
  }
  return weighted;
}

}  // namespace

std::vector<Mutation> AllMutations() {
  std::vector<Mutation> all;
  for (const auto& list :
       {MemoryMutations(), MachineMutations(), StepMutations()}) {
    all.insert(all.end(), list.begin(), list.end());
  }
  return all;
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
}

}  // namespace eptdiff
