// From a verdict back to outcomes: concrete answers that conform to it.
//
// A verdict describes a set of outcomes; tests, and whoever looks for a case
// that separates two explanations, need members of it. Thread-safety: pure.
#ifndef EPTDIFF_ORACLE_JUDGEMENT_PERMITTED_H_
#define EPTDIFF_ORACLE_JUDGEMENT_PERMITTED_H_

#include <optional>
#include <vector>

#include "oracle/machine_state.h"
#include "oracle/oracle.h"
#include "oracle/outcome.h"
#include "oracle/verdict.h"

namespace eptdiff {

// The outcome that `alternative` permits with none of its optional writes and
// with everything undefined 0.
Outcome PlainOutcome(const Alternative& alternative,
                     const MachineState& before);

// Corners of the set of outcomes that `verdict`, which is judged, permits in
// `before`: of each alternative, in this order, the plain outcome; the one with
// all optional writes and each of them alone, if there are any; what is
// undefined all ones; and the farthest addresses that may be reported.
std::vector<Outcome> PermittedOutcomes(const Verdict& verdict,
                                       const MachineState& before);

// An outcome that conforms, in these fields, to exactly one of the two
// verdicts; none if no corner of either does.
std::optional<Outcome> TellApart(const Verdict& a, const Verdict& b,
                                 const MachineState& before,
                                 FieldSet fields = kAllFields);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_JUDGEMENT_PERMITTED_H_
