// What changes answers and is not modelled by anybody here; the list is
// unmodelled.def. Thread-safety: pure functions.
#ifndef EPTDIFF_ORACLE_UNMODELLED_H_
#define EPTDIFF_ORACLE_UNMODELLED_H_

#include "oracle/case.h"
#include "oracle/machine_state.h"
#include "oracle/oracle.h"

namespace eptdiff {

// Why nobody answers this step in this state; kNone if it can be asked.
Skip UnmodelledBy(const MachineState& state, const Step& step);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_UNMODELLED_H_
