// Words of memory that are written: not at all, elsewhere, or once more. What
// bits they have otherwise is for answer_fields.h.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_EXPERIMENT_WRITE_FORMS_H_
#define EPTDIFF_FUZZERS_EXPERIMENT_WRITE_FORMS_H_

#include <cstdint>
#include <optional>

#include "fuzzers/experiment/cause.h"
#include "oracle/case.h"
#include "oracle/judgement/judge.h"
#include "oracle/outcome.h"

namespace eptdiff {

constexpr bool IsOfWord(Form form) {
  return form == Form::kMissing || form == Form::kMisplaced ||
         form == Form::kDoubled;
}

// What a word holds before the step.
std::uint64_t Before(const Case& question, Hpa address);

// In which of these forms an answer departs that has this word wrong; nothing
// if in none. Sets the effect's form, place, `was` and `given`.
std::optional<Effect> FormOfWrite(const Observed& observed,
                                  const Disagreement& d);

// Whether it departs in that of `effect`.
bool WritesAs(const Effect& effect, const Observed& observed,
              const Disagreement& d);

// `outcome`, that of an answer that agrees, written so. False if it would be no
// different.
bool WriteInstead(const Effect& effect, const Observed& observed,
                  Outcome& outcome);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_EXPERIMENT_WRITE_FORMS_H_
