#include "oracle/builder/builder_check.h"

#include <algorithm>

namespace eptdiff {

BuilderCheck::BuilderCheck(FramePool& pool, const TableFacts& facts,
                           std::uint64_t eptp)
    : pool_(pool), facts_(facts), eptp_(eptp), root_{AddressIn(eptp)} {
  events_ = pool_.TakeEvents();
  for (TableEvent& event : events_) Replay(event);
  linked_.emplace(root_.value, TreePlace{facts.levels, 0, RightsMask(facts)});
  CheckEnd();
}

BuilderFindings BuilderCheck::Judge(const TableOperation& operation,
                                    const TableResult& result) {
  findings_.clear();
  happenings_ = 0;
  // What was tolerated is needed still.
  needs_invept_ = needed_invept_ = needs_invept_ && tolerant_;
  invepts_ = 0;
  std::uint64_t leaf = 0;
  PageNow page{0};
  if (!FindLeaf(facts_, memory_, root_, operation.gpa.value, leaf,
                page.level)) {
    page.level = 0;
  }
  const RefusalSet reasons = ReasonsAgainst(operation, facts_, model_, page);
  const bool no_frames =
      result.error == TableError::kNoFrames && pool_.failed();
  const bool is_right =
      no_frames ||
      (reasons == 0 ? result.ok() : (reasons & Only(result.error)) != 0);
  if (!is_right) Find(BuilderRule::kRefused, operation.gpa.value, page.level);

  after_ = model_;
  if (result.ok() && is_right) ApplyToModel(operation, page, after_);
  flags_may_go_ = operation.kind == TableOperationKind::kClearFlags ||
                  operation.kind == TableOperationKind::kRemap;
  if (operation.kind == TableOperationKind::kClearFlags &&
      !facts_.accessed_dirty) {
    ignores_flags_ = true;
  }
  events_ = pool_.TakeEvents();
  for (TableEvent& event : events_) {
    const bool changes = event.kind == TableEvent::Kind::kStore &&
                         event.before != event.after &&
                         linked_.contains(event.address.value & ~0xfffull);
    if (changes && !result.ok()) {
      Find(BuilderRule::kUntouched, event.address.value,
           linked_.at(event.address.value & ~0xfffull).level);
    }
    Replay(event);
    if (findings_.size() > 8) return findings_;
  }
  model_ = after_;
  CheckEnd();
  return findings_;
}

BuilderFindings BuilderCheck::JudgeEnd() {
  findings_.clear();
  needs_invept_ = needed_invept_ = !model_.empty();
  invepts_ = 0;
  // The VMM uses the root no more; processors may have cached what it mapped.
  for (const auto& [table, place] : linked_) {
    if (needs_invept_) waiting_.emplace(table, place.level);
  }
  linked_.clear();
  happenings_ = 0;
  events_ = pool_.TakeEvents();
  for (TableEvent& event : events_) Replay(event);
  if (needs_invept_) Find(BuilderRule::kInvept, root_.value, facts_.levels);
  for (const std::uint64_t frame : in_use_) Find(BuilderRule::kLeak, frame);
  return findings_;
}

void BuilderCheck::AfterAccess() {
  for (TableEvent& event : pool_.TakeEvents()) Replay(event);
}

void BuilderCheck::Replay(TableEvent& event) {
  if (event.kind != TableEvent::Kind::kStore) filled_ = nullptr;
  switch (event.kind) {
    case TableEvent::Kind::kAllocate:
      memory_.Fill(event.address, FramePool::kPoison);
      in_use_.insert(event.address.value);
      return;
    case TableEvent::Kind::kFree:
      ReplayFree(event.address);
      return;
    case TableEvent::Kind::kStore:
      ReplayStore(event);
      return;
    case TableEvent::Kind::kInvept:
      ReplayInvept(event.after);
      return;
    case TableEvent::Kind::kFlags:
      happenings_ |= SetOf(Happening::kFlagsMeanwhile);
      if (std::uint64_t* word = memory_.At(event.address)) {
        *word |= event.before ^ event.after;
      }
      return;
  }
}

void BuilderCheck::ReplayFree(Hpa frame) {
  happenings_ |= SetOf(Happening::kFrameFreed);
  if (in_use_.erase(frame.value) == 0) {
    Find(BuilderRule::kFreedTwice, frame.value);
  } else if (const auto table = linked_.find(frame.value);
             table != linked_.end()) {
    Find(BuilderRule::kFreedLinked, frame.value, table->second.level);
  } else if (const auto table = waiting_.find(frame.value);
             table != waiting_.end()) {
    FindOrTolerate(BuilderRule::kFreedEarly, frame.value, table->second);
    waiting_.erase(table);
  }
}

void BuilderCheck::ReplayInvept(std::uint64_t eptp) {
  happenings_ |= SetOf(Happening::kInvept);
  if (eptp != eptp_) Find(BuilderRule::kInveptEptp, eptp);
  if (!needed_invept_) Find(BuilderRule::kInveptNeeded, root_.value);
  if (++invepts_ > 1) Find(BuilderRule::kInveptOnce, root_.value);
  needs_invept_ = false;
  waiting_.clear();
}

void BuilderCheck::ReplayStore(TableEvent& event) {
  const std::uint64_t frame = event.address.value & ~0xfffull;
  // A table is filled, word by word, before it is linked.
  if (filled_ != nullptr && frame == filled_frame_) {
    (*filled_)[event.address.value / 8 % 512] = event.after;
    return;
  }
  std::uint64_t* word = memory_.At(event.address);
  if (word == nullptr || !in_use_.contains(frame)) {
    Find(BuilderRule::kOwnFrames, event.address.value);
    return;
  }
  const auto table = linked_.find(frame);
  if (table == linked_.end()) {
    *word = event.after;
    filled_frame_ = frame;
    filled_ = memory_.Find(Hpa{frame});
  } else {
    if (*word != event.before) {
      // Waiting frames are chained through their words, unreported; what is
      // linked is not.
      Find(BuilderRule::kReported, event.address.value, table->second.level);
    }
    event.level = table->second.level;
    ChangeEntry(event, TreePlace(table->second));
    filled_ = nullptr;
  }
}

void BuilderCheck::ChangeEntry(const TableEvent& event,
                               const TreePlace& table) {
  TreePlace place = table;
  place.gpa += event.address.value / 8 % 512 * EntryBytes(table.level);
  std::uint64_t& word = *memory_.At(event.address);
  const TableImage before =
      ReadEntry(facts_, memory_, word, place, event.address);
  const bool needs = ChangeNeedsInvept(facts_, word, event.after, place.level);
  const bool stays_a_table =
      IsPresent(facts_, word) && IsPresent(facts_, event.after) &&
      !IsLeaf(word, place.level) && !IsLeaf(event.after, place.level) &&
      AddressIn(word) == AddressIn(event.after);
  if (stays_a_table && ((word ^ event.after) & (kIgnoredBits | 1ull << 63))) {
    Find(BuilderRule::kIgnoredBits, event.address.value, place.level);
  }
  NoteChange(word, event.after, place.level);
  word = event.after;
  if (needs) NoteInveptNeeded(event.address, place.level);

  for (const auto& [address, unlinked] : before.tables) {
    linked_.erase(address);
    if (needs) waiting_.emplace(address, unlinked.level);
  }
  const TableImage after =
      ReadEntry(facts_, memory_, word, place, event.address);
  findings_.insert(findings_.end(), after.findings.begin(),
                   after.findings.end());
  for (const auto& [address, linked] : after.tables) {
    waiting_.erase(address);
    if (!linked_.emplace(address, linked).second) {
      Find(BuilderRule::kTree, address, linked.level);
    }
  }
  std::uint64_t where;
  if (!IsOneOrOther(after.pages, place.gpa, EntryBytes(place.level),
                    ComparedFlags(), model_, after_, where)) {
    Find(BuilderRule::kOldOrNew, where, place.level);
  }
  if (facts_.accessed_dirty && !flags_may_go_) CheckFlagsKept(before, after);
}

void BuilderCheck::CheckFlagsKept(const TableImage& before,
                                  const TableImage& after) {
  auto now = after.pages.begin();
  for (const Interval& page : before.pages) {
    const std::uint64_t end = page.gpa + page.bytes;
    while (now != after.pages.end() && now->gpa + now->bytes <= page.gpa) ++now;
    for (auto each = now; each != after.pages.end() && each->gpa < end;
         ++each) {
      if ((page.flags & ~each->flags & kAccessedDirty) == 0) continue;
      const std::uint64_t gpa = std::max(page.gpa, each->gpa);
      Find(BuilderRule::kFlagsKept, gpa, LevelAt(gpa));
      return;
    }
  }
}

void BuilderCheck::CheckEnd() {
  if (needs_invept_) {
    FindOrTolerate(BuilderRule::kInvept, invept_entry_.value, invept_level_);
  }
  if (!findings_.empty()) return;
  const TableImage image = ReadTree(facts_, pool_.memory(), root_);
  findings_ = image.findings;
  if (!findings_.empty()) return;
  std::uint64_t where;
  if (!IsOneOrOther(image.pages, 0, ~0ull, ComparedFlags(), model_, model_,
                    where)) {
    Find(BuilderRule::kMapsAsAsked, where, LevelAt(where));
  }
  for (const std::uint64_t table : image.empty_tables) {
    if (table != root_.value) {
      Find(BuilderRule::kEmptyTable, table, image.tables.at(table).level);
    }
  }
  for (const std::uint64_t frame : in_use_) {
    if (!image.tables.contains(frame)) Find(BuilderRule::kLeak, frame);
  }
  for (const auto& [table, place] : image.tables) {
    if (!in_use_.contains(table)) {
      Find(BuilderRule::kFreedLinked, table, place.level);
    }
  }
  CheckMemory();
}

void BuilderCheck::CheckMemory() {
  for (const auto& [table, place] : linked_) {
    const FrameMemory::Frame& replayed = *memory_.Find(Hpa{table});
    const FrameMemory::Frame& found = *pool_.memory().Find(Hpa{table});
    if (replayed != found) Find(BuilderRule::kReported, table, place.level);
  }
}

BuilderFindings BuilderCheck::JudgeIteration(const std::vector<Interval>& shown,
                                             std::uint64_t gpa_end) const {
  std::uint64_t where;
  if (IsOneOrOther(shown, 0, gpa_end, ComparedFlags(), model_, model_, where)) {
    return {};
  }
  return {MakeBuilderFinding(BuilderRule::kIteration, where, LevelAt(where))};
}

void BuilderCheck::NoteChange(std::uint64_t before, std::uint64_t after,
                              int level) {
  const bool was = IsPresent(facts_, before);
  const bool is = IsPresent(facts_, after);
  const bool was_page = was && IsLeaf(before, level);
  const bool is_page = is && IsLeaf(after, level);
  const auto note = [this](Happening happening) {
    happenings_ |= SetOf(happening);
  };
  if (was_page && is && !is_page) {
    note(level == 2 ? Happening::kSplit2MByte : Happening::kSplit1GByte);
  } else if (is_page && was && !was_page) {
    note(level == 2 ? Happening::kMerged2MByte : Happening::kMerged1GByte);
  } else if (was_page || is_page) {
    note(!was  ? Happening::kPageAdded
         : !is ? Happening::kPageRemoved
               : Happening::kPageChanged);
  } else {
    if (is) note(Happening::kTableLinked);
    if (was) note(Happening::kTableUnlinked);
  }
}

void BuilderCheck::NoteInveptNeeded(Hpa entry, int level) {
  if (!needs_invept_) {
    invept_entry_ = entry;
    invept_level_ = level;
  }
  needs_invept_ = needed_invept_ = true;
}

void BuilderCheck::Find(BuilderRule rule, std::uint64_t where, int level) {
  findings_.push_back(MakeBuilderFinding(rule, where, level));
}

void BuilderCheck::FindOrTolerate(BuilderRule rule, std::uint64_t where,
                                  int level) {
  if (!tolerant_) return Find(rule, where, level);
  if (!tolerated_.has_value()) {
    tolerated_ = MakeBuilderFinding(rule, where, level);
  }
}

int BuilderCheck::LevelAt(std::uint64_t gpa) const {
  std::uint64_t leaf;
  int level;
  return FindLeaf(facts_, pool_.memory(), root_, gpa, leaf, level) ? level : 0;
}

std::uint64_t BuilderCheck::ComparedFlags() const {
  return facts_.accessed_dirty || ignores_flags_ ? ~kAccessedDirty : ~0ull;
}

}  // namespace eptdiff
