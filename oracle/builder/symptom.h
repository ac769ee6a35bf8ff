// What a mistake of a builder looks like, and in what situation it showed, or
// could have shown: a few small features, made to be compared by the thousand.
//
// A failing operation gives a symptom for each thing that was wrong with it; an
// operation that was right gives a symptom for each mistake that would have
// shown there. builder_diagnosis.h finds what sets the former apart from the
// latter.
// Thread-safety: plain values, pure functions.
#ifndef EPTDIFF_ORACLE_BUILDER_SYMPTOM_H_
#define EPTDIFF_ORACLE_BUILDER_SYMPTOM_H_

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "oracle/builder/circumstances.h"
#include "oracle/case.h"

namespace eptdiff {

// In the order of precedence: of two that explain the same, the first is named.
enum class Mistake : std::uint8_t {
  kDoneNotRefused,    // detail: the TableError that it has to be refused with
  kSaidDone,          // ... and it only says that it did it; likewise
  kRefusedNotDone,    // detail: the TableError
  kDoneThough,        // ... and it did something all the same; likewise
  kRefusedOtherwise,  // detail: the TableError
  kChangedThough,     // refused, and an entry changed
  kOperationsRaced,   // two at once, which do what they do in neither order
  kViewShared,        // a table that another view shares is changed in place
  kViewWrong,         // a page changes in another view than it should
  kViewMissed,        // what is for all views is not done in one
  kUnfilled,          // a table is linked before all its words are stored
  kTree,              // a table is linked twice
  kBadEntry,          // misconfigured, or leads nowhere
  kUnusedWord,        // an unused entry holds another word than agreed
  kPageGone,          // a page is absent that should be there
  kElsewhere,         // what is asked for is done at another GPA
  kBeyond,            // ... and to the page behind the region as well
  kIntruder,          // a page is there where none should be
  kFlagsRaced,        // what is set between load and store; detail: a PageBits
  kBits,              // a page has other bits than asked; detail: a PageBits
  kNotDone,           // a page is as before, and should not be
  kNotLinked,         // a table is made, and neither linked nor freed
  kTableBits,         // ignored bits of a table's entry change
  kEmptyTable,        // a table stays that maps nothing
  kUnreported,        // memory changes unseen
  kForeignStore,      // a store to no frame of its own
  kLargePageData,     // ... but to a page of the guest
  kFreedTwice,
  kFreedLinked,
  kFreedShared,     // ... in another view
  kReleasedMapped,  // the guest's memory
  kReleasedEarly,   // ... before INVEPT
  kLeak,            // a frame is linked no more, and not freed
  kTooManyFrames,   // in use at a time
  kInveptFails,
  kInvvpidFails,
  kInveptMissing,      // detail: a Change
  kInveptElsewhere,    // on other logical processors; likewise
  kInveptAsked,        // there, and not waited for; likewise
  kInveptOtherView,    // for another view; likewise
  kInveptRunningView,  // ... the one that runs there; likewise
  kInvvpid,            // ... in its place; likewise
  kFreedEarly,         // before the INVEPT that comes
  kInveptEptp,
  kEptp,
  kInveptTwice,
  kInveptNeedless,
  kListing,
  kRemovedNotShown,      // a page goes, and the builder does not say so
  kRemovedWithoutFlags,  // ... or without a processor's accessed, dirty flags
  kRemovedOtherwise,     // what it says is otherwise wrong
  kLogFreed,             // a log's frame, while a processor logs to it
  kLogRaced,             // a write is not told, by a race
  kLogViewStays,         // ... in another view, told and forgotten before
  kLogViewLost,          // ... in another view
  kLogLost,              // ... at all
  kLogTooMuch,           // what was not written is told
  kExitNotHandled,
  kExitRepeats,
  kExitNotOurs,
  kWalk,
  kStale,  // an access; no change before it was seen to need INVEPT
};
inline constexpr int kMistakeCount = 62;

// What differs between a page and what was asked for, the first that applies.
enum class PageBits : std::uint8_t {
  kReadLost,
  kWriteLost,
  kExecuteLost,
  kUserExecuteLost,
  kReadGained,
  kWriteGained,
  kExecuteGained,
  kUserExecuteGained,
  kMemoryType,
  kIgnorePatLost,
  kIgnorePatGained,
  kAccessedLost,
  kDirtyLost,
  kAccessedGained,
  kDirtyGained,
  kHighAddress,  // bits 51:32 alone
  kAddress,
  kOther,
  // ... and no more than one of these, beside kOther: of bits 11, 52 to 63.
  kOneLost,
  kOneGained = kOneLost + 13,
  // Beside kMemoryType: which of bits 5:3 differ, and which type it is.
  kTypeBitLost = kOneGained + 13,
  kTypeBitGained = kTypeBitLost + 3,
  kTypeGiven = kTypeBitGained + 3,
};
inline constexpr int kPageBitsCount = 57;
// Of kOneLost, or kOneGained.
constexpr PageBits OneBit(int bit, bool gained) {
  return static_cast<PageBits>(
      static_cast<int>(gained ? PageBits::kOneGained : PageBits::kOneLost) +
      (bit < 52 ? 0 : bit - 51));
}
// Of kTypeBitLost, or kTypeBitGained.
constexpr PageBits TypeBit(int bit, bool gained) {
  return static_cast<PageBits>(static_cast<int>(gained
                                                    ? PageBits::kTypeBitGained
                                                    : PageBits::kTypeBitLost) +
                               bit - 3);
}
// Of kTypeGiven, the one of these flags.
constexpr PageBits TypeGiven(std::uint64_t flags) {
  return static_cast<PageBits>(static_cast<int>(PageBits::kTypeGiven) +
                               static_cast<int>(flags >> 3 & 7));
}
// That by whose words it is told.
constexpr PageBits FamilyOf(PageBits bits) {
  if (bits < PageBits::kOneLost) return bits;
  return bits < PageBits::kTypeBitLost ? PageBits::kOther
                                       : PageBits::kMemoryType;
}

// What an operation does to entries that a processor may have cached.
enum class Change : std::uint8_t {
  kSeveral,
  kReadRemoved,
  kWriteRemoved,
  kExecuteRemoved,
  kTypeChanged,
  kMoved,
  kPageRemoved,
  kTableRemoved,
  kSplit,
  kMerged,
  kFlagsCleared,
  kRightAdded,
  kOther,
  kEnd,  // the whole table goes
};
inline constexpr int kChangeCount = 14;

enum class Phase : std::uint8_t { kBeginning, kOperation, kEnd, kExit };

// What operations do, to a page or to a region.
enum class Work : std::uint8_t {
  kNone,
  kMap,
  kUnmap,
  kRemap,
  kProtect,
  kSplit,
  kMerge,
  kClearFlags,
  kLog,
};
Work WorkOf(TableOperationKind kind);
bool IsForRegion(TableOperationKind kind);
// What was mapped there is no more, or another page is.
bool MapsOtherwise(TableOperationKind kind);

// What a single store does to an entry.
enum class Deed : std::uint8_t {
  kNone,
  kAdds,     // a page
  kRemoves,  // a page
  kAlters,   // a page
  kSplits,
  kMerges,
  kLinks,    // a table where nothing was
  kUnlinks,  // a table, and nothing takes its place
  kKeeps,    // a table: the entry says the same
  kClears,   // accessed and dirty flags of a page, as asked
};

// Where in the region of the operation.
enum class Place : std::uint8_t {
  kNone,
  kWhole,  // the region is one 4-KByte page
  kFirst,
  kInner,
  kLast,
  kOutside,
};

enum class Feature : std::uint8_t {
  kMistake,
  kDetail,
  kPhase,
  kWork,
  kRegion,  // 1: of a region
  kDeed,
  kReplaces,   // 1: a page takes the place of what was mapped
  kLevel,      // of the entry; 0: none is concerned
  kLarge,      // 1: the operation begins in a large page
  kAfterHole,  // 1: nothing is mapped somewhere before it in the region
  kShared,     // 1: the entry maps pages that the operation is not about
  kPlace,
};
inline constexpr int kFeatureCount = 12;

struct Symptom {
  std::uint64_t bits = 0;

  // Of a feature; the mistake and the detail come first.
  static constexpr int kWidth = 5, kWide = 6;
  static constexpr int ShiftOf(Feature feature) {
    const int before = static_cast<int>(feature);
    return before <= 2 ? kWide * before : 2 * kWide + kWidth * (before - 2);
  }
  static constexpr std::uint64_t MaskOf(Feature feature) {
    const int width = feature <= Feature::kDetail ? kWide : kWidth;
    return ((std::uint64_t{1} << width) - 1) << ShiftOf(feature);
  }
  constexpr int Get(Feature feature) const {
    return static_cast<int>((bits & MaskOf(feature)) >> ShiftOf(feature));
  }
  template <typename Value>
  constexpr Symptom With(Feature feature, Value value) const {
    return {(bits & ~MaskOf(feature)) | static_cast<std::uint64_t>(value)
                                            << ShiftOf(feature)};
  }
  Mistake mistake() const {
    return static_cast<Mistake>(Get(Feature::kMistake));
  }
  friend constexpr bool operator==(Symptom, Symptom) = default;
  friend constexpr auto operator<=>(Symptom, Symptom) = default;
};

static_assert(kMistakeCount <= 1 << Symptom::kWide);
static_assert(kPageBitsCount <= 1 << Symptom::kWide);

// What could have gone wrong, and did not.
struct PassedSymptom {
  Symptom symptom;
  Circumstances at;
};

struct CountedSymptom {
  Symptom symptom;
  std::uint64_t count;
  CircumstancesSeen seen;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_SYMPTOM_H_
