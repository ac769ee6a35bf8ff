// A case near another one, as diagnosis asks for it (Vary in
// oracle/diagnosis/diagnosis.h). Thread-safety: pure function.
#ifndef EPTDIFF_FUZZERS_MUTATION_VARIATION_H_
#define EPTDIFF_FUZZERS_MUTATION_VARIATION_H_

#include <cstdint>

#include "oracle/case.h"

namespace eptdiff {

// Overwrites `varied` with a mutation of `original`, which is another object.
void VaryCase(std::uint64_t seed, const Case& original, Case& varied);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_MUTATION_VARIATION_H_
