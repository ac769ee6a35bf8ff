#include "fuzzers/command/words/consequence_words.h"

#include <cstddef>
#include <iterator>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "fuzzers/text/view.h"

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
    case BuilderRule::kLogViewRearms:
    case BuilderRule::kLogViewTells:
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

namespace {

constexpr std::string_view kProtections[] = {"ept-write",   "ept-fetch",
                                             "ept-read",    "guest-write",
                                             "guest-fetch", "guest-read"};
static_assert(std::size(kProtections) == kProtectionCount);

bool IsOfEpt(Protection protection) {
  return protection < Protection::kGuestWrite;
}

// "writes" of both kGuestWrite and kEptWrite.
const char* AccessesOf(Protection protection) {
  switch (protection) {
    case Protection::kEptWrite:
    case Protection::kGuestWrite:
      return "writes";
    case Protection::kEptFetch:
    case Protection::kGuestFetch:
      return "fetches";
    default:
      return "reads";
  }
}

}  // namespace

std::string WordsOf(const std::set<Protection>& protections) {
  std::vector<std::string> words;
  for (const bool ept : {true, false}) {
    std::vector<std::string> accesses;
    for (const Protection protection : protections) {
      if (IsOfEpt(protection) == ept) {
        accesses.emplace_back(AccessesOf(protection));
      }
    }
    if (accesses.empty()) continue;
    words.push_back(absl::StrCat(ept ? "EPT's" : "the guest's", " against ",
                                 absl::StrJoin(accesses, " and ")));
  }
  return absl::StrJoin(words, ", and ");
}

std::string_view NameOf(Protection protection) {
  return protection == Protection::kNone
             ? ""
             : kProtections[static_cast<std::size_t>(protection)];
}

std::string NameOf(const std::set<Protection>& protections) {
  std::string name;
  for (const Protection protection : protections) {
    if (name.empty()) {
      absl::StrAppend(&name, View(NameOf(protection)));
    } else if (IsOfEpt(protection) == IsOfEpt(*protections.begin())) {
      const std::string_view whole = NameOf(protection);
      absl::StrAppend(&name, View(whole.substr(whole.find('-'))));
    }
  }
  return name;
}

}  // namespace eptdiff
