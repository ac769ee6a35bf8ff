#include "oracle/builder/diagnosis/symptom_log.h"

#include <algorithm>
#include <bit>

namespace eptdiff {
namespace {

constexpr std::uint64_t kPage = 0x1000;
constexpr std::uint64_t kLargePage = 1 << kLargePageBit;
// Beside rights and a memory type, of which each may be gained that there is.
constexpr std::uint64_t kGainable = kIgnorePatBit | kAccessedDirty;
// Memory types: UC, WC, WT, WP, WB.
constexpr std::uint64_t kTypes[] = {0x00, 0x08, 0x20, 0x28, 0x30};

// The bits by which a page would have another one, and no reserved value.
PageDifference OtherTypes(std::uint64_t flags) {
  PageDifference difference = {};
  const std::uint64_t type = flags & kTypeBits;
  for (const std::uint64_t other : kTypes) {
    const std::uint64_t bit = type ^ other;
    if (!std::has_single_bit(bit)) continue;
    ((type & bit) != 0 ? difference.lost : difference.gained) |= bit;
  }
  return difference;
}

// Of a region in which not everything need be mapped.
bool IsEdit(TableOperationKind kind) {
  return kind == TableOperationKind::kUnmapRegion ||
         kind == TableOperationKind::kProtectRegion;
}

// Whether nothing is mapped somewhere in [gpa, gpa + bytes).
bool HasHole(const MappingModel& model, std::uint64_t gpa,
             std::uint64_t bytes) {
  for (std::uint64_t done = 0; done < bytes;) {
    const MappingModel::Run run = model.At(gpa + done);
    if (!run.mapped) return true;
    done += run.bytes;
  }
  return false;
}

Mistake MistakeOf(BuilderRule rule) {
  switch (rule) {
    case BuilderRule::kInSomeOrder:
      return Mistake::kOperationsRaced;
    case BuilderRule::kUntouched:
      return Mistake::kChangedThough;
    case BuilderRule::kEntry:
      return Mistake::kBadEntry;
    case BuilderRule::kUnusedEntry:
      return Mistake::kUnusedWord;
    case BuilderRule::kTree:
      return Mistake::kTree;
    case BuilderRule::kEmptyTable:
      return Mistake::kEmptyTable;
    case BuilderRule::kIgnoredBits:
      return Mistake::kTableBits;
    case BuilderRule::kReported:
      return Mistake::kUnreported;
    case BuilderRule::kOwnFrames:
      return Mistake::kForeignStore;
    case BuilderRule::kLargePageData:
      return Mistake::kLargePageData;
    case BuilderRule::kFreedTwice:
      return Mistake::kFreedTwice;
    case BuilderRule::kFreedLinked:
      return Mistake::kFreedLinked;
    case BuilderRule::kFreedEarly:
      return Mistake::kFreedEarly;
    case BuilderRule::kInveptEverywhere:
      return Mistake::kInveptElsewhere;
    case BuilderRule::kInveptAwaited:
      return Mistake::kInveptAsked;
    case BuilderRule::kViewShared:
      return Mistake::kViewShared;
    case BuilderRule::kViewWrong:
      return Mistake::kViewWrong;
    case BuilderRule::kViewMissed:
      return Mistake::kViewMissed;
    case BuilderRule::kFreedShared:
      return Mistake::kFreedShared;
    case BuilderRule::kInveptOtherView:
      return Mistake::kInveptOtherView;
    case BuilderRule::kInveptRunningView:
      return Mistake::kInveptRunningView;
    case BuilderRule::kReleasedMapped:
      return Mistake::kReleasedMapped;
    case BuilderRule::kReleasedEarly:
      return Mistake::kReleasedEarly;
    case BuilderRule::kInvvpid:
      return Mistake::kInvvpid;
    case BuilderRule::kInveptFails:
      return Mistake::kInveptFails;
    case BuilderRule::kInvvpidFails:
      return Mistake::kInvvpidFails;
    case BuilderRule::kInveptOnce:
      return Mistake::kInveptTwice;
    case BuilderRule::kInveptNeeded:
      return Mistake::kInveptNeedless;
    case BuilderRule::kInveptEptp:
      return Mistake::kInveptEptp;
    case BuilderRule::kEptp:
      return Mistake::kEptp;
    case BuilderRule::kIteration:
      return Mistake::kListing;
    case BuilderRule::kFrameLimit:
      return Mistake::kTooManyFrames;
    case BuilderRule::kLogFreed:
      return Mistake::kLogFreed;
    case BuilderRule::kLogTells:
      return Mistake::kLogLost;
    case BuilderRule::kLogRaced:
      return Mistake::kLogRaced;
    case BuilderRule::kLogViewRearms:
      return Mistake::kLogViewStays;
    case BuilderRule::kLogViewTells:
      return Mistake::kLogViewLost;
    case BuilderRule::kLogTellsNoMore:
      return Mistake::kLogTooMuch;
    case BuilderRule::kExitProceeds:
      return Mistake::kExitRepeats;
    case BuilderRule::kExitHandled:
      return Mistake::kExitNotHandled;
    case BuilderRule::kExitNotOurs:
      return Mistake::kExitNotOurs;
    case BuilderRule::kTakenOut:
      return Mistake::kRemovedOtherwise;
    case BuilderRule::kRefused:
      return Mistake::kRefusedNotDone;
    case BuilderRule::kLeak:
      return Mistake::kLeak;
    case BuilderRule::kInvept:
      return Mistake::kInveptMissing;
    case BuilderRule::kFlagsKept:
      return Mistake::kBits;
    case BuilderRule::kFlagsRaced:
      return Mistake::kFlagsRaced;
    case BuilderRule::kMapsAsAsked:
    case BuilderRule::kOldOrNew:
    case BuilderRule::kWalk:
      return Mistake::kWalk;
    case BuilderRule::kStaleTranslation:
    case BuilderRule::kStaleRight:
    case BuilderRule::kStaleType:
    case BuilderRule::kStaleTable:
      return Mistake::kStale;
  }
  return Mistake::kWalk;
}

// ... as a whole: which store came last says nothing.
bool IsOfOperation(Mistake mistake) {
  return mistake == Mistake::kFreedEarly || mistake == Mistake::kFreedTwice ||
         mistake == Mistake::kFreedShared || mistake == Mistake::kInveptEptp ||
         mistake == Mistake::kInveptTwice || mistake == Mistake::kViewShared ||
         mistake == Mistake::kViewWrong || mistake == Mistake::kViewMissed;
}

PageFacts FactsAt(const MappingModel& model, std::uint64_t gpa) {
  const MappingModel::Run run = model.At(gpa);
  return {run.mapped, run.hpa, run.flags};
}

}  // namespace

void SymptomLog::BeginCase(const Processor& processor,
                           const Controls& controls) {
  using Word = CircumstanceWord;
  tolerated_.clear();
  passed_.clear();
  machine_[Word::kSecondary] = controls.secondary;
  machine_[Word::kEptp] = controls.eptp & (kPage - 1);
  machine_[Word::kCapabilities] = processor.ept_vpid_cap;
  BeginEnd();
  phase_ = Phase::kBeginning;
  changes_ = 0;
}

void SymptomLog::BeginOperation(const TableOperation& operation,
                                std::uint64_t bytes, int level,
                                const TableFacts& facts) {
  BeginEnd();
  phase_ = Phase::kOperation;
  changes_ = 0;
  operation_ = operation;
  bytes_ = bytes;
  first_level_ = level;
  facts_ = facts;
  using Word = CircumstanceWord;
  at_[Word::kFlags] = operation.flags;
  at_[Word::kHpa] = operation.hpa.value;
  at_[Word::kGpa] = operation.gpa.value;
  for (const int bits : {21, 30, 39}) {
    const std::uint64_t unit = std::uint64_t{1} << bits;
    if (operation.gpa.value % unit == 0) at_[Word::kAlignment] |= unit;
  }
  at_[Word::kMeanwhile] = operation.meanwhile != 0;
  at_[Word::kBytes] = bytes == 0 ? 0 : 2 * std::bit_floor(bytes) - 1;
}

void SymptomLog::OnLack() {
  const std::uint64_t which = operation_.failing_allocation;
  at_[CircumstanceWord::kLacks] =
      1 | (which == 0 || which > 63 ? 0 : std::uint64_t{1} << which);
}

void SymptomLog::BeginExit(const TableFacts& facts) {
  BeginEnd();
  phase_ = Phase::kExit;
  changes_ = 0;
  facts_ = facts;
}

void SymptomLog::SetModels(const MappingModel& before,
                           const MappingModel& after, std::uint64_t mask) {
  before_ = &before;
  after_ = &after;
  mask_ = mask;
  if (phase_ != Phase::kOperation) return;
  const MappingModel::Run there = before.At(operation_.gpa.value);
  at_[CircumstanceWord::kThere] = there.mapped ? there.flags | kPage : 0;
}

void SymptomLog::BeginEnd() {
  symptoms_.clear();
  difference_ = {};
  maybe_.clear();
  settled_ = false;
  phase_ = Phase::kEnd;
  at_ = machine_;
  operation_ = {};
  bytes_ = 0;
  first_level_ = 0;
  before_ = after_ = nullptr;
  deed_ = Deed::kNone;
  level_ = 0;
  page_size_ = 0;
  shared_ = false;
  changes_ = SetOf(Change::kEnd);
  allocated_ = freed_ = false;
}

void SymptomLog::OnChange(std::uint64_t before, std::uint64_t after, int level,
                          const std::vector<Interval>& was,
                          const std::vector<Interval>& is) {
  deed_ = DeedOf(facts_, before, after, level);
  if (deed_ == Deed::kAlters && WorkOf(operation_.kind) == Work::kClearFlags) {
    deed_ = Deed::kClears;
  }
  level_ = level;
  changes_ |= ChangesOf(facts_, before, after, level);
  const std::uint64_t first = operation_.gpa.value, end = first + bytes_;
  shared_ = std::any_of(was.begin(), was.end(), [&](const Interval& page) {
    return page.gpa < first || page.gpa + page.bytes > end;
  });
  if (deed_ == Deed::kNone || deed_ == Deed::kKeeps) return;
  MayBe(At(Mistake::kPageGone, level), 0);
  // Bits that would show if they were lost, or gained.
  PageDifference visible = {};
  for (const Interval& page : is) {
    visible.lost |= page.flags & ~kTypeBits;
    const PageDifference type = OtherTypes(page.flags);
    visible.lost |= type.lost;
    visible.gained |= type.gained;
    visible.gained |=
        ~page.flags & (RightsMask(facts_) | 7 | (mask_ & kGainable));
    visible.address |= page.hpa;
  }
  // Pages of a table that continue each other are one interval.
  const bool splits = deed_ == Deed::kSplits;
  const bool large = splits ? level > 2 : !is.empty() && is[0].bytes > kPage;
  page_size_ = large ? kLargePage : 0;
  if (is.empty()) return;
  const std::uint64_t page = is[0].hpa | is[0].flags | page_size_;
  if (deed_ == Deed::kClears) visible.lost &= ~kAccessedDirty;
  if (visible.address >> 32 != 0) visible.address = visible.address >> 32 << 32;
  const Symptom wrong = At(Mistake::kBits, level);
  for (const PageBits bits : KindsOf(visible)) {
    MayBe(wrong.With(Feature::kDetail, bits), page);
  }
  for (const std::uint64_t type : kTypes) {
    if ((is[0].flags & kTypeBits) == type) continue;
    MayBe(wrong.With(Feature::kDetail, TypeGiven(type)), page);
  }
  // Of the other bits each that could be lost, and one that could be gained.
  const std::uint64_t others = visible.lost & kOtherBits;
  gainable_ = gainable_ == 0 ? kOtherBits : gainable_ & (gainable_ - 1);
  for (std::uint64_t rest = others; rest != 0; rest &= rest - 1) {
    const PageBits one = OneBit(std::countr_zero(rest), /*gained=*/false);
    MayBe(wrong.With(Feature::kDetail, one), page);
  }
  if ((gainable_ & ~others) != 0) {
    const PageBits one =
        OneBit(std::countr_zero(gainable_ & ~others), /*gained=*/true);
    MayBe(wrong.With(Feature::kDetail, one), page);
  }
}

void SymptomLog::OnRefusal(Mistake mistake, TableError error) {
  Add(OfRefusal(mistake, error));
  settled_ = true;
}

void SymptomLog::OnFinding(BuilderRule rule, int level) {
  const Mistake mistake = MistakeOf(rule);
  Add(IsOfOperation(mistake) ? Base(mistake) : At(mistake, level));
}

void SymptomLog::OnPage(std::uint64_t gpa, const PageFacts& found) {
  const PageFacts old = FactsAt(*before_, gpa);
  const PageFacts expected = FactsAt(*after_, gpa);
  if (IsElsewhere(gpa, found)) {
    difference_.guest |= operation_.gpa.value ^ gpa;
    return Add(Base(Mistake::kElsewhere));
  }
  if (bytes_ > kPage && gpa == operation_.gpa.value + bytes_) {
    Add(Base(Mistake::kBeyond));
  }
  const bool is_old = AreAlike(found, old, mask_);
  if (is_old) {
    // Without a frame for it, it should have said so.
    if (at_[CircumstanceWord::kLacks] != 0 && deed_ == Deed::kNone) {
      return Add(OfRefusal(Mistake::kSaidDone, TableError::kNoFrames));
    }
    const std::uint64_t first = operation_.gpa.value;
    const bool hole =
        IsEdit(operation_.kind) && HasHole(*before_, first, gpa - first);
    Add(Base(Mistake::kNotDone)
            .With(Feature::kAfterHole, hole)
            .With(Feature::kPlace, PlaceOf(gpa)));
    if (deed_ == Deed::kNone || !found.mapped || !expected.mapped) return;
  } else if (!found.mapped) {
    return Add(At(Mistake::kPageGone, level_));
  } else if (!expected.mapped && !old.mapped) {
    return Add(At(Mistake::kIntruder, level_));
  }
  const bool by_old =
      !is_old && (!expected.mapped ||
                  (old.mapped && BitCount(found, old, mask_) <
                                     BitCount(found, expected, mask_)));
  const PageFacts& asked = by_old ? old : expected;
  PageDifference difference = DifferenceOf(found, asked, mask_);
  if (facts_.on_demand) difference.lost &= ~RightsMask(facts_);
  for (const PageBits bits : KindsOf(difference)) {
    Add(At(Mistake::kBits, level_).With(Feature::kDetail, bits));
  }
  if (((difference.lost | difference.gained) & kTypeBits) != 0) {
    Add(At(Mistake::kBits, level_)
            .With(Feature::kDetail, TypeGiven(found.flags)));
  }
  difference_.Add(difference);
  if (at_[CircumstanceWord::kPage] == 0) {
    at_[CircumstanceWord::kPage] = asked.hpa | asked.flags | page_size_;
  }
}

// Whether what was asked for the operation's own address is at this one, which
// has fewer bits.
bool SymptomLog::IsElsewhere(std::uint64_t gpa, const PageFacts& found) const {
  const std::uint64_t asked = operation_.gpa.value;
  return phase_ == Phase::kOperation && found.mapped && gpa != asked &&
         (gpa & ~asked) == 0 && !FactsAt(*before_, gpa).mapped &&
         !FactsAt(*before_, asked).mapped &&
         AreAlike(found, FactsAt(*after_, asked), mask_);
}

Place SymptomLog::PlaceOf(std::uint64_t gpa) const {
  const std::uint64_t offset = gpa - operation_.gpa.value;
  if (offset >= bytes_) return Place::kOutside;
  if (bytes_ <= kPage) return Place::kWhole;
  if (offset == 0) return Place::kFirst;
  return offset + kPage >= bytes_ ? Place::kLast : Place::kInner;
}

void SymptomLog::OnLeak(bool is_new) {
  if (!is_new) return Add(Base(Mistake::kLeak));
  const Deed deed =
      WorkOf(operation_.kind) == Work::kMap ? Deed::kLinks : Deed::kSplits;
  Add(Base(Mistake::kNotLinked).With(Feature::kDeed, deed));
}

void SymptomLog::OnFlagsLost(std::uint64_t lost, int level) {
  at_[CircumstanceWord::kPage] |= page_size_;
  for (const PageBits bits : KindsOf({.lost = lost & kAccessedDirty})) {
    Add(At(Mistake::kBits, level).With(Feature::kDetail, bits));
  }
}

void SymptomLog::OnFlagsRaced(std::uint64_t lost) {
  for (const PageBits bits : KindsOf({.lost = lost & kAccessedDirty})) {
    Add(Base(Mistake::kFlagsRaced).With(Feature::kDetail, bits));
  }
}

void SymptomLog::MayRaceFlags(std::uint64_t set) {
  for (const PageBits bits : KindsOf({.lost = set & kAccessedDirty})) {
    MayBe(Base(Mistake::kFlagsRaced).With(Feature::kDetail, bits), 0);
  }
}

void SymptomLog::OnTakenOut(Mistake mistake) { Add(Base(mistake)); }

void SymptomLog::MayBe(Mistake mistake) { MayBe(Base(mistake), 0); }

void SymptomLog::MayBe(Symptom symptom, std::uint64_t page) {
  maybe_.push_back({symptom, page});
}

void SymptomLog::OnInveptMissing(BuilderRule rule) {
  Add(Base(MistakeOf(rule)).With(Feature::kDetail, ChangeOfAll()));
}

void SymptomLog::EndOperation(const TableResult& result, bool failed,
                              bool tolerated, bool needed) {
  if (failed) return;
  if (tolerated) {
    if (tolerated_.empty()) {
      tolerated_ = symptoms_;
      tolerated_at_ = at_;
    }
    symptoms_.clear();
    return;
  }
  for (const auto& [symptom, page] : maybe_) {
    at_[CircumstanceWord::kPage] = page;
    Pass(symptom);
  }
  at_[CircumstanceWord::kPage] = 0;
  maybe_.clear();
  if (needed) {
    Pass(Base(Mistake::kInveptEptp));
    Pass(Base(Mistake::kInveptTwice));
    for (const Mistake mistake :
         {Mistake::kInveptMissing, Mistake::kInveptElsewhere,
          Mistake::kInveptAsked, Mistake::kInvvpid}) {
      Pass(Base(mistake).With(Feature::kDetail, ChangeOfAll()));
    }
    if (freed_) Pass(Base(Mistake::kFreedEarly));
  }
  if (freed_) {
    Pass(Base(Mistake::kLeak));
    Pass(Base(Mistake::kFreedTwice));
  }
  if (phase_ != Phase::kOperation) return;
  if (result.ok() && allocated_) {
    const Deed deed =
        WorkOf(operation_.kind) == Work::kMap ? Deed::kLinks : Deed::kSplits;
    Pass(Base(Mistake::kNotLinked).With(Feature::kDeed, deed));
  }
  PassPages();
  if (!result.ok() && result.error != TableError::kNoFrames) {
    Pass(OfRefusal(Mistake::kDoneNotRefused, result.error));
    Pass(OfRefusal(Mistake::kSaidDone, result.error));
  }
}

void SymptomLog::BlameTolerated(BuilderRule rule) {
  if (tolerated_.empty()) return Add(At(MistakeOf(rule), 0));
  symptoms_ = tolerated_;
  at_ = tolerated_at_;
}

void SymptomLog::Pass(Symptom symptom) {
  if (!watched_.has_value()) return right_.Add(symptom, at_);
  if (symptom.mistake() != *watched_ || passed_.full()) return;
  passed_.push_back({symptom, at_});
}

Symptom SymptomLog::Base(Mistake mistake) const {
  Symptom symptom =
      Symptom().With(Feature::kMistake, mistake).With(Feature::kPhase, phase_);
  if (phase_ != Phase::kOperation) return symptom;
  return symptom.With(Feature::kWork, WorkOf(operation_.kind))
      .With(Feature::kRegion, IsForRegion(operation_.kind))
      .With(Feature::kLarge, first_level_ > 1);
}

Symptom SymptomLog::OfRefusal(Mistake mistake, TableError error) const {
  const bool hole = phase_ == Phase::kOperation && IsEdit(operation_.kind) &&
                    HasHole(*before_, operation_.gpa.value, bytes_);
  return Base(mistake)
      .With(Feature::kDetail, error)
      .With(Feature::kAfterHole, hole);
}

Symptom SymptomLog::At(Mistake mistake, int level) const {
  return Base(mistake)
      .With(Feature::kDeed, deed_)
      .With(Feature::kReplaces, deed_ == Deed::kAlters ||
                                    deed_ == Deed::kMerges ||
                                    deed_ == Deed::kClears)
      .With(Feature::kLevel, level)
      .With(Feature::kShared, shared_);
}

void SymptomLog::Add(Symptom symptom) {
  if (settled_ || symptoms_.size() == kMaxSymptoms) return;
  if (std::find(symptoms_.begin(), symptoms_.end(), symptom) ==
      symptoms_.end()) {
    symptoms_.push_back(symptom);
  }
}

Change SymptomLog::ChangeOfAll() const {
  return std::has_single_bit(changes_)
             ? static_cast<Change>(std::countr_zero(changes_))
             : Change::kSeveral;
}

// Each run of pages that the operation had to change, by where it lies.
void SymptomLog::PassPages() {
  const std::uint64_t first = operation_.gpa.value, end = first + bytes_;
  const bool is_edit = IsEdit(operation_.kind);
  bool hole = false;
  for (std::uint64_t gpa = first; gpa < end;) {
    const MappingModel::Run was = before_->At(gpa), is = after_->At(gpa);
    const std::uint64_t bytes = std::min({was.bytes, is.bytes, end - gpa});
    if (!AreAlike({was.mapped, was.hpa, was.flags},
                  {is.mapped, is.hpa, is.flags}, mask_)) {
      const auto pass = [&](Place place) {
        Pass(Base(Mistake::kNotDone)
                 .With(Feature::kAfterHole, hole)
                 .With(Feature::kPlace, place));
      };
      if (bytes_ <= kPage) {
        pass(Place::kWhole);
      } else {
        if (gpa == first) pass(Place::kFirst);
        if (gpa + bytes == end) pass(Place::kLast);
        if (gpa + bytes > first + kPage && gpa + kPage < end) {
          pass(Place::kInner);
        }
      }
    }
    hole |= is_edit && !was.mapped;
    gpa += bytes;
  }
}

}  // namespace eptdiff
