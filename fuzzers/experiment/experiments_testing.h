// What tests of experiments have in common: a target is asked until all causes
// of what it does are found. Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_EXPERIMENT_EXPERIMENTS_TESTING_H_
#define EPTDIFF_FUZZERS_EXPERIMENT_EXPERIMENTS_TESTING_H_

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "fuzzers/experiment/cause.h"
#include "fuzzers/generation/generator.h"
#include "oracle/case.h"
#include "oracle/declared.h"
#include "oracle/machine_state.h"
#include "oracle/outcome.h"

namespace eptdiff {

// An answer to a question of one step, in `state`, where it is loaded; nothing
// if the SDM has no say.
std::optional<Observed> Judged(const Case& question, MachineState& state,
                               const Outcome& outcome);

// What a target answers to a question of one step; nothing if it is none that
// it can be asked.
using AnswerTo = std::function<std::optional<Observed>(const Case& question)>;

// Studies what departs among the witnesses and some cases of `focus`, until
// nothing is left. With `pauses` each study pauses wherever it can, and it is
// counted how often.
std::vector<Cause> CausesOf(const AnswerTo& answer, Focus focus,
                            const Declared& declared = Declared(),
                            std::size_t* pauses = nullptr);

// For whoever reads a failure.
std::string Told(const std::vector<Cause>& causes);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_EXPERIMENT_EXPERIMENTS_TESTING_H_
