#include "fuzzers/mutation/variation.h"

#include <algorithm>

#include "fuzzers/encoding/canonical.h"
#include "fuzzers/mutation/mutator.h"

namespace eptdiff {

void VaryCase(std::uint64_t seed, const Case& original, Case& varied) {
  varied = original;
  Canonicalise(varied);
  const bool linear = std::any_of(
      varied.steps.begin(), varied.steps.end(),
      [](const Step& step) { return step.kind == StepKind::kLinearAccess; });
  Mutate(seed, varied, linear ? Focus::kLinear : Focus::kEpt);
}

}  // namespace eptdiff
