// The kinds of small change that the mutator chooses from.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_MUTATION_MUTATION_H_
#define EPTDIFF_FUZZERS_MUTATION_MUTATION_H_

#include <cstddef>
#include <span>
#include <string_view>

#include "fuzzers/entries/random.h"
#include "fuzzers/entries/used_entries.h"
#include "fuzzers/generation/machine_generation.h"
#include "oracle/case.h"

namespace eptdiff {

// A canonical case stays canonical and within the limits. An `apply` that
// cannot do its kind of change to this case leaves it alone and returns false;
// one that returns true may still, rarely, have left things as they were.
struct Mutation {
  std::string_view name;
  unsigned weight;  // how often, against the others
  bool (*apply)(Random& random, Case& c);
};

// Of entries of the tables that the steps use, and other words that they read.
std::span<const Mutation> MemoryMutations();
// Of processor, controls and guest registers.
std::span<const Mutation> MachineMutations();
// Of the steps.
std::span<const Mutation> StepMutations();
// Of what stands between a linear address and its translation: the guest's
// tables, the EPT entries on the way to them, the registers of the guest.
std::span<const Mutation> GuestMutations();

// Undoes some of what makes cases dull: changes break more than they mend, and
// a corpus would drift into walks that end at once and machines that few
// oracles model.
// With EPT in focus, most linear accesses through guest tables become accesses
// by guest-physical address.
void LeadBack(Random& random, Focus focus, Case& c);

// The access of `step`, a linear one, to the guest-physical address of the same
// number.
void MakeGuestPhysical(Step& step);

// Gives a case features that every oracle models and controls that VM entry
// accepts. 5-level EPT stays.
void MakeOrdinary(Case& c);
// Lets the walk of a step reach a leaf, if there is room for the entries.
void MendStep(Random& random, std::size_t step, Case& c);
// Takes most of what would end a walk in two dimensions early out of the
// entries that it uses: there are so many that a few changes would always end
// it.
void TidyWalk(Random& random, const UsedEntries& used, Case& c);
// Lets a step access the page of another, if both have the same kind of
// address. Both are accesses.
void MoveToPageOf(std::size_t other, std::size_t step, Case& c);

// Mutation adds nothing to a case that has reached these sizes: small cases
// are fast, and their findings are read by people.
inline constexpr std::size_t kMaxMutatedWords = 96;
inline constexpr std::size_t kMaxMutatedSteps = 6;

// Whether a word, a step may be added.
inline bool HasRoomForWord(const Case& c) {
  return c.memory.size() < kMaxMutatedWords &&
         c.memory.size() + c.steps.size() < kMaxRecords;
}
inline bool HasRoomForStep(const Case& c) {
  return c.steps.size() < kMaxMutatedSteps &&
         c.memory.size() + c.steps.size() < kMaxRecords;
}

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_MUTATION_MUTATION_H_
