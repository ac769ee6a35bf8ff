// What a builder of tables did wrong: the rule that it broke, where, and a
// sentence. The rules' sentences are in builder_finding.cc.
// Thread-safety: plain values.
#ifndef EPTDIFF_ORACLE_BUILDER_BUILDER_FINDING_H_
#define EPTDIFF_ORACLE_BUILDER_BUILDER_FINDING_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "oracle/builder/finding_facts.h"
#include "oracle/rules.h"

namespace eptdiff {

enum class BuilderRule : std::uint8_t {
  kRefused,         // refuses what it must refuse, and nothing else
  kUntouched,       // what is refused changes nothing
  kInSomeOrder,     // two at once come to what one after the other would
  kMapsAsAsked,     // the tables map what was asked for, and nothing else
  kOldOrNew,        // each page is the old or the new one after each store
  kViewShared,      // a table that another view shares is copied first
  kViewWrong,       // what is done in one view is not done in another
  kViewMissed,      // what is done in all views is done in each
  kIteration,       // iterating shows what the tables map
  kTakenOut,        // what is shown as removed, with its flags, is what went
  kEntry,           // no entry is an EPT misconfiguration or leads nowhere
  kUnusedEntry,     // an entry that maps nothing holds the word for that
  kTree,            // no table is linked twice
  kEmptyTable,      // no table stays that maps nothing
  kFlagsKept,       // accessed and dirty flags of mapped pages are kept
  kFlagsRaced,      // ... and those set between a load of an entry and a store
  kIgnoredBits,     // bits that processors ignore stay as they are
  kReported,        // memory changes by reported stores alone
  kOwnFrames,       // stores go to allocated frames
  kLargePageData,   // ... and not into the large pages that are mapped
  kLeak,            // frames of tables that are linked no more are freed
  kFrameLimit,      // no more frames are in use than declared
  kFreedTwice,      // what is freed is in use
  kFreedLinked,     // what is freed is not linked
  kFreedShared,     // ... in any view
  kFreedEarly,      // what was linked is freed after INVEPT
  kReleasedMapped,  // the guest's memory that is released is mapped no more
  kReleasedEarly,   // ... and INVEPT has been executed
  kInvept,          // INVEPT after the last change that needs it
  kInveptEverywhere,   // ... on each logical processor that uses the tables
  kInveptAwaited,      // ... executed there, and not only asked for
  kInveptOtherView,    // ... for the view that changed
  kInveptRunningView,  // ... and not for those alone that run
  kInvvpid,            // ... and not INVVPID in its place
  kInveptFails,        // it does what it is for
  kInvvpidFails,       // and so does INVVPID
  kInveptOnce,         // at most once
  kInveptNeeded,       // not without need
  kInveptEptp,         // with the EPTP of the tables
  kEptp,               // the EPTP is the one asked for, with the root's address
  kLogTells,           // what is written to is told
  kLogRaced,           // ... also if that is between a load and a store
  kLogViewRearms,      // ... if it was told, and forgotten in each view
  kLogViewTells,       // ... and be it in another view than the first
  kLogTellsNoMore,     // and nothing else
  kLogFreed,           // what processors log to is not freed
  kExitProceeds,       // what an exit handler lets be done again proceeds
  kExitHandled,        // ... which it does with what was asked for
  kExitNotOurs,        // and with nothing else
  // Of accesses between the operations.
  kWalk,              // a walk gives what was asked for, by the reference
  kStaleTranslation,  // no processor reaches a page that is no longer there
  kStaleRight,        // ... or does what is no longer allowed
  kStaleType,         // ... or uses a memory type that is none any more
  kStaleTable,        // ... or walks through a table that is none any more
};
inline constexpr int kBuilderRuleCount = 54;

struct BuilderFinding {
  BuilderRule rule;
  std::uint64_t where;   // a GPA, or the HPA of an entry or a frame
  int level;             // of the entry or the table; 0 where none is concerned
  std::string sentence;  // with `where` in it
  std::optional<Rule> sdm = {};  // what it breaks here, if that is known better
  FindingFacts facts = {};
};
using BuilderFindings = std::vector<BuilderFinding>;

// The sentence made of what the rule says and the place.
BuilderFinding MakeBuilderFinding(BuilderRule rule, std::uint64_t where,
                                  int level = 0);

// "invept-missing", as signatures spell what went wrong.
std::string_view NameOf(BuilderRule rule);

// "an entry is misconfigured or leads to no table": how it is broken.
std::string_view SentenceOf(BuilderRule rule);

// What of the SDM the rule rests on; none if it is a matter of bookkeeping.
std::optional<Rule> SdmRuleOf(BuilderRule rule);
// ... and here, as far as that is known.
std::optional<Rule> SdmRuleOf(const BuilderFinding& finding);

// "eptdiff-<builder>-<what>-<rule>-<level>", such as
// eptdiff-builder-invept-missing-CACHE-9-PTE; "none" for no rule, no level.
std::string SignatureOf(std::string_view builder,
                        const BuilderFinding& finding);
// Likewise, of what has a better name.
std::string SignatureOf(std::string_view builder, std::string_view what,
                        const BuilderFinding& finding);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_BUILDER_FINDING_H_
