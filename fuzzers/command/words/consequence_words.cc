#include "fuzzers/command/words/consequence_words.h"

#include <cstddef>
#include <iterator>

namespace eptdiff {

Consequence ConsequenceOf(BuilderRule broken) {
  switch (broken) {
    case BuilderRule::kInSomeOrder:
    case BuilderRule::kMapsAsAsked:
    case BuilderRule::kOldOrNew:
    case BuilderRule::kViewShared:
    case BuilderRule::kViewWrong:
    case BuilderRule::kViewMissed:
    case BuilderRule::kEntry:
    case BuilderRule::kTree:
    case BuilderRule::kWalk:
    case BuilderRule::kRefused:
    case BuilderRule::kUntouched:
    case BuilderRule::kEptp:
      return Consequence::kMapping;
    case BuilderRule::kFreedEarly:
    case BuilderRule::kFreedLinked:
    case BuilderRule::kFreedShared:
    case BuilderRule::kReleasedMapped:
    case BuilderRule::kReleasedEarly:
    case BuilderRule::kInvept:
    case BuilderRule::kInveptEverywhere:
    case BuilderRule::kInveptAwaited:
    case BuilderRule::kInveptFails:
    case BuilderRule::kInvvpidFails:
    case BuilderRule::kInvvpid:
    case BuilderRule::kInveptOtherView:
    case BuilderRule::kInveptRunningView:
    case BuilderRule::kInveptEptp:
    case BuilderRule::kStaleTranslation:
    case BuilderRule::kStaleRight:
    case BuilderRule::kStaleType:
    case BuilderRule::kStaleTable:
      return Consequence::kStale;
    case BuilderRule::kFlagsKept:
    case BuilderRule::kFlagsRaced:
    case BuilderRule::kLogTells:
    case BuilderRule::kLogRaced:
    case BuilderRule::kLogTellsNoMore:
    case BuilderRule::kLogFreed:
    case BuilderRule::kLargePageData:
      return Consequence::kEffects;
    case BuilderRule::kExitProceeds:
    case BuilderRule::kExitHandled:
    case BuilderRule::kExitNotOurs:
      return Consequence::kRefuses;
    default:
      return Consequence::kBookkeeping;
  }
}

namespace {

struct Told {
  std::string_view name;
  std::string_view words;
};

// In the order of the enumeration.
constexpr Told kTold[] = {
    {"no-answer", "it crashes, hangs, or does what is no answer"},
    {"reaches", "accesses get through that the SDM forbids"},
    {"stale", "what was taken away stays usable"},
    {"elsewhere", "accesses reach another address"},
    {"refuses", "accesses are refused that the SDM permits"},
    {"other-event", "accesses are refused in another way"},
    {"memory-type", "another memory type is used"},
    {"tells-wrong", "what a handler is told is wrong"},
    {"effects", "flags, logs or other memory end up wrong"},
    {"mapping", "the tables are not what was asked for"},
    {"bookkeeping",
     "frames, stores or INVEPT are dealt with otherwise than agreed"},
    {"unknown", "what it does otherwise, no case shows any more"},
};
static_assert(std::size(kTold) == kConsequenceCount);

const Told& ToldOf(Consequence consequence) {
  return kTold[static_cast<std::size_t>(consequence)];
}

}  // namespace

std::string_view WordsOf(Consequence consequence) {
  return ToldOf(consequence).words;
}

std::string_view NameOf(Consequence consequence) {
  return ToldOf(consequence).name;
}

}  // namespace eptdiff
