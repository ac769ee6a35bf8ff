// Random questions worth asking: tables of which most accesses reach a leaf,
// with the small faults that separate one rule from the next.
//
// A case about EPT alone has one to five mapped regions of guest-physical
// memory that share upper tables, one to eight steps that go there, and in half
// of the cases an entry or two that were changed afterwards. A case about
// linear accesses is in guest_generation.h. Deterministic: a seed is a case, on
// every machine. Thread-safety: pure function.
//
// This folder makes cases out of nothing; it uses entries/ and encoding/. Begin
// here; ept_generation.h and guest_generation.h are the two kinds,
// machine_generation.h and step_generation.h what they share.
// table_generation.h is about builders, mtrr_generation.h about memory types.
#ifndef EPTDIFF_FUZZERS_GENERATION_GENERATOR_H_
#define EPTDIFF_FUZZERS_GENERATION_GENERATOR_H_

#include <cstdint>

#include "fuzzers/generation/machine_generation.h"
#include "oracle/case.h"

namespace eptdiff {

// Overwrites `c`; the result is canonical. Reuses what `c` has allocated.
void GenerateCase(std::uint64_t seed, Case& c, Focus focus = Focus::kEpt);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_GENERATION_GENERATOR_H_
