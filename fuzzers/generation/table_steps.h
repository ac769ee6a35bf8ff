// The steps of which cases about a builder of tables are made: operations where
// others are, accesses to what they map. Numbers are drawn in an order that is
// kept: a seed is a case.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_GENERATION_TABLE_STEPS_H_
#define EPTDIFF_FUZZERS_GENERATION_TABLE_STEPS_H_

#include <cstddef>
#include <cstdint>

#include "fuzzers/entries/random.h"
#include "oracle/case.h"

namespace eptdiff {

// No case gets more steps by generation, mutation or cross-over.
inline constexpr std::size_t kMaxTableSteps = 24;

inline constexpr std::uint64_t k4K = 0x1000, k2M = 0x200000, k1G = 0x40000000;

// Where a part of the address space begins that has `width` bits: often at 0,
// else anywhere, where code that keeps fewer bits of an address than it should
// would lose some.
std::uint64_t SomePart(Random& random, unsigned width);
std::uint64_t SomeFlags(Random& random);
std::uint64_t SomeBytes(Random& random);
// When a processor comes in between: for most at no time, or at the first
// store, which is the one between load and store of what has one entry.
std::uint8_t SomeMoments(Random& random);

// One of the operations so far, preferably one that maps; null if none is
// drawn.
const Step* SomeOther(Random& random, const Case& c);
// A page that an access was to, or that some operation is about.
std::uint64_t SomeUsedGpa(Random& random, const Case& c);

// `maps`: what is mapped comes first.
Step SomeOperation(Random& random, const Case& c, bool maps = false);
Step SomeAccess(Random& random, const Case& c);

// Unless there are kMaxTableSteps.
void InsertStep(std::size_t at, const Step& step, Case& c);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_GENERATION_TABLE_STEPS_H_
