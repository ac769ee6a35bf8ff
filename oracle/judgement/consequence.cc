#include "oracle/judgement/consequence.h"

namespace eptdiff {

Consequence ConsequenceOf(EventKind expected, EventKind given,
                          const Disagreements& disagreements) {
  if (disagreements.empty()) return Consequence::kUnknown;
  switch (disagreements[0].field) {
    case Field::kEvent:
    case Field::kFailedCheck:
    case Field::kExitReason:
      if (given == EventKind::kCompleted) return Consequence::kReaches;
      return expected == EventKind::kCompleted ? Consequence::kRefuses
                                               : Consequence::kOtherEvent;
    case Field::kAddress:
      return Consequence::kElsewhere;
    case Field::kMemoryType:
    case Field::kStructureMemoryType:
      return Consequence::kMemoryType;
    case Field::kPdpte:
    case Field::kEptp:
    case Field::kEptpIndex:
    case Field::kPmlIndex:
    case Field::kMemory:
      return Consequence::kEffects;
    default:
      return Consequence::kTellsWrong;
  }
}

}  // namespace eptdiff
