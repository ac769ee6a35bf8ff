// A shape put to those who answer: the reference, as it judges whoever may keep
// translations, and the implementations.
// Thread-safety: pure functions, but of Bochs there is one in a process.
#ifndef EPTDIFF_FUZZERS_COMMAND_CONFORMANCE_CACHES_ANSWERS_H_
#define EPTDIFF_FUZZERS_COMMAND_CONFORMANCE_CACHES_ANSWERS_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "fuzzers/command/conformance/caches/shape.h"
#include "oracle/machine_state.h"
#include "oracle/outcome.h"
#include "oracle/reference/dialect.h"
#include "oracle/verdict.h"

namespace eptdiff {

// A variant, followed to its question.
struct FollowedVariant {
  // Before each step; the last is what the question meets.
  std::vector<MachineState> before;
  // Of the steps before the question.
  std::vector<Outcome> answers;
  // On the question.
  Verdict verdict;
  // Why the question cannot be come to; empty if it can.
  std::string mistake;
};

// Judged in `dialect` at the last step, and by the SDM before that. `keeps`:
// for whoever may keep translations.
FollowedVariant Follow(const ShapeVariant& variant, const Dialect& dialect,
                       bool keeps = true);

// What is wrong with the answers that were written down, a line each: one that
// the verdict does not permit, or permits although it should not, and one of
// the verdict's that was not written down.
std::vector<std::string> Mistakes(const ShapeVariant& variant,
                                  const FollowedVariant& followed);

// What an implementation makes of a variant: the number of its answer among
// those written down, or why there is none.
struct GivenAnswer {
  std::optional<std::size_t> answer;
  std::string otherwise;
};

// Who is asked, in the order of the answers: "memory" is what the SDM says of
// who keeps nothing.
inline constexpr const char* kAsked[] = {"memory", "engine", "cache", "bochs",
                                         "bochs-tlb"};
std::vector<GivenAnswer> AskAll(const ShapeVariant& variant);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_CONFORMANCE_CACHES_ANSWERS_H_
