// Cases whose every field is random: no question that makes sense, but all
// that a notation has to carry. For tests. Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_GENERATION_RANDOM_CASE_H_
#define EPTDIFF_FUZZERS_GENERATION_RANDOM_CASE_H_

#include "fuzzers/entries/random.h"
#include "oracle/case.h"

namespace eptdiff {

// A canonical case with up to `max_records` records.
Case RandomCase(Random& random, std::uint32_t max_records);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_GENERATION_RANDOM_CASE_H_
