// Between the values of a Case and the structures of eptdiff_target.h.
// Thread-safety: pure functions.
#ifndef EPTDIFF_ORACLE_TARGET_SESSION_QUESTION_H_
#define EPTDIFF_ORACLE_TARGET_SESSION_QUESTION_H_

#include "oracle/case.h"
#include "oracle/machine_state.h"
#include "oracle/oracle.h"
#include "oracle/outcome.h"
#include "oracle/target/eptdiff_target.h"
#include "oracle/target/process/incident.h"

namespace eptdiff {

// The fields that a target fills in (eptdiff_profile.fills).
FieldSet FieldsOf(const eptdiff_profile& profile);

// The machine's part of a question, and the step's, which no kStore is.
void SetMachine(const MachineState& state, eptdiff_question& question);
void SetStep(const Step& step, eptdiff_question& question);

// An answer that says nothing yet, given in `state`.
void ClearAnswer(const MachineState& state, eptdiff_answer& answer);

// What `answer` says, save what was stored: `outcome`'s writes stay as they
// are. kProtocol if it means nothing; then `outcome` is unspecified. `step` is
// null for VM entry. What the profile does not fill in is not looked at.
Incident ReadAnswer(const eptdiff_answer& answer, const Step* step,
                    FieldSet fields, Outcome& outcome);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_TARGET_SESSION_QUESTION_H_
