#include "oracle/builder/builder_finding.h"

#include <cinttypes>
#include <cstdio>

namespace eptdiff {
namespace {

const char* BreachOf(BuilderRule rule) {
  switch (rule) {
    case BuilderRule::kRefused:
      return "the operation was refused or done, and should not have been";
    case BuilderRule::kUntouched:
      return "a refused operation changed an entry";
    case BuilderRule::kMapsAsAsked:
      return "after the operation a page is not mapped as asked for";
    case BuilderRule::kOldOrNew:
      return "after a store a page is neither the old nor the new one";
    case BuilderRule::kIteration:
      return "iterating shows a page as the tables do not have it";
    case BuilderRule::kEntry:
      return "an entry is misconfigured or leads to no table";
    case BuilderRule::kUnusedEntry:
      return "an entry that maps nothing holds another word than agreed";
    case BuilderRule::kTree:
      return "a table is linked twice";
    case BuilderRule::kEmptyTable:
      return "a table that maps nothing stays linked";
    case BuilderRule::kFlagsKept:
      return "a page that stays lost its accessed or dirty flag";
    case BuilderRule::kIgnoredBits:
      return "a table entry that stays lost or gained ignored bits";
    case BuilderRule::kReported:
      return "memory changed, or did not change, against the stores";
    case BuilderRule::kOwnFrames:
      return "a store to a frame that is not allocated";
    case BuilderRule::kLeak:
      return "a frame is neither linked nor freed";
    case BuilderRule::kFreedTwice:
      return "a frame is freed that is not in use";
    case BuilderRule::kFreedLinked:
      return "a frame is freed while it is linked";
    case BuilderRule::kFreedEarly:
      return "a frame is freed before the INVEPT that its removal needs";
    case BuilderRule::kInvept:
      return "no INVEPT follows a change that needs it (CACHE-9)";
    case BuilderRule::kInveptOnce:
      return "INVEPT is executed twice";
    case BuilderRule::kInveptNeeded:
      return "INVEPT is executed, and no change needs it (CACHE-9)";
    case BuilderRule::kInveptEptp:
      return "INVEPT names another EPTP";
  }
  return "an unknown rule is broken";
}

}  // namespace

BuilderFinding MakeBuilderFinding(BuilderRule rule, std::uint64_t where) {
  char at[32];
  std::snprintf(at, sizeof(at), " (%" PRIX64 "H)", where);
  return {rule, where, std::string(BreachOf(rule)) + at};
}

}  // namespace eptdiff
