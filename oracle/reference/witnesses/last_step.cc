#include "oracle/reference/witnesses/last_step.h"

#include <cstddef>

#include "oracle/judgement/judge.h"
#include "oracle/judgement/permitted.h"
#include "oracle/oracle.h"
#include "oracle/reference/reference.h"

namespace eptdiff {

bool JudgedStep::Accepts(const Outcome& outcome) const {
  return verdict.standing == Standing::kUndefined ||
         Judge(verdict, before, outcome, kAllFields).conforms;
}

void JudgeLastStep(const Case& c, const Dialect& dialect, JudgedStep& judged) {
  const Reference sdm;
  const Reference reference(dialect);
  judged.before.Load(c);
  if (c.steps.empty()) {
    reference.JudgeEntry(judged.before, judged.verdict, judged.trace);
    return;
  }
  for (std::size_t i = 0; i + 1 < c.steps.size(); ++i) {
    sdm.Judge(judged.before, c.steps[i], judged.verdict, judged.trace);
    if (judged.verdict.alternatives.empty()) return;
    judged.before.Apply(
        PlainOutcome(judged.verdict.alternatives[0], judged.before));
  }
  reference.Judge(judged.before, c.steps.back(), judged.verdict, judged.trace);
}

}  // namespace eptdiff
