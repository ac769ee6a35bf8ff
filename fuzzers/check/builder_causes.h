// The causes of what a builder did wrong, each under its condition: by what
// sets the operations that failed apart (builder/diagnosis/builder_diagnosis.h)
// and, where nothing does, by experiment (experiment/builder_experiments.h).
//
// Whoever asks a builder finds them so: `eptdiff check`, and `eptdiff fuzz` in
// its triage.
// Thread-safety: pure functions, as far as what asks is.
#ifndef EPTDIFF_FUZZERS_CHECK_BUILDER_CAUSES_H_
#define EPTDIFF_FUZZERS_CHECK_BUILDER_CAUSES_H_

#include <chrono>
#include <functional>
#include <span>
#include <vector>

#include "fuzzers/entries/random.h"
#include "fuzzers/experiment/builder_experiments.h"
#include "oracle/builder/diagnosis/builder_diagnosis.h"
#include "oracle/builder/symptom.h"
#include "oracle/case.h"

namespace eptdiff {

struct BuilderEvidence {
  std::span<const FailingCases> failing;
  std::span<const CountedSymptom> right;
  // What experiments ask as well, and variations of it.
  std::span<const Case> cases;
};

// What nothing sets apart is studied, and told under the condition that is
// found; no further study begins at `end`. `smallest` gives a small case that
// shows a cause.
std::vector<BuilderCause> FindBuilderCauses(
    const BuilderEvidence& evidence,
    const std::function<Case(const BuilderCause&)>& smallest,
    const AskBuilder& ask, Random& random,
    std::chrono::steady_clock::time_point end);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_CHECK_BUILDER_CAUSES_H_
