// What somebody answered in a case, against what is permitted, in the words of
// a finding. Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_REPORT_TOLD_ANSWER_H_
#define EPTDIFF_FUZZERS_COMMAND_REPORT_TOLD_ANSWER_H_

#include <cstddef>
#include <string>

#include "fuzzers/command/report/check_report.h"
#include "oracle/case.h"
#include "oracle/judgement/judge.h"
#include "oracle/outcome.h"
#include "oracle/verdict.h"

namespace eptdiff {

// "1, read of 1 byte at ..."; "VM entry" for step 0.
std::string StepText(const Case& c, std::size_t step);

// Sets what was expected, what was given, and what follows from it.
void TellAnswer(const Verdict& verdict, const Finding& finding,
                const Outcome& answer, FieldSet fields, CheckFinding& told);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_REPORT_TOLD_ANSWER_H_
