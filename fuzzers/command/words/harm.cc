#include "fuzzers/command/words/harm.h"

namespace eptdiff {

Harm HarmOf(const Alternative& expected, const Outcome& given,
            const Disagreements& disagreements) {
  if (disagreements.empty()) return Harm::kUnknown;
  switch (disagreements[0].field) {
    case Field::kEvent:
    case Field::kFailedCheck:
    case Field::kExitReason:
      if (given.event.kind == EventKind::kCompleted) return Harm::kReaches;
      return expected.event.kind == EventKind::kCompleted ? Harm::kRefuses
                                                          : Harm::kOtherEvent;
    case Field::kAddress:
      return Harm::kElsewhere;
    case Field::kMemoryType:
    case Field::kStructureMemoryType:
      return Harm::kMemoryType;
    case Field::kPdpte:
    case Field::kEptp:
    case Field::kEptpIndex:
    case Field::kPmlIndex:
    case Field::kMemory:
      return Harm::kEffects;
    default:
      return Harm::kTellsWrong;
  }
}

Harm HarmOf(BuilderRule broken) {
  switch (broken) {
    case BuilderRule::kInSomeOrder:
    case BuilderRule::kMapsAsAsked:
    case BuilderRule::kOldOrNew:
    case BuilderRule::kEntry:
    case BuilderRule::kTree:
    case BuilderRule::kWalk:
    case BuilderRule::kRefused:
    case BuilderRule::kUntouched:
    case BuilderRule::kEptp:
      return Harm::kMapping;
    case BuilderRule::kFreedEarly:
    case BuilderRule::kFreedLinked:
    case BuilderRule::kReleasedMapped:
    case BuilderRule::kReleasedEarly:
    case BuilderRule::kInvept:
    case BuilderRule::kInveptEverywhere:
    case BuilderRule::kInveptAwaited:
    case BuilderRule::kInveptFails:
    case BuilderRule::kInvvpid:
    case BuilderRule::kInveptEptp:
    case BuilderRule::kStaleTranslation:
    case BuilderRule::kStaleRight:
    case BuilderRule::kStaleType:
    case BuilderRule::kStaleTable:
      return Harm::kStale;
    case BuilderRule::kFlagsKept:
    case BuilderRule::kFlagsRaced:
      return Harm::kEffects;
    default:
      return Harm::kBookkeeping;
  }
}

std::string_view HarmWords(Harm harm) {
  switch (harm) {
    case Harm::kNoAnswer:
      return "it crashes, hangs, or does what is no answer";
    case Harm::kReaches:
      return "accesses get through that the SDM forbids";
    case Harm::kStale:
      return "what was taken away stays usable";
    case Harm::kElsewhere:
      return "accesses reach another address";
    case Harm::kRefuses:
      return "accesses are refused that the SDM permits";
    case Harm::kOtherEvent:
      return "accesses are refused in another way";
    case Harm::kMemoryType:
      return "another memory type is used";
    case Harm::kTellsWrong:
      return "what a handler is told is wrong";
    case Harm::kEffects:
      return "flags, logs or other memory end up wrong";
    case Harm::kMapping:
      return "the tables are not what was asked for";
    case Harm::kBookkeeping:
      return "frames, stores or INVEPT are dealt with otherwise than agreed";
    case Harm::kUnknown:
      return "what it does otherwise, no case shows any more";
  }
  return "";
}

}  // namespace eptdiff
