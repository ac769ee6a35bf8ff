#include "fuzzers/mutation/mutator.h"

#include <optional>

#include "fuzzers/encoding/canonical.h"
#include "fuzzers/entries/askable.h"
#include "fuzzers/entries/guest_mode.h"
#include "fuzzers/entries/random.h"
#include "fuzzers/entries/used_entries.h"
#include "fuzzers/generation/cache_shapes.h"
#include "oracle/acceptable_state.h"

namespace eptdiff {
namespace {

constexpr Mutation kCacheMutation = {"cache-shape", 60, AddCacheShape};

// A mutation, and whether it may change what VM entry looks at.
struct Choice {
  const Mutation* mutation;
  bool changes_machine;
};

// The mutations, each as often as its weight says.
std::vector<Choice> WeightedMutations(Focus focus) {
  std::vector<Choice> weighted;
  const auto add = [&](std::span<const Mutation> list, bool changes_machine) {
    for (const Mutation& mutation : list) {
      weighted.insert(weighted.end(), mutation.weight,
                      {&mutation, changes_machine});
    }
  };
  add(MemoryMutations(), false);
  add(MachineMutations(), true);
  add(StepMutations(), true);
  if (focus != Focus::kEpt) add(GuestMutations(), true);
  if (focus == Focus::kCaches) add({&kCacheMutation, 1}, true);
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
  static const std::vector<Choice> kAboutEpt = WeightedMutations(Focus::kEpt);
  static const std::vector<Choice> kAll = WeightedMutations(Focus::kLinear);
  static const std::vector<Choice> kWithCaches =
      WeightedMutations(Focus::kCaches);
  const auto& weighted = focus == Focus::kLinear   ? kAll
                         : focus == Focus::kCaches ? kWithCaches
                                                   : kAboutEpt;
  Random random(seed);
  unsigned changes = 1;
  while (changes < 5 && random.OneIn(3)) ++changes;
  // Whether VM entry accepted the machine, if it may have changed.
  std::optional<bool> entered;
  // What does not apply to this case is drawn again; a case without steps and
  // words still has a machine.
  for (unsigned attempts = 0; changes > 0 && attempts < 64; ++attempts) {
    const Choice& choice = weighted[random.Below(weighted.size())];
    if (choice.changes_machine && !entered) entered = EntersAsItIs(c);
    if (choice.mutation->apply(random, c)) --changes;
  }
  // Toggled bits would soon leave no guest that VM entry accepts.
  if (entered == true && !random.OneIn(8)) MakeEntryAcceptable(c);
  if (focus != Focus::kCaches || random.OneIn(8)) DropSteps(random, c);
  LeadBack(random, focus, c);
  MakeAskable(c);
}

}  // namespace eptdiff
