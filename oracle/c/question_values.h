// From the structures of eptdiff_target.h to the values of a case, and of an
// outcome to an answer: the way back of target/session/question.h.
// Thread-safety: pure functions.
#ifndef EPTDIFF_ORACLE_C_QUESTION_VALUES_H_
#define EPTDIFF_ORACLE_C_QUESTION_VALUES_H_

#include <optional>

#include "oracle/case.h"
#include "oracle/machine_state.h"
#include "oracle/outcome.h"
#include "oracle/target/eptdiff_target.h"

namespace eptdiff {

// The machine's part of a question; memory and history stay as they are. False
// if a number is out of its range; then `state` is unspecified.
bool ReadMachine(const eptdiff_question& question, MachineState& state);

// The step; none if it is no step of a target, or a number is out of its range.
std::optional<Step> StepOf(const eptdiff_question& question);

// All that `answer` has room for, save its size.
void SetAnswer(const Outcome& outcome, eptdiff_answer& answer);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_C_QUESTION_VALUES_H_
