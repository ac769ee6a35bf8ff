// The fields of an answer by number, as comparisons name them (Field).
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_EXPERIMENT_ANSWER_FIELDS_H_
#define EPTDIFF_FUZZERS_EXPERIMENT_ANSWER_FIELDS_H_

#include <cstdint>
#include <optional>

#include "fuzzers/experiment/cause.h"
#include "oracle/judgement/judge.h"

namespace eptdiff {

// Whether a field is listed bit by bit.
bool IsBit(Field field);

// What a form makes of a value that would be right; nothing if it cannot be
// told there, or is no value's.
std::optional<std::uint64_t> GivenFor(const Effect& effect,
                                      const Observed& observed,
                                      std::uint64_t right);

// Whether an answer that departs in `d`, in the field of `effect` (kAnswers),
// does so as that has it.
bool GivesAs(const Effect& effect, const Observed& observed,
             const Disagreement& d);

// `observed`, which agrees, with the field of `effect` (kAnswers) as that has
// it. False if it would be no different, as far as one can tell.
bool GiveInstead(const Effect& effect, const Observed& observed,
                 Outcome& outcome);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_EXPERIMENT_ANSWER_FIELDS_H_
