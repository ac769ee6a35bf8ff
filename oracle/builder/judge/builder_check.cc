#include "oracle/builder/judge/builder_check.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "oracle/builder/judge/view_checks.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kDirty = 0x200;

PageFacts FactsAt(const std::vector<Interval>& pages, std::uint64_t gpa) {
  for (const Interval& page : pages) {
    if (gpa - page.gpa < page.bytes) {
      return {true, page.hpa + (gpa - page.gpa), page.flags};
    }
  }
  return {false, 0, 0};
}

}  // namespace

BuilderCheck::BuilderCheck(FramePool& pool, const TableFacts& facts,
                           std::uint64_t eptp, SymptomLog* log,
                           Meanwhile meanwhile, WaiverSet allowed, Room room,
                           Among among)
    : pool_(pool),
      views_(among.views),
      view_(among.view),
      leads_(among.leads),
      log_(log),
      guest_stopped_(meanwhile == Meanwhile::kGuestIsStopped),
      facts_(facts),
      eptp_(eptp),
      root_{AddressIn(eptp)},
      room_(std::move(room)),
      allowed_(allowed),
      write_log_(among.log != nullptr ? *among.log : own_log_) {
  room_.memory.Clear();
  if (log_ != nullptr) log_->SetModels(model_, model_, ComparedFlags());
  TakeEvents(room_.events);
  if (guest_stopped_) {
    FollowAll();
    SettleInvept();
    TakeMemory();
  } else {
    ReplayAll();
  }
  linked_.insert(root_.value, TreePlace{facts.levels, 0, RightsMask(facts)});
  if (facts.begins_mapped) {
    ReadTree(facts_, pool_.memory(), root_, room_.is);
    for (const Interval& page : room_.is.pages) model_.Map(page);
  }
  CheckEnd();
  // Tables may be there that map nothing yet.
  if (findings_.empty()) linked_ = room_.is.tables;
  fresh_.clear();
}

// Whoever judges them before others do so takes them from the pool.
void BuilderCheck::TakeEvents(std::vector<TableEvent>& events) const {
  if (views_ == nullptr) return pool_.TakeEvents(events);
  events = views_->events();
}

void BuilderCheck::BeginJudging() {
  findings_.clear();
  happenings_ = 0;
  // What was tolerated is needed still.
  if (!tolerant_) needs_invept_ = 0;
  needed_invept_ = owed_invept_ = needs_invept_ != 0;
  result_ = {};
  done_invept_ = 0;
  needless_invept_ = repeated_invept_ = false;
  invvpid_ = 0;
  all_contexts_ = needless_for_all_ = names_other_ = run_apart_ = false;
  other_invept_ = 0;
  tolerates_now_ = false;
  tolerated_now_.clear();
  fresh_.clear();
  at_once_ = partial_ = lacked_frames_ = false;
  or_absent_ = (allowed_ & SetOf(Waiver::kLossyTables)) != 0;
  others_.clear();
}

BuilderFindings BuilderCheck::Judge(const TableOperation& operation,
                                    const TableResult& result,
                                    const std::vector<Interval>* taken) {
  BeginJudging();
  result_ = result;
  std::uint64_t leaf = 0;
  const PageNow page = PageAt(operation.gpa, leaf);
  const RefusalSet reasons =
      views_ != nullptr ? views_->against()
                        : ReasonsAgainst(operation, facts_, model_, page);
  const bool may_lack_frames = views_ != nullptr ? views_->may_lack_frames()
                                                 : MayLackFrames({&operation});
  const bool no_frames = result.error == TableError::kNoFrames &&
                         (pool_.failed() || may_lack_frames);
  lacked_frames_ = no_frames;
  const bool is_excused = std::exchange(excused_, false) && !result.ok();
  const bool is_right =
      no_frames || is_excused ||
      (reasons == 0 ? result.ok() : (reasons & Only(result.error)) != 0);
  const std::uint64_t bytes = BytesOf(operation, page);
  const Interval leaf_page = {operation.gpa.value, AddressIn(leaf), bytes,
                              leaf & kLeafFlags};
  taken_.Begin(operation, bytes,
               page.level != 0 && result.ok() ? &leaf_page : nullptr);
  after_ = model_;
  if (operation.kind == TableOperationKind::kClearFlags &&
      !facts_.accessed_dirty) {
    ignores_flags_ = true;
  }
  if (log_ != nullptr) {
    log_->BeginOperation(operation, bytes, page.level, facts_);
    if (pool_.failed()) log_->OnLack();
    log_->SetModels(model_, after_, ComparedFlags());
  }
  if (!is_right && leads_) FindRefusal(operation, result, reasons, page.level);
  done_ = result.ok();
  if (no_frames && reasons == 0) {
    const auto allows = [this](Waiver waiver) {
      return (allowed_ & SetOf(waiver)) != 0;
    };
    or_absent_ = or_absent_ || allows(Waiver::kLossOnFailure);
    partial_ = allows(Waiver::kPartialSuccess) || or_absent_;
  }
  if ((done_ && is_right) || partial_) ApplyToModel(operation, page, after_);
  done_ = done_ || partial_ || or_absent_ || facts_.on_demand;
  const bool replaces =
      facts_.map_replaces && WorkOf(operation.kind) == Work::kMap;
  kept_flags_.Begin(operation, replaces);
  const bool logs = write_log_.on() || IsAboutLog(operation.kind);
  BeginLogging(IsAboutLog(operation.kind));
  came_in_ = false;
  TakeEvents(room_.events);
  if (guest_stopped_) {
    Settle();
  } else {
    ReplayAll();
  }
  if (findings_.size() > kManyFindings) return findings_;
  std::swap(model_, after_);
  if (log_ != nullptr) log_->SetModels(after_, model_, ComparedFlags());
  CheckEnd();
  if (taken != nullptr && !replaces && !or_absent_ && !facts_.on_demand) {
    CheckTaken(*taken, logs ? kDirty : 0);
  }
  if (MapsOtherwise(operation.kind)) {
    write_log_.OnUnmapped(operation.gpa.value, bytes, view_);
  }
  if (views_ == nullptr && IsAboutLog(operation.kind) && result.ok()) {
    CheckTold(operation, [this](std::uint64_t gpa) {
      return PageOf(pool_.memory(), gpa);
    });
  }
  if (log_ != nullptr && came_in_) {
    log_->MayRaceFlags(kept_flags_.set_between());
  }
  if (views_ == nullptr) EndLog(!findings_.empty(), tolerates_now_);
  return findings_;
}

void BuilderCheck::EndLog(bool failed, bool tolerated) {
  if (log_ == nullptr) return;
  log_->EndOperation(result_, failed, tolerated,
                     needed_invept_ && !owed_invept_ && !at_once_);
}

BuilderFindings BuilderCheck::JudgeExit() {
  constexpr TableOperation kNothing = {.kind = TableOperationKind::kProtect};
  if (log_ != nullptr) log_->BeginExit(facts_);
  return JudgeUnchanged(kNothing);
}

BuilderFindings BuilderCheck::JudgeUnchanged(const TableOperation& operation) {
  BeginJudging();
  taken_.Begin(operation, 0, nullptr);
  after_ = model_;
  done_ = true;
  kept_flags_.Begin(operation);
  BeginLogging(/*about_log=*/false);
  came_in_ = false;
  if (log_ != nullptr) log_->SetModels(model_, after_, ComparedFlags());
  TakeEvents(room_.events);
  if (guest_stopped_) {
    Settle();
  } else {
    ReplayAll();
  }
  if (findings_.size() > kManyFindings) return findings_;
  CheckEnd();
  if (views_ == nullptr) EndLog(!findings_.empty(), tolerates_now_);
  return findings_;
}

BuilderFindings BuilderCheck::JudgeEnd() {
  BeginJudging();
  kept_flags_.Begin({});
  if (log_ != nullptr) log_->BeginEnd();
  // Tables that map nothing, where they are allowed, may be cached as well;
  // what is mapped on demand need not be in any.
  needed_invept_ = (!model_.empty() && !facts_.on_demand) || linked_.size() > 1;
  needs_invept_ = needed_invept_ ? kAllProcessors : 0;
  // The VMM uses the root no more; processors may have cached what it mapped.
  for (const auto& [table, place] : linked_) {
    if (needed_invept_ && !guest_stopped_) waiting_.insert(table, {place});
  }
  linked_.clear();
  owed_invept_ = false;
  is_end_ = true;
  done_ = true;
  TakeEvents(room_.events);
  if (guest_stopped_) {
    FollowAll();
    SettleInvept();
  } else {
    ReplayAll();
  }
  if (needs_invept_ != 0) {
    const BuilderRule rule = RuleOfMissing();
    findings_.push_back(MakeBuilderFinding(rule, root_.value, facts_.levels));
    if (log_ != nullptr) LogMissing(rule, *log_);
  } else if (views_ == nullptr) {
    CheckNeedlessInvept();
  }
  if (leads_) {
    CheckLogs();
    for (const std::uint64_t frame : in_use_) FindLeak(frame);
  }
  if (views_ == nullptr) EndLog(!findings_.empty(), tolerates_now_);
  return findings_;
}

void BuilderCheck::AfterAccess() {
  TakeEvents(room_.meanwhile);
  for (TableEvent& event : room_.meanwhile) Replay(event);
}

void BuilderCheck::CheckEnd() {
  if (needs_invept_ != 0) {
    FindOrTolerate(RuleOfMissing(), invept_entry_.value, invept_level_);
  } else if (views_ == nullptr) {
    CheckNeedlessInvept();
  }
  if (leads_) CheckLogs();
  // Refused, and nothing happened: the tables are those that were right before,
  // if memory is.
  if (!done_ && !guest_stopped_ && room_.events.empty()) return CheckMemory();
  TableImage& image = room_.is;
  ReadTree(facts_, pool_.memory(), root_, image);
  if (!image.findings.empty()) {
    for (const BuilderFinding& finding : image.findings) Take(finding);
    return;
  }
  std::uint64_t where;
  if (!SettleModel(where)) {
    FindPage(BuilderRule::kMapsAsAsked, where, LevelAt(where), image.pages);
  }
  if (const auto lost = kept_flags_.AtEnd(image.pages)) FindFlagsLost(*lost);
  for (const std::uint64_t table : image.empty_tables) {
    if (table != root_.value) {
      Find(BuilderRule::kEmptyTable, table, image.tables.at(table).level);
    }
  }
  if (views_ == nullptr) FindLeaks(image.tables);
  for (const auto& [table, place] : image.tables) {
    if (!in_use_.contains(table)) {
      Find(WasShared(table) ? BuilderRule::kFreedShared
                            : BuilderRule::kFreedLinked,
           table, place.level);
    }
  }
  if (guest_stopped_) {
    linked_ = image.tables;
  } else {
    CheckMemory();
  }
}

bool BuilderCheck::SettleModel(std::uint64_t& where) {
  const std::vector<Interval>& pages = room_.is.pages;
  const std::uint64_t mask = ComparedFlags();
  const Leeway leeway = facts_.on_demand ? Leeway::kOrLess : Leeway::kNone;
  if (IsOneOrOther(pages, 0, ~0ull, mask, model_, model_, where, leeway)) {
    return true;
  }
  if (facts_.on_demand || (!partial_ && !or_absent_)) return false;
  std::uint64_t lost;
  const MappingModel& other = partial_ ? after_ : model_;
  const bool is_part = IsOneOrOther(pages, 0, ~0ull, mask, model_, other, lost);
  if (!is_part &&
      !(or_absent_ && IsOneOrOther(pages, 0, ~0ull, mask, model_, other, lost,
                                   Leeway::kOrAbsent))) {
    return false;
  }
  // What was before is no more than nothing done.
  if (!is_part) {
    Waive(partial_ ? Waiver::kLossOnFailure : Waiver::kLossyTables);
    Waive(Waiver::kLossyTables);
  } else if (!IsOneOrOther(pages, 0, ~0ull, mask, other, other, lost)) {
    Waive(Waiver::kPartialSuccess);
  }
  model_.Clear();
  for (const Interval& page : pages) model_.Map(page);
  return true;
}

// Where INVEPT is missing afterwards, the one before the change is that one,
// too early: one mistake, not two.
void BuilderCheck::CheckNeedlessInvept() {
  if (needless_invept_ && !at_once_) {
    Find(BuilderRule::kInveptNeeded, root_.value);
  }
  needless_invept_ = false;
}

// What happened otherwise than it should has its own finding.
void BuilderCheck::CheckTaken(const std::vector<Interval>& taken,
                              std::uint64_t excused) {
  if (!findings_.empty()) return;
  const auto wrong = taken_.Compare(taken, ~(OwnInLeaf(facts_) | excused));
  std::uint64_t raced = 0;
  if (wrong.has_value()) {
    if (wrong->mistake == Mistake::kRemovedWithoutFlags) {
      raced = kept_flags_.SetBetween(wrong->where);
    }
    findings_.push_back(MakeBuilderFinding(
        raced != 0 ? BuilderRule::kFlagsRaced : BuilderRule::kTakenOut,
        wrong->where, LevelAt(wrong->where)));
  }
  if (log_ == nullptr) return;
  if (wrong.has_value()) {
    log_->OnTakenOut(wrong->mistake);
    log_->OnFlagsRaced(raced);
  } else if (!taken_.empty()) {
    log_->MayBe(Mistake::kRemovedNotShown);
    log_->MayBe(Mistake::kRemovedOtherwise);
    const bool flags =
        std::any_of(taken.begin(), taken.end(), [](const Interval& page) {
          return (page.flags & kAccessedDirty) != 0;
        });
    if (flags) log_->MayBe(Mistake::kRemovedWithoutFlags);
  }
}

BuilderRule BuilderCheck::RuleOfMissing() const {
  if ((needs_invept_ & ~other_invept_) == 0) {
    return run_apart_ && !names_other_ ? BuilderRule::kInveptRunningView
                                       : BuilderRule::kInveptOtherView;
  }
  if ((needs_invept_ & ~invvpid_) == 0) return BuilderRule::kInvvpid;
  if (needs_invept_ == kAllProcessors && asked_invept_ == 0) {
    return BuilderRule::kInvept;
  }
  return (needs_invept_ & ~asked_invept_) == 0 ? BuilderRule::kInveptAwaited
                                               : BuilderRule::kInveptEverywhere;
}

void BuilderCheck::FindFlagsLost(const KeptFlags::Lost& lost) {
  findings_.push_back(MakeBuilderFinding(
      lost.between ? BuilderRule::kFlagsRaced : BuilderRule::kFlagsKept,
      lost.gpa, LevelAt(lost.gpa)));
  AddPage(findings_.back());
  findings_.back().sdm.reset();
  PageWords& words = findings_.back().facts.page;
  words.asked_level = words.found.level;
  words.asked = words.found.word | lost.flags;
  if (log_ == nullptr) return;
  log_->OnFlagsLost(lost.flags, findings_.back().level);
  if (lost.between) log_->OnFlagsRaced(lost.flags);
}

Leeway BuilderCheck::LeewayNow() const {
  if (facts_.on_demand) return Leeway::kOrLess;
  return or_absent_ ? Leeway::kOrAbsent : Leeway::kNone;
}

void BuilderCheck::CheckMemory() {
  for (const auto& [table, place] : linked_) {
    const FrameMemory::Frame& replayed = *room_.memory.Find(Hpa{table});
    const FrameMemory::Frame& found = *pool_.memory().Find(Hpa{table});
    if (replayed != found) Find(BuilderRule::kReported, table, place.level);
  }
}

BuilderFindings BuilderCheck::JudgeIteration(const std::vector<Interval>& shown,
                                             std::uint64_t gpa_end) const {
  std::uint64_t where;
  const Leeway leeway = facts_.on_demand ? Leeway::kOrLess : Leeway::kNone;
  if (IsOneOrOther(shown, 0, gpa_end, ComparedFlags(), model_, model_, where,
                   leeway)) {
    return {};
  }
  return {MakeBuilderFinding(BuilderRule::kIteration, where, LevelAt(where))};
}

void BuilderCheck::Find(BuilderRule rule, std::uint64_t where, int level) {
  if (const auto waiver = WaiverOf(rule); waiver && Waive(*waiver)) return;
  Take(MakeBuilderFinding(rule, where, level));
}

bool BuilderCheck::Waive(Waiver waiver) {
  if ((allowed_ & SetOf(waiver)) == 0) return false;
  waived_ |= SetOf(waiver);
  return true;
}

void BuilderCheck::Take(const BuilderFinding& finding) {
  findings_.push_back(finding);
  if (log_ != nullptr) log_->OnFinding(finding.rule, finding.level);
}

void BuilderCheck::AddPage(BuilderFinding& finding) const {
  AddPage(pool_.memory(), model_, finding);
}

void BuilderCheck::AddPage(const FrameMemory& memory, const MappingModel& asked,
                           BuilderFinding& finding) const {
  const std::uint64_t gpa = finding.where;
  const auto path = PathOf(facts_, memory, root_, gpa);
  if (path.empty()) return;
  PageWords& words = finding.facts.page;
  words.known = true;
  words.found = path[path.size() - 1];
  const FoundEntry& found = words.found;
  PageFacts is = {};
  if (IsPresent(facts_, found.word)) {
    const std::uint64_t offset = gpa & (EntryBytes(found.level) - 1);
    std::uint64_t rights = found.word & RightsMask(facts_);
    for (const FoundEntry& entry : path) rights &= entry.word;
    is = {true, AddressIn(found.word) + (offset & ~std::uint64_t{0xfff}),
          (found.word & kLeafFlags & ~RightsMask(facts_)) | rights};
  }
  const MappingModel::Run run = asked.At(gpa);
  finding.sdm =
      RuleOfPage(is, {run.mapped, run.hpa, run.flags}, ComparedFlags(), facts_);
  if (!run.mapped) return;
  words.asked_level = is.mapped ? found.level : 1;
  const std::uint64_t offset = gpa & (EntryBytes(words.asked_level) - 1);
  words.asked = (run.hpa - (offset & ~std::uint64_t{0xfff})) | run.flags |
                (words.asked_level > 1 ? std::uint64_t{0x80} : 0);
  if (!is.mapped) return;
  const std::uint64_t wanted =
      run.flags & found.word & RightsMask(facts_) & ~is.flags;
  for (const FoundEntry& entry : path) {
    words.taken = wanted & ~entry.word;
    if (words.taken == 0) continue;
    words.above = entry;
    return;
  }
}

bool BuilderCheck::AreTablesChanged() const {
  for (const auto& [table, place] : linked_) {
    const FrameMemory::Frame* before = room_.memory.Find(Hpa{table});
    const FrameMemory::Frame* after = pool_.memory().Find(Hpa{table});
    if (before == nullptr || after == nullptr) return true;
    for (std::size_t i = 0; i < before->size(); ++i) {
      const std::uint64_t changed = (*before)[i] ^ (*after)[i];
      if ((changed & ~kAccessedDirty) != 0) return true;
    }
  }
  return false;
}

void BuilderCheck::FindPage(BuilderRule rule, std::uint64_t where, int level,
                            const std::vector<Interval>& pages) {
  findings_.push_back(
      MakeBuilderFinding(RuleInView(rule, where, pages), where, level));
  if (rule == BuilderRule::kMapsAsAsked) {
    AddPage(findings_.back());
  } else {
    // While an operation is replayed, what it comes to is in `after_`: what is
    // nearer was meant.
    const auto distance = [&](const MappingModel& model) {
      const MappingModel::Run run = model.At(where);
      return !run.mapped
                 ? 64
                 : BitCount(FactsAt(pages, where),
                            {run.mapped, run.hpa, run.flags}, ComparedFlags());
    };
    AddPage(room_.memory, distance(model_) < distance(after_) ? model_ : after_,
            findings_.back());
  }
  // What a store has spoilt is not as asked in the end, either.
  const bool is_known =
      rule == BuilderRule::kMapsAsAsked &&
      std::any_of(findings_.begin(), findings_.end(),
                  [](const BuilderFinding& each) {
                    return each.rule == BuilderRule::kOldOrNew;
                  });
  if (log_ != nullptr && !is_known) log_->OnPage(where, FactsAt(pages, where));
}

void BuilderCheck::FindRefusal(const TableOperation& operation,
                               const TableResult& result, RefusalSet reasons,
                               int level) {
  findings_.push_back(
      MakeBuilderFinding(BuilderRule::kRefused, operation.gpa.value, level));
  const bool changed = AreTablesChanged();
  findings_.back().facts.refusal = {true, reasons, result.error, changed};
  if (log_ == nullptr) return;
  if (result.ok()) {
    log_->OnRefusal(changed ? Mistake::kDoneNotRefused : Mistake::kSaidDone,
                    static_cast<TableError>(std::countr_zero(reasons)));
  } else if (reasons == 0) {
    log_->OnRefusal(changed ? Mistake::kDoneThough : Mistake::kRefusedNotDone,
                    result.error);
  } else {
    log_->OnRefusal(Mistake::kRefusedOtherwise, result.error);
  }
}

void BuilderCheck::FindLeaks(const FrameMap<TreePlace>& linked) {
  const std::size_t allowed =
      facts_.spare_frames + facts_.companion_frames * linked.size();
  std::size_t spare = 0;
  for (const std::uint64_t frame : in_use_) {
    if (linked.contains(frame) || pool_.logs().IsLog(frame)) continue;
    if (++spare > allowed) FindLeak(frame);
  }
}

void BuilderCheck::FindLeak(std::uint64_t frame) {
  findings_.push_back(MakeBuilderFinding(BuilderRule::kLeak, frame));
  if (log_ == nullptr) return;
  // A frame that was taken and not needed after all is none of a new table; a
  // builder may have used its first word to keep it in a list.
  const FrameMemory::Frame& words = *pool_.memory().Find(Hpa{frame});
  const bool is_filled = std::any_of(
      words.begin() + 1, words.end(),
      [](std::uint64_t word) { return word != FramePool::kPoison; });
  log_->OnLeak(done_ && is_filled &&
               std::find(fresh_.begin(), fresh_.end(), frame) != fresh_.end());
}

void BuilderCheck::FindOrTolerate(BuilderRule rule, std::uint64_t where,
                                  int level) {
  if (log_ != nullptr) {
    if (rule == BuilderRule::kFreedEarly) {
      log_->OnFinding(rule, level);
    } else {
      LogMissing(rule, *log_);
    }
  }
  if (!tolerant_) {
    findings_.push_back(MakeBuilderFinding(rule, where, level));
    return;
  }
  tolerates_now_ = true;
  if (views_ != nullptr) {
    tolerated_now_.push_back(MakeBuilderFinding(rule, where, level));
  }
  if (!tolerated_.has_value()) {
    tolerated_ = MakeBuilderFinding(rule, where, level);
  }
}

RefusalSet BuilderCheck::Against(const TableOperation& operation) const {
  std::uint64_t leaf;
  return ReasonsAgainst(operation, facts_, model_, PageAt(operation.gpa, leaf));
}

PageNow BuilderCheck::PageAt(Gpa gpa, std::uint64_t& leaf) const {
  PageNow page{0};
  return FindLeaf(facts_, room_.memory, root_, gpa.value, leaf, page.level)
             ? page
             : PageNow{0};
}

int BuilderCheck::LevelAt(std::uint64_t gpa) const {
  std::uint64_t leaf;
  int level;
  return FindLeaf(facts_, pool_.memory(), root_, gpa, leaf, level) ? level : 0;
}

std::uint64_t BuilderCheck::ComparedFlags() const {
  const bool both = !facts_.accessed_dirty && !ignores_flags_;
  return ~OwnInLeaf(facts_) & (both ? ~0ull : ~kAccessedDirty);
}

}  // namespace eptdiff
