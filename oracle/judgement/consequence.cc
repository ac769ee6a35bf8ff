#include "oracle/judgement/consequence.h"

namespace eptdiff {
namespace {

constexpr std::uint16_t kException = 0;
constexpr std::uint16_t kEptViolation = 48;
constexpr std::uint16_t kEptMisconfiguration = 49;
constexpr std::uint16_t kSppEvent = 66;

}  // namespace

Protection ProtectionThatFalls(const Event& expected, AccessKind kind) {
  bool ept = false;
  switch (expected.kind) {
    case EventKind::kVmExit:
      ept = expected.exit_reason != kException;
      if (ept && expected.exit_reason != kEptViolation &&
          expected.exit_reason != kEptMisconfiguration &&
          expected.exit_reason != kSppEvent) {
        return Protection::kNone;
      }
      break;
    case EventKind::kVirtualizationException:
      ept = true;
      break;
    case EventKind::kPageFault:
    case EventKind::kGeneralProtection:
      break;
    default:
      return Protection::kNone;
  }
  switch (kind) {
    case AccessKind::kFetch:
      return ept ? Protection::kEptFetch : Protection::kGuestFetch;
    case AccessKind::kRead:
    case AccessKind::kShadowStackRead:
      return ept ? Protection::kEptRead : Protection::kGuestRead;
    default:
      return ept ? Protection::kEptWrite : Protection::kGuestWrite;
  }
}

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
