#include "fuzzers/command/report/told_answer.h"

#include "absl/strings/str_cat.h"
#include "fuzzers/command/words/answer_words.h"
#include "oracle/judgement/consequence.h"

namespace eptdiff {

std::string StepText(const Case& c, std::size_t step) {
  return step == 0 ? "VM entry"
                   : absl::StrCat(step, ", ", StepWords(c.steps[step - 1]));
}

void TellAnswer(const Verdict& verdict, const Finding& finding,
                const Outcome& answer, FieldSet fields, CheckFinding& told) {
  const Alternative& held = verdict.alternatives[finding.alternative];
  told.expected = ExpectedEventWords(held);
  told.text_case.expected = told.expected;
  told.given = EventWords(answer.event, fields);
  for (const Disagreement& d : finding.disagreements) {
    absl::StrAppend(&told.given, "; ", DisagreementWords(d));
  }
  told.consequence =
      ConsequenceOf(held.event.kind, answer.event.kind, finding.disagreements);
}

}  // namespace eptdiff
