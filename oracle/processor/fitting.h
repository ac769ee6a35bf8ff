// The controls and registers of a case as a machine lets them be. What would
// cause VM exits that no step is about is off; what a machine does not have is
// off, too; what VM entry should refuse stays.
// Thread-safety: pure functions.
#ifndef EPTDIFF_ORACLE_PROCESSOR_FITTING_H_
#define EPTDIFF_ORACLE_PROCESSOR_FITTING_H_

#include "oracle/case.h"
#include "oracle/processor/machine_limits.h"

namespace eptdiff {

// Whose tables translate the guest's linear addresses.
enum class GuestTables { kOfCase, kOwn };

// With kOwn the guest is in 64-bit mode, with tables that are still to come.
void FitToMachine(const MachineLimits& machine, GuestTables tables, Case& c);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_PROCESSOR_FITTING_H_
