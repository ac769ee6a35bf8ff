// Small worlds of translation caches: a few entries of EPT, each with two
// values, and every sequence of so many steps. What the reference permits of
// each access is what the set of walks (walk_set.h) permits.
// Thread-safety: pure functions.
#ifndef EPTDIFF_ORACLE_EXHAUSTIVE_SMALL_WORLDS_H_
#define EPTDIFF_ORACLE_EXHAUSTIVE_SMALL_WORLDS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "oracle/reference/dialect.h"

namespace eptdiff {

// How many worlds there are; each is one choice of the entries' values, of what
// memory begins with, and of accessed and dirty flags.
int SmallWorldCount();

struct SmallWorldTally {
  std::uint64_t sequences = 0;  // of steps, that end in an access
  std::uint64_t answers = 0;    // that are permitted, over all of them
  std::uint64_t kept = 0;       // of these, such as memory alone does not give
  std::uint64_t differing = 0;
};

// Every sequence of up to `steps` steps in world number `world`, judged in
// `dialect`. Tells the first sequences that differ, in words.
SmallWorldTally CompareSmallWorld(
    int world, int steps, const Dialect& dialect,
    const std::function<void(const std::string&)>& tell);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_EXHAUSTIVE_SMALL_WORLDS_H_
