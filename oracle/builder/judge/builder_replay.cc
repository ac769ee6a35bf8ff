// BuilderCheck's replay: what the builder did, event by event.
#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "oracle/builder/judge/builder_check.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kDirty = 0x200;

}  // namespace

void BuilderCheck::ReplayAll() {
  for (TableEvent& event : room_.events) {
    if (filled_ != nullptr && event.kind == TableEvent::Kind::kStore &&
        (event.address.value & ~0xfffull) == filled_frame_) {
      // A table is filled, word by word, before it is linked.
      (*filled_)[event.address.value / 8 % 512] = event.after;
      continue;
    }
    if (!done_ && event.kind == TableEvent::Kind::kStore &&
        event.before != event.after) {
      const auto table = linked_.find(event.address.value & ~0xfffull);
      if (table != linked_.end()) {
        CheckUntouched(event.address, event.before, event.after, room_.memory,
                       table->second);
      }
    }
    Replay(event);
    if (findings_.size() > kManyFindings) return;
  }
}

// An empty table that stays where it may is one whatever came of the operation.
void BuilderCheck::CheckUntouched(Hpa address, std::uint64_t before,
                                  std::uint64_t after, const FrameMemory& now,
                                  const TreePlace& place) {
  const auto maps_nothing = [&](std::uint64_t entry,
                                const FrameMemory& memory) {
    ReadEntry(facts_, memory, entry, place, address, room_.is);
    return room_.is.pages.empty() && room_.is.findings.empty();
  };
  if (maps_nothing(before, room_.memory) && maps_nothing(after, now) &&
      Waive(Waiver::kEmptyTables)) {
    return;
  }
  Find(BuilderRule::kUntouched, address.value, place.level);
}

void BuilderCheck::Replay(TableEvent& event) {
  if (event.kind != TableEvent::Kind::kStore) filled_ = nullptr;
  switch (event.kind) {
    case TableEvent::Kind::kAllocate:
      room_.memory.Fill(event.address, FramePool::kPoison);
      NoteAllocated(event.address);
      return;
    case TableEvent::Kind::kFree:
      if (event.failed && leads_) {
        Find(BuilderRule::kLogFreed, event.address.value);
      }
      ReplayFree(event.address);
      return;
    case TableEvent::Kind::kStore:
      ReplayStore(event);
      return;
    case TableEvent::Kind::kInvept:
      ReplayInvept(event);
      return;
    case TableEvent::Kind::kAsked:
      if (!IsForOtherView(event)) asked_invept_ |= event.processors;
      return;
    case TableEvent::Kind::kInvvpid:
      NoteInvvpid(event);
      return;
    case TableEvent::Kind::kFlags:
      ReplayFlags(event);
      return;
    case TableEvent::Kind::kReleased:
      ReplayRelease(event);
      return;
    case TableEvent::Kind::kWritten:
      ReplayWrite(event);
      return;
    case TableEvent::Kind::kBetween:
      came_in_ = true;
      return;
    case TableEvent::Kind::kTurn:
      return;
  }
}

void BuilderCheck::ReplayFlags(const TableEvent& event) {
  happenings_ |= SetOf(Happening::kFlagsMeanwhile);
  std::uint64_t* word = room_.memory.At(event.address);
  if (word == nullptr) return;
  const std::uint64_t flags = event.before ^ event.after;
  *word |= flags;
  const std::uint64_t frame = event.address.value & ~0xfffull;
  const auto waiting = waiting_.find(frame);
  const auto linked = linked_.find(frame);
  const bool is_linked = waiting == waiting_.end();
  if (is_linked && linked == linked_.end()) return;
  // What goes here and stays in another view has its flags there.
  if (!is_linked && WasShared(frame)) return;
  const TreePlace& table = is_linked ? linked->second : waiting->second;
  if (!IsLeaf(*word, table.level)) return;
  const std::uint64_t bytes = EntryBytes(table.level);
  const std::uint64_t gpa = table.gpa + event.address.value / 8 % 512 * bytes;
  kept_flags_.OnSet({gpa, 0, bytes, flags}, is_linked);
  if (!is_linked) taken_.OnFlags(gpa, bytes, flags);
}

void BuilderCheck::ReplayFree(Hpa frame) {
  happenings_ |= SetOf(Happening::kFrameFreed);
  if (log_ != nullptr) log_->OnFreed();
  if (in_use_.erase(frame.value) == 0) {
    if (leads_) Find(BuilderRule::kFreedTwice, frame.value);
  } else if (const auto table = linked_.find(frame.value);
             table != linked_.end()) {
    Find(WasShared(frame.value) ? BuilderRule::kFreedShared
                                : BuilderRule::kFreedLinked,
         frame.value, table->second.level);
  } else if (const auto table = waiting_.find(frame.value);
             table != waiting_.end()) {
    FindOrTolerate(BuilderRule::kFreedEarly, frame.value, table->second.level);
    waiting_.erase(frame.value);
  }
}

bool BuilderCheck::NoteInvept(const TableEvent& event) {
  happenings_ |= SetOf(Happening::kInvept);
  if (event.failed) {
    if (leads_) Find(BuilderRule::kInveptFails, event.after);
    return false;
  }
  if (IsForOtherView(event)) {
    NoteOtherInvept(event);
    return false;
  }
  if (event.type != kAllContexts && event.after != eptp_) {
    if (!leads_) return false;
    Find(BuilderRule::kInveptEptp, event.after);
  }
  asked_invept_ &= static_cast<ProcessorSet>(~event.processors);
  // Of several views each may need it, of this kind too.
  const bool for_all = views_ != nullptr && event.type == kAllContexts;
  all_contexts_ |= for_all;
  repeated_invept_ |= !for_all && (done_invept_ & event.processors) != 0;
  done_invept_ |= event.processors;
  return true;
}

void BuilderCheck::NoteInvvpid(const TableEvent& event) {
  if (event.failed) {
    if (leads_) Find(BuilderRule::kInvvpidFails, event.after);
  } else {
    invvpid_ |= event.processors;
  }
}

void BuilderCheck::ReplayInvept(const TableEvent& event) {
  const bool was_repeated = repeated_invept_;
  if (!NoteInvept(event)) return;
  if (repeated_invept_ && !was_repeated && !at_once_) {
    Find(BuilderRule::kInveptOnce, root_.value);
  }
  // Whether it is needless, or comes too early, is known at the end.
  (all_contexts_ ? needless_for_all_ : needless_invept_) |= !needed_invept_;
  needs_invept_ &= static_cast<ProcessorSet>(~event.processors);
  waiting_.EraseIf([&](Waiting& table) {
    table.processors &= static_cast<ProcessorSet>(~event.processors);
    return table.processors == 0;
  });
  for (Gone& each : gone_) {
    each.processors &= static_cast<ProcessorSet>(~event.processors);
  }
  std::erase_if(gone_, [](const Gone& each) { return each.processors == 0; });
}

void BuilderCheck::ReplayRelease(const TableEvent& event) {
  const auto overlaps = [&](const Interval& page) {
    return page.hpa < event.address.value + event.after &&
           event.address.value < page.hpa + page.bytes;
  };
  bool early = std::any_of(gone_.begin(), gone_.end(), [&](const Gone& each) {
    return overlaps(each.page);
  });
  // The same memory may be mapped elsewhere, too, which is not what is over.
  const bool was_unmapped =
      std::any_of(unmapped_.begin(), unmapped_.end(), overlaps);
  bool mapped = !is_end_ && !leads_ && IsMappedStill(event);
  if (is_end_ ? needs_invept_ != 0 : !was_unmapped && leads_) {
    ReadTree(facts_, room_.memory, root_, room_.is);
    const auto& pages = room_.is.pages;
    mapped = std::any_of(pages.begin(), pages.end(), overlaps);
  }
  early = early || (is_end_ && mapped);
  // Which of two operations at once has released it nobody says.
  if (at_once_ && views_ != nullptr) mapped = false;
  if (early) {
    Find(BuilderRule::kReleasedEarly, event.address.value);
  } else if (mapped) {
    Find(BuilderRule::kReleasedMapped, event.address.value);
  } else if (log_ != nullptr) {
    log_->MayBe(Mistake::kReleasedMapped);
    log_->MayBe(Mistake::kReleasedEarly);
  }
}

void BuilderCheck::FindForeignStore(Hpa address, const FrameMemory& memory) {
  if (!leads_) return;
  Find(IsInLargePage(facts_, memory, root_, address)
           ? BuilderRule::kLargePageData
           : BuilderRule::kOwnFrames,
       address.value);
}

void BuilderCheck::ReplayStore(TableEvent& event) {
  const std::uint64_t frame = event.address.value & ~0xfffull;
  std::uint64_t* word = room_.memory.At(event.address);
  if (word == nullptr || !in_use_.contains(frame)) {
    FindForeignStore(event.address, room_.memory);
    return;
  }
  const auto table = linked_.find(frame);
  if (table == linked_.end()) {
    *word = event.after;
    if (Waiting* waiting = waiting_.Find(frame)) {
      waiting->refilled |=
          event.before != event.after && IsPresent(facts_, event.after);
      return;
    }
    filled_frame_ = frame;
    filled_ = room_.memory.Find(Hpa{frame});
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
  std::uint64_t& word = *room_.memory.At(event.address);
  ReadEntry(facts_, room_.memory, word, place, event.address, room_.was);
  const bool needs = ChangeNeedsInvept(facts_, word, event.after, place.level);
  if (StaysATable(word, event.after, place.level)) {
    CheckIgnoredBits(event.address, word, event.after, place.level);
  }
  NoteChange(word, event.after, place.level);
  if ((word & ~event.after & kDirty) != 0 &&
      (kept_flags_.SetBetween(place.gpa) & kDirty) != 0) {
    write_log_.OnFlagLost(place.gpa, EntryBytes(place.level), view_);
  }
  const std::uint64_t previous = std::exchange(word, event.after);
  if (needs) {
    NoteInveptNeeded(event.address, place.level);
    for (const Interval& page : room_.was.pages) gone_.push_back({page});
  }

  for (const auto& [address, unlinked] : room_.was.tables) {
    linked_.erase(address);
    if (needs) waiting_.insert(address, {unlinked});
  }
  ReadEntry(facts_, room_.memory, word, place, event.address, room_.is);
  if (log_ != nullptr) {
    log_->OnChange(previous, word, place.level, room_.was.pages,
                   room_.is.pages);
    NoteUnfilled(room_.is, room_.memory);
  }
  for (const BuilderFinding& finding : room_.is.findings) Take(finding);
  for (const auto& [address, linked] : room_.is.tables) {
    LinkWaiting(address, linked);
    if (!linked_.insert(address, linked)) {
      Find(BuilderRule::kTree, address, linked.level);
    }
  }
  std::uint64_t where, unused;
  if (!IsOldOrNew(place, LeewayNow(), where) &&
      !(!facts_.on_demand && IsOldOrNew(place, Leeway::kOrAbsent, unused) &&
        Waive(Waiver::kBreakBeforeMake))) {
    FindPage(BuilderRule::kOldOrNew, where, place.level, room_.is.pages);
  }
  NoteUnmapped();
  taken_.OnChange(room_.was.pages, room_.is.pages);
  const bool merges =
      IsPresent(facts_, previous) && !IsLeaf(previous, place.level) &&
      IsPresent(facts_, event.after) && IsLeaf(event.after, place.level);
  CheckFlagsKept(merges ? KeptFlags::Until::kTheEnd : KeptFlags::Until::kNow);
}

void BuilderCheck::LinkWaiting(std::uint64_t address, const TreePlace& place) {
  const Waiting* waiting = waiting_.Find(address);
  if (waiting == nullptr) return;
  // At its own place processors find there what they may.
  if (waiting->refilled &&
      (waiting->gpa != place.gpa || waiting->level != place.level)) {
    FindOrTolerate(BuilderRule::kFreedEarly, address, waiting->level);
  }
  waiting_.erase(address);
}

bool BuilderCheck::IsOldOrNew(const TreePlace& place, Leeway leeway,
                              std::uint64_t& where) const {
  std::array<const MappingModel*, kMaxModels> models = {&model_, &after_};
  std::size_t count = 2;
  for (const MappingModel& other : others_) models[count++] = &other;
  return IsAnyOf(room_.is.pages, place.gpa, EntryBytes(place.level),
                 ComparedFlags(), std::span(models).first(count), where,
                 leeway);
}

bool BuilderCheck::StaysATable(std::uint64_t before, std::uint64_t after,
                               int level) const {
  return IsPresent(facts_, before) && IsPresent(facts_, after) &&
         !IsLeaf(before, level) && !IsLeaf(after, level) &&
         AddressIn(before) == AddressIn(after);
}

void BuilderCheck::CheckIgnoredBits(Hpa address, std::uint64_t before,
                                    std::uint64_t after, int level) {
  const std::uint64_t ignored = (kIgnoredBits | 1ull << 63) & ~facts_.own;
  if (((before ^ after) & ignored) != 0) {
    Find(BuilderRule::kIgnoredBits, address.value, level);
  }
}

void BuilderCheck::CheckFlagsKept(KeptFlags::Until until) {
  if (!facts_.accessed_dirty || WasShared(room_.was.tables)) return;
  const auto lost =
      kept_flags_.OnChange(room_.was.pages, room_.is.pages, until);
  if (lost.has_value()) FindFlagsLost(*lost);
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

void BuilderCheck::NoteUnmapped() {
  const auto end_of = [](const Interval& page) {
    return page.gpa + page.bytes;
  };
  const auto note = [this](const Interval& page, std::uint64_t begin,
                           std::uint64_t end) {
    if (begin >= end) return;
    unmapped_.push_back(
        {begin, page.hpa + (begin - page.gpa), end - begin, page.flags});
  };
  for (const Interval& page : room_.was.pages) {
    std::uint64_t gpa = page.gpa;
    for (const Interval& kept : room_.is.pages) {
      const bool stays = kept.gpa - kept.hpa == page.gpa - page.hpa;
      if (!stays || end_of(kept) <= gpa) continue;
      if (kept.gpa >= end_of(page)) break;
      note(page, gpa, kept.gpa);
      gpa = end_of(kept);
    }
    note(page, gpa, end_of(page));
  }
}

void BuilderCheck::NoteInveptNeeded(Hpa entry, int level) {
  if (needs_invept_ == 0) {
    invept_entry_ = entry;
    invept_level_ = level;
  }
  needs_invept_ = kAllProcessors;
  needed_invept_ = true;
}

void BuilderCheck::NoteUnfilled(const TableImage& image,
                                const FrameMemory& memory) {
  for (const auto& [address, table] : image.tables) {
    const FrameMemory::Frame& words = *memory.Find(Hpa{address});
    if (std::find(words.begin(), words.end(), FramePool::kPoison) !=
        words.end()) {
      log_->OnUnfilled(table.level);
    }
  }
}

}  // namespace eptdiff
