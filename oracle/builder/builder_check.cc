#include "oracle/builder/builder_check.h"

#include <algorithm>

namespace eptdiff {

BuilderCheck::BuilderCheck(FramePool& pool, const TableFacts& facts,
                           std::uint64_t eptp)
    : pool_(pool), facts_(facts), eptp_(eptp), root_{AddressIn(eptp)} {
  for (const TableEvent& event : pool_.TakeEvents()) Replay(event);
  linked_.emplace(root_.value, TreePlace{facts.levels, 0, RightsMask(facts)});
  CheckEnd();
}

BuilderFindings BuilderCheck::Judge(const TableOperation& operation,
                                    const TableResult& result) {
  findings_.clear();
  needs_invept_ = needed_invept_ = false;
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
  if (!is_right) Find(BuilderRule::kRefused, operation.gpa.value);

  after_ = model_;
  if (result.ok() && is_right) ApplyToModel(operation, page, after_);
  flags_may_go_ = operation.kind == TableOperationKind::kClearFlags ||
                  operation.kind == TableOperationKind::kRemap;
  for (const TableEvent& event : pool_.TakeEvents()) {
    const bool changes = event.kind == TableEvent::Kind::kStore &&
                         event.before != event.after &&
                         linked_.contains(event.address.value & ~0xfffull);
    if (changes && !result.ok()) {
      Find(BuilderRule::kUntouched, event.address.value);
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
    if (needs_invept_) waiting_.insert(table);
  }
  linked_.clear();
  for (const TableEvent& event : pool_.TakeEvents()) Replay(event);
  if (needs_invept_) Find(BuilderRule::kInvept, root_.value);
  for (const std::uint64_t frame : in_use_) Find(BuilderRule::kLeak, frame);
  return findings_;
}

void BuilderCheck::NoteStore(Hpa address, std::uint64_t word) {
  std::uint64_t* at = memory_.At(address);
  if (at != nullptr) *at = word;
}

void BuilderCheck::Replay(const TableEvent& event) {
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
  }
}

void BuilderCheck::ReplayFree(Hpa frame) {
  if (in_use_.erase(frame.value) == 0) {
    Find(BuilderRule::kFreedTwice, frame.value);
  } else if (linked_.contains(frame.value)) {
    Find(BuilderRule::kFreedLinked, frame.value);
  } else if (waiting_.contains(frame.value)) {
    Find(BuilderRule::kFreedEarly, frame.value);
  }
}

void BuilderCheck::ReplayInvept(std::uint64_t eptp) {
  if (eptp != eptp_) Find(BuilderRule::kInveptEptp, eptp);
  if (!needed_invept_) Find(BuilderRule::kInveptNeeded, root_.value);
  if (++invepts_ > 1) Find(BuilderRule::kInveptOnce, root_.value);
  needs_invept_ = false;
  waiting_.clear();
}

void BuilderCheck::ReplayStore(const TableEvent& event) {
  const std::uint64_t frame = event.address.value & ~0xfffull;
  std::uint64_t* word = memory_.At(event.address);
  if (word == nullptr || !in_use_.contains(frame)) {
    Find(BuilderRule::kOwnFrames, event.address.value);
    return;
  }
  const auto table = linked_.find(frame);
  if (table == linked_.end()) {
    *word = event.after;
  } else {
    if (*word != event.before) {
      // Waiting frames are chained through their words, unreported; what is
      // linked is not.
      Find(BuilderRule::kReported, event.address.value);
    }
    ChangeEntry(event, TreePlace(table->second));
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
    Find(BuilderRule::kIgnoredBits, event.address.value);
  }
  word = event.after;
  needs_invept_ = needs_invept_ || needs;
  needed_invept_ = needed_invept_ || needs;

  for (const auto& [address, unlinked] : before.tables) {
    linked_.erase(address);
    if (needs) waiting_.insert(address);
  }
  const TableImage after =
      ReadEntry(facts_, memory_, word, place, event.address);
  findings_.insert(findings_.end(), after.findings.begin(),
                   after.findings.end());
  for (const auto& [address, linked] : after.tables) {
    waiting_.erase(address);
    if (!linked_.emplace(address, linked).second) {
      Find(BuilderRule::kTree, address);
    }
  }
  std::uint64_t where;
  if (!IsOneOrOther(after.pages, place.gpa, EntryBytes(place.level),
                    ComparedFlags(), model_, after_, where)) {
    Find(BuilderRule::kOldOrNew, where);
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
      Find(BuilderRule::kFlagsKept, std::max(page.gpa, each->gpa));
      return;
    }
  }
}

void BuilderCheck::CheckEnd() {
  if (needs_invept_) Find(BuilderRule::kInvept, root_.value);
  if (!findings_.empty()) return;
  const TableImage image = ReadTree(facts_, pool_.memory(), root_);
  findings_ = image.findings;
  if (!findings_.empty()) return;
  std::uint64_t where;
  if (!IsOneOrOther(image.pages, 0, ~0ull, ComparedFlags(), model_, model_,
                    where)) {
    Find(BuilderRule::kMapsAsAsked, where);
  }
  for (const std::uint64_t table : image.empty_tables) {
    if (table != root_.value) Find(BuilderRule::kEmptyTable, table);
  }
  for (const std::uint64_t frame : in_use_) {
    if (!image.tables.contains(frame)) Find(BuilderRule::kLeak, frame);
  }
  for (const auto& [table, place] : image.tables) {
    if (!in_use_.contains(table)) Find(BuilderRule::kFreedLinked, table);
  }
  CheckMemory();
}

void BuilderCheck::CheckMemory() {
  for (const auto& [table, place] : linked_) {
    const FrameMemory::Frame& replayed = *memory_.Find(Hpa{table});
    const FrameMemory::Frame& found = *pool_.memory().Find(Hpa{table});
    if (replayed != found) Find(BuilderRule::kReported, table);
  }
}

BuilderFindings BuilderCheck::JudgeIteration(const std::vector<Interval>& shown,
                                             std::uint64_t gpa_end) const {
  std::uint64_t where;
  if (IsOneOrOther(shown, 0, gpa_end, ComparedFlags(), model_, model_, where)) {
    return {};
  }
  return {MakeBuilderFinding(BuilderRule::kIteration, where)};
}

void BuilderCheck::Find(BuilderRule rule, std::uint64_t where) {
  findings_.push_back(MakeBuilderFinding(rule, where));
}

std::uint64_t BuilderCheck::ComparedFlags() const {
  return facts_.accessed_dirty ? ~kAccessedDirty : ~0ull;
}

}  // namespace eptdiff
