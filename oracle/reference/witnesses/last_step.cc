#include "oracle/reference/witnesses/last_step.h"

#include <cstddef>

#include "oracle/judgement/judge.h"
#include "oracle/judgement/permitted.h"
#include "oracle/oracle.h"
#include "oracle/reference/caches/caching_reference.h"

namespace eptdiff {

bool JudgedStep::Accepts(const Outcome& outcome) const {
  return verdict.standing == Standing::kUndefined ||
         Judge(verdict, before, outcome, kAllFields).conforms;
}

void JudgeLastStep(const Case& c, const Dialect& dialect, JudgedStep& judged,
                   bool keeps) {
  const CachingReference sdm;
  const CachingReference reference(dialect);
  judged.before.records_history = keeps;
  judged.before.Load(c);
  if (c.steps.empty()) {
    reference.Judge(judged.before, nullptr, judged.verdict, judged.trace);
    return;
  }
  for (std::size_t i = 0; i + 1 < c.steps.size(); ++i) {
    const Step& step = c.steps[i];
    judged.before.Begin(step);
    sdm.Judge(judged.before, &step, judged.verdict, judged.trace);
    if (judged.verdict.alternatives.empty()) return;
    judged.before.Apply(
        &step, PlainOutcome(judged.verdict.alternatives[0], judged.before));
  }
  judged.before.Begin(c.steps.back());
  reference.Judge(judged.before, &c.steps.back(), judged.verdict, judged.trace);
}

}  // namespace eptdiff
