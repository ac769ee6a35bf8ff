// Under which condition a builder makes a mistake that what was seen by chance
// does not set apart ("but not always"), found by experiment, as the conditions
// of walkers' mistakes are (experiments.h):
//
// 1. A small case that shows it is varied one thing at a time: each bit that an
//    operation asks for, its size, its kind, which of its allocations fails,
//    who comes in meanwhile, each bit of the machine, the other steps.
// 2. Those, and answers to a pool of cases, are what went wrong and what could
//    have gone wrong likewise, each with its circumstances.
// 3. The condition is the fewest features and circumstances of the small case
//    that rule out all that went right (next_atom.h).
//
// Thread-safety: pure functions, as far as what asks is.
#ifndef EPTDIFF_FUZZERS_EXPERIMENT_BUILDER_EXPERIMENTS_H_
#define EPTDIFF_FUZZERS_EXPERIMENT_BUILDER_EXPERIMENTS_H_

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "oracle/builder/circumstances.h"
#include "oracle/builder/diagnosis/builder_diagnosis.h"
#include "oracle/builder/diagnosis/symptom_log.h"
#include "oracle/builder/symptom.h"
#include "oracle/case.h"

namespace eptdiff {

// What a builder did with a case.
struct BuilderAnswer {
  std::vector<Symptom> wrong;  // of the step that failed
  Circumstances at;            // likewise
  std::vector<PassedSymptom> right;
};
// Puts cases to it; an answer for each that it can be asked, in which of what
// went right only this mistake is told.
using AskBuilder = std::function<std::vector<BuilderAnswer>(
    std::span<const Case> cases, Mistake mistake)>;

// Calls f for each case that differs from `c` in one thing. Not all are
// canonical.
void ForEachBuilderVariation(const Case& c,
                             const std::function<void(const Case&)>& f);

// The mistake of `cause`, and when it is made, by `seed`, which shows it, and
// others; none if nothing says when.
std::optional<BuilderCause> StudyBuilder(const BuilderCause& cause,
                                         const Case& seed,
                                         std::span<const Case> pool,
                                         const AskBuilder& ask);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_EXPERIMENT_BUILDER_EXPERIMENTS_H_
