// Small changes of a case that make another interesting one.
//
// Mutation works on the meaning: it walks the tables to find the words that a
// step uses and changes those, moves addresses onto boundaries, toggles one
// control. The kinds of change are in mutation.h. Everything is determined by
// the seed: libFuzzer replays it. Thread-safety: pure functions.
//
// This folder changes cases; it uses entries/, encoding/, and generation/ where
// a part is made anew. Begin with mutation.h; custom_mutator.h is what
// libFuzzer calls.
#ifndef EPTDIFF_FUZZERS_MUTATION_MUTATOR_H_
#define EPTDIFF_FUZZERS_MUTATION_MUTATOR_H_

#include <cstdint>
#include <vector>

#include "fuzzers/generation/machine_generation.h"
#include "fuzzers/mutation/mutation.h"
#include "oracle/case.h"

namespace eptdiff {

// All kinds of change.
std::vector<Mutation> AllMutations();

// Changes `c`, which is canonical and stays so: one change mostly, now and
// then several. Only a focus on linear accesses draws from GuestMutations().
void Mutate(std::uint64_t seed, Case& c, Focus focus);

// Overwrites `child` with a mixture: `a` with a subtable of `b` where a step of
// `a` passes, with the steps of `b`, or with the machine of `b`. All three are
// different objects; `a` and `b` are canonical, and so is the child.
void CrossOver(const Case& a, const Case& b, std::uint64_t seed, Case& child,
               Focus focus);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_MUTATION_MUTATOR_H_
