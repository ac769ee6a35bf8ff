#include "oracle/builder/builder_finding.h"

#include <cinttypes>
#include <cstdio>
#include <iterator>

#include "oracle/judgement/judge.h"

namespace eptdiff {
namespace {

struct Breach {
  BuilderRule rule;
  std::string_view name;
  const char* sentence;
  std::optional<Rule> sdm;
};

constexpr Breach kBreaches[] = {
    {BuilderRule::kRefused,
     "refused",
     "the operation was refused or done, and should not have been",
     {}},
    {BuilderRule::kUntouched,
     "untouched",
     "a refused operation changed an entry",
     {}},
    {BuilderRule::kInSomeOrder,
     "operations-raced",
     "two operations at once come to what they do in neither order: what one "
     "of "
     "them has done is lost; use compare_exchange, or a lock",
     {}},
    {BuilderRule::kMapsAsAsked, "mapping",
     "after the operation a page is not mapped as asked for", Rule::kWalk6},
    {BuilderRule::kOldOrNew, "transition",
     "after a store a page is neither the old nor the new one", Rule::kWalk6},
    {BuilderRule::kViewShared, "view-shared",
     "a table changes that another view shares, and a page of that view with "
     "it: it was not copied",
     Rule::kWalk6},
    {BuilderRule::kViewWrong, "view-wrong",
     "a page changes in a view that the operation is not about", Rule::kWalk6},
    {BuilderRule::kViewMissed, "view-missed",
     "an operation on all views leaves a page of one of them as it was",
     Rule::kWalk6},
    {BuilderRule::kIteration,
     "iteration",
     "iterating shows a page as the tables do not have it",
     {}},
    {BuilderRule::kTakenOut,
     "taken-out",
     "what is shown as removed, or with its flags cleared, is not what was",
     {}},
    {BuilderRule::kEntry, "entry",
     "an entry is misconfigured or leads to no table", Rule::kWalk9},
    {BuilderRule::kUnusedEntry, "unused-entry",
     "an entry that maps nothing holds another word than agreed", Rule::kWalk3},
    {BuilderRule::kTree, "tree", "a table is linked twice", Rule::kWalk9},
    {BuilderRule::kEmptyTable,
     "empty-table",
     "a table that maps nothing stays linked",
     {}},
    {BuilderRule::kFlagsKept, "flags-lost",
     "a page that stays lost its accessed or dirty flag", Rule::kAd4},
    {BuilderRule::kFlagsRaced, "flags-raced",
     "a processor sets accessed or dirty between the load of an entry and the "
     "store to it, and that is lost: use compare_exchange",
     Rule::kAd4},
    {BuilderRule::kIgnoredBits, "ignored-bits",
     "a table entry that stays lost or gained ignored bits", Rule::kWalk7},
    {BuilderRule::kReported,
     "unreported",
     "memory changed, or did not change, against the stores",
     {}},
    {BuilderRule::kOwnFrames,
     "foreign-store",
     "a store to a frame that is not allocated",
     {}},
    {BuilderRule::kLargePageData, "large-page-walked",
     "a store goes into the data of a large page: its entry was taken for a "
     "table's",
     Rule::kWalk5},
    {BuilderRule::kLeak, "leak", "a frame is neither linked nor freed", {}},
    {BuilderRule::kFrameLimit,
     "frames-beyond-limit",
     "a frame is allocated, and as many as declared are in use already",
     {}},
    {BuilderRule::kFreedTwice,
     "freed-twice",
     "a frame is freed that is not in use",
     {}},
    {BuilderRule::kFreedLinked, "freed-linked",
     "a frame is freed while it is linked", Rule::kWalk9},
    {BuilderRule::kFreedShared, "freed-shared",
     "a frame is freed while another view links it", Rule::kWalk9},
    {BuilderRule::kFreedEarly, "freed-early",
     "a frame is freed, or is another table, before the INVEPT that its "
     "removal "
     "needs",
     Rule::kCache9},
    {BuilderRule::kReleasedMapped,
     "page-released-mapped",
     "memory is released that the guest can reach",
     {}},
    {BuilderRule::kReleasedEarly, "page-released-early",
     "memory is released that processors may reach by what they have cached, "
     "before the INVEPT that ends that (CACHE-9)",
     Rule::kCache9},
    {BuilderRule::kInvept, "invept-missing",
     "no INVEPT follows a change that needs it (CACHE-9)", Rule::kCache9},
    {BuilderRule::kInveptEverywhere, "invept-elsewhere",
     "after a change that needs it INVEPT is executed on some logical "
     "processors that use the tables, and not on all (CACHE-9)",
     Rule::kCache9},
    {BuilderRule::kInveptAwaited, "invept-not-awaited",
     "after a change that needs it INVEPT is asked for on another logical "
     "processor, and nobody waits until it is executed (CACHE-9)",
     Rule::kCache9},
    {BuilderRule::kInveptOtherView, "invept-other-view",
     "after a change that needs it INVEPT is executed for the EPTP of another "
     "view (CACHE-6)",
     Rule::kCache6},
    {BuilderRule::kInveptRunningView, "invept-running-view",
     "after a change that needs it INVEPT is executed for the view in which a "
     "processor runs, and not for the one that has changed, to which VMFUNC "
     "may take it (CACHE-6)",
     Rule::kCache6},
    {BuilderRule::kInvvpid, "invvpid-for-invept",
     "after a change that needs INVEPT INVVPID is executed, which ends "
     "combined "
     "mappings and no guest-physical ones (CACHE-7)",
     Rule::kCache7},
    {BuilderRule::kInveptFails, "invept-fails",
     "INVEPT fails, or may, and invalidates nothing: its type or descriptor is "
     "not supported, not valid for VM entry, or not 0 where it must be "
     "(CACHE-13)",
     Rule::kCache13},
    {BuilderRule::kInvvpidFails, "invvpid-fails",
     "INVVPID fails and invalidates nothing: its type is not supported, or its "
     "VPID is 0000H, its address not canonical or another bit of its "
     "descriptor "
     "not 0 (CACHE-13)",
     Rule::kCache13},
    {BuilderRule::kInveptOnce, "invept-twice", "INVEPT is executed twice",
     Rule::kCache9},
    {BuilderRule::kInveptNeeded, "invept-needless",
     "INVEPT is executed, and no change needs it (CACHE-9)", Rule::kCache9},
    {BuilderRule::kInveptEptp, "invept-eptp", "INVEPT names another EPTP",
     Rule::kCache6},
    {BuilderRule::kEptp,
     "eptp",
     "its EPTP differs from the one asked for in more than the address",
     {}},
    {BuilderRule::kLogTells, "log-lost",
     "the guest has written to a page, and the log does not have it",
     Rule::kAd2},
    {BuilderRule::kLogRaced, "log-raced",
     "a processor writes to a page between the load of its entry and the store "
     "to it, and the log does not have it: use compare_exchange",
     Rule::kAd2},
    {BuilderRule::kLogViewRearms, "log-view-stays",
     "a page that was told and forgotten is written to again in another view "
     "than the first, and the log does not have it",
     Rule::kAd2},
    {BuilderRule::kLogViewTells, "log-view-lost",
     "a page is written to in another view than the first, and the log does "
     "not have it",
     Rule::kAd2},
    {BuilderRule::kLogTellsNoMore,
     "log-too-much",
     "the log has a page that the guest has not written to since",
     {}},
    {BuilderRule::kLogFreed, "log-freed",
     "a frame is free that a processor's page-modification log is in",
     Rule::kPml2},
    {BuilderRule::kExitProceeds, "exit-repeats",
     "the exit is dealt with, and the access comes to it again and again",
     Rule::kVio1},
    {BuilderRule::kExitHandled, "exit-not-handled",
     "an access that was asked for exits, and is not let go on", Rule::kVio1},
    {BuilderRule::kExitNotOurs,
     "exit-not-ours",
     "an access that was not asked for exits, and is let be done again",
     {}},
    {BuilderRule::kWalk, "walk",
     "a walk of the tables does not give what was asked for", Rule::kWalk6},
    {BuilderRule::kStaleTranslation, "stale-translation",
     "an access may use a cached translation to what is not mapped there any "
     "more (no INVEPT came between)",
     Rule::kCache9},
    {BuilderRule::kStaleRight, "stale-right",
     "an access may use a cached right that the page does not have any more "
     "(no INVEPT came between)",
     Rule::kCache9},
    {BuilderRule::kStaleType, "stale-type",
     "an access may use a cached memory type that the page does not have any "
     "more (no INVEPT came between)",
     Rule::kCache9},
    {BuilderRule::kStaleTable, "stale-table",
     "an access may walk through a table that is none any more, or not at this "
     "place (no INVEPT came between)",
     Rule::kCache9},
};
static_assert(std::size(kBreaches) == kBuilderRuleCount);

constexpr bool InOrder() {
  for (std::size_t i = 0; i < std::size(kBreaches); ++i) {
    if (static_cast<std::size_t>(kBreaches[i].rule) != i) return false;
  }
  return true;
}
static_assert(InOrder());

const Breach& BreachOf(BuilderRule rule) {
  return kBreaches[static_cast<std::size_t>(rule)];
}

}  // namespace

BuilderFinding MakeBuilderFinding(BuilderRule rule, std::uint64_t where,
                                  int level) {
  char at[32];
  std::snprintf(at, sizeof(at), " (%" PRIX64 "H)", where);
  return {rule, where, level, std::string(BreachOf(rule).sentence) + at};
}

std::string_view NameOf(BuilderRule rule) { return BreachOf(rule).name; }

std::string_view SentenceOf(BuilderRule rule) {
  return BreachOf(rule).sentence;
}

std::optional<Rule> SdmRuleOf(BuilderRule rule) { return BreachOf(rule).sdm; }

std::optional<Rule> SdmRuleOf(const BuilderFinding& finding) {
  return finding.sdm.has_value() ? finding.sdm : SdmRuleOf(finding.rule);
}

std::string SignatureOf(std::string_view builder,
                        const BuilderFinding& finding) {
  return SignatureOf(builder, NameOf(finding.rule), finding);
}

std::string SignatureOf(std::string_view builder, std::string_view what,
                        const BuilderFinding& finding) {
  const std::optional<Rule> rule = SdmRuleOf(finding);
  std::string signature = "eptdiff-";
  signature.append(builder).append("-").append(what);
  signature.append("-").append(rule.has_value() ? IdentifierOf(*rule)
                                                : std::string_view("none"));
  signature.append("-").append(
      NameOfLevel(static_cast<std::uint8_t>(finding.level)));
  return signature;
}

}  // namespace eptdiff
