// Cases about a builder of tables: operations on a few regions that overlap and
// adjoin, mixed with accesses to what they map, before and after it changes.
//
// Addresses come from a small set at every size of page, so that operations
// meet; the set lies anywhere in the guest's and the host's address space, and
// so do the tables. Most operations can be done, and some are refused or run
// out of frames. Deterministic: a seed is a case, on every machine.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_GENERATION_TABLE_GENERATION_H_
#define EPTDIFF_FUZZERS_GENERATION_TABLE_GENERATION_H_

#include <cstdint>

#include "oracle/case.h"

namespace eptdiff {

// Overwrites `c`; the result is canonical.
void GenerateTableCase(std::uint64_t seed, Case& c);

// Changes `c`, which is canonical and stays so.
void MutateTableCase(std::uint64_t seed, Case& c);

// Overwrites `child`: the machine and the first steps of `a`, then last steps
// of `b`. Three different objects; both are canonical, and so is the child.
void CrossOverTableCases(const Case& a, const Case& b, std::uint64_t seed,
                         Case& child);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_GENERATION_TABLE_GENERATION_H_
