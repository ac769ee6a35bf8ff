// The fields of an answer by number, as comparisons name them (Field).
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_EXPERIMENT_ANSWER_FIELDS_H_
#define EPTDIFF_FUZZERS_EXPERIMENT_ANSWER_FIELDS_H_

#include <cstdint>

#include "fuzzers/experiment/cause.h"

namespace eptdiff {

// Whether a field is listed bit by bit.
bool IsBit(Field field);

// `observed`, which agrees, with the field of `effect` (kAnswers) as that has
// it. False if it would be no different, as far as one can tell.
bool GiveInstead(const Effect& effect, const Observed& observed,
                 Outcome& outcome);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_EXPERIMENT_ANSWER_FIELDS_H_
