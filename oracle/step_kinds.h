// What kinds of steps there are. Thread-safety: pure functions.
#ifndef EPTDIFF_ORACLE_STEP_KINDS_H_
#define EPTDIFF_ORACLE_STEP_KINDS_H_

#include "oracle/case.h"

namespace eptdiff {

// Whether such a step translates addresses of the guest's, and accesses memory
// there.
constexpr bool AccessesMemory(StepKind kind) {
  switch (kind) {
    case StepKind::kGuestPhysicalAccess:
    case StepKind::kLinearAccess:
    case StepKind::kPagingStructureRead:
    case StepKind::kPagingStructureUpdate:
    case StepKind::kPdpteLoad:
    case StepKind::kRegisterWrite:
      return true;
    case StepKind::kStore:
    case StepKind::kEptpSwitch:
    case StepKind::kTableOperation:
    case StepKind::kVmEntry:
    case StepKind::kInvalidation:
      break;
  }
  return false;
}

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_STEP_KINDS_H_
