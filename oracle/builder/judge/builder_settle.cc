// BuilderCheck's look at operations during which no processor uses the tables:
// what was there before, against what is there after.
//
//   room_.memory: the tables before -.
//                               >- the entries that differ: flags, INVEPT, ...
//   the pool: the tables now  -'
//
// What mappings come of it CheckEnd() sees.
#include "oracle/builder/judge/builder_check.h"

namespace eptdiff {

void BuilderCheck::Settle() {
  FollowAll();
  CompareTable(root_, {facts_.levels, 0, RightsMask(facts_)});
  SettleInvept();
  TakeMemory();
  for (const TableEvent& event : room_.events) {
    if (event.kind == TableEvent::Kind::kReleased) ReplayRelease(event);
  }
}

void BuilderCheck::FollowAll() {
  for (TableEvent& event : room_.events) Follow(event);
}

// Frames are where they are, whatever is in them.
void BuilderCheck::Follow(TableEvent& event) {
  const std::uint64_t frame = event.address.value & ~0xfffull;
  switch (event.kind) {
    case TableEvent::Kind::kAllocate:
      NoteAllocated(event.address);
      return;
    case TableEvent::Kind::kFree:
      happenings_ |= SetOf(Happening::kFrameFreed);
      if (log_ != nullptr) log_->OnFreed();
      if (in_use_.erase(frame) == 0 && leads_) {
        Find(BuilderRule::kFreedTwice, frame);
      }
      return;
    case TableEvent::Kind::kStore:
      if (!in_use_.contains(frame)) {
        FindForeignStore(event.address, pool_.memory());
      }
      if (const auto table = linked_.find(frame); table != linked_.end()) {
        event.level = table->second.level;
      }
      return;
    case TableEvent::Kind::kInvept:
      NoteInvept(event);
      return;
    case TableEvent::Kind::kAsked:
      if (!IsForOtherView(event)) asked_invept_ |= event.processors;
      return;
    case TableEvent::Kind::kInvvpid:
      NoteInvvpid(event);
      return;
    case TableEvent::Kind::kWritten:
      ReplayWrite(event);
      return;
    case TableEvent::Kind::kFlags:
    case TableEvent::Kind::kBetween:
    case TableEvent::Kind::kTurn:
    case TableEvent::Kind::kReleased:
      return;
  }
}

void BuilderCheck::CompareTable(Hpa table, const TreePlace& place) {
  const FrameMemory::Frame& before = *room_.memory.Find(table);
  const FrameMemory::Frame& after = *pool_.memory().Find(table);
  TreePlace at = place;
  for (std::uint64_t i = 0; i < before.size(); ++i) {
    const Hpa address{table.value + 8 * i};
    if (before[i] != after[i]) {
      CompareEntry(address, before[i], after[i], at);
    } else if (IsPresent(facts_, before[i]) && !IsLeaf(before[i], at.level)) {
      CompareTable(Hpa{AddressIn(before[i])},
                   {at.level - 1, at.gpa, at.rights & before[i]});
    }
    at.gpa += EntryBytes(place.level);
  }
}

void BuilderCheck::CompareEntry(Hpa address, std::uint64_t before,
                                std::uint64_t after, const TreePlace& place) {
  if (!done_) CheckUntouched(address, before, after, pool_.memory(), place);
  if (ChangeNeedsInvept(facts_, before, after, place.level)) {
    NoteInveptNeeded(address, place.level);
  }
  NoteChange(before, after, place.level);
  if (StaysATable(before, after, place.level)) {
    CheckIgnoredBits(address, before, after, place.level);
    return CompareTable(Hpa{AddressIn(before)},
                        {place.level - 1, place.gpa, place.rights & before});
  }
  ReadEntry(facts_, room_.memory, before, place, address, room_.was);
  ReadEntry(facts_, pool_.memory(), after, place, address, room_.is);
  if (log_ != nullptr) {
    log_->OnChange(before, after, place.level, room_.was.pages, room_.is.pages);
    NoteUnfilled(room_.is, pool_.memory());
  }
  NoteUnmapped();
  taken_.OnChange(room_.was.pages, room_.is.pages);
  CheckFlagsKept(KeptFlags::Until::kNow);
}

// No processor caches anything meanwhile: whenever INVEPT comes, it is for all
// that changes.
void BuilderCheck::SettleInvept() {
  (all_contexts_ ? needless_for_all_ : needless_invept_) |=
      done_invept_ != 0 && !needed_invept_;
  if (repeated_invept_ && !at_once_)
    Find(BuilderRule::kInveptOnce, root_.value);
  needs_invept_ &= static_cast<ProcessorSet>(~done_invept_);
}

void BuilderCheck::TakeMemory() {
  for (const std::uint64_t frame : in_use_) {
    room_.memory.Copy(Hpa{frame}, *pool_.memory().Find(Hpa{frame}));
  }
}

}  // namespace eptdiff
