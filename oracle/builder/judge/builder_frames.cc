// BuilderCheck's look at frames: whether logs are in such as are in use; and of
// a builder that has declared how many it has, whether it uses more, and
// whether it may say that they are too few.
//
// What an operation takes is bounded, since builders differ: a table at each
// place of the region where there is none and no large page can be in its
// stead. Where there are several views also at each place where there is one,
// which may have to be copied. A log may take one frame for each processor, and
// split all that is mapped, in each view. Companions come with each table.
#include <algorithm>

#include "oracle/builder/judge/builder_check.h"
#include "oracle/builder/judge/view_checks.h"
#include "oracle/case.h"

namespace eptdiff {
namespace {

// Whether what the operation is about may be in pages of `level`.
bool MayBeInPagesOf(int level, const TableOperation& operation,
                    const TableFacts& facts) {
  switch (WorkOf(operation.kind)) {
    case Work::kMap:
      return level <= operation.level &&
             HasPages(facts, level, operation.flags) &&
             ((operation.gpa.value ^ operation.hpa.value) &
              (EntryBytes(level) - 1)) == 0;
    case Work::kProtect:  // bit 61 is for pages of 4 KBytes
      return (operation.flags >> 61 & 1) == 0;
    default:
      return true;
  }
}

}  // namespace

void BuilderCheck::NoteAllocated(Hpa frame) {
  in_use_.insert(frame.value);
  fresh_.push_back(frame.value);
  if (log_ != nullptr) log_->OnAllocated();
  if (leads_ && facts_.frames != 0 && in_use_.size() == facts_.frames + 1) {
    Find(BuilderRule::kFrameLimit, frame.value);
    lacked_frames_ = false;
  }
}

std::uint64_t BuilderCheck::TablesFor(const TableOperation& operation) const {
  std::uint64_t leaf;
  const std::uint64_t bytes = BytesOf(operation, PageAt(operation.gpa, leaf));
  const std::uint64_t first = operation.gpa.value;
  const std::uint64_t last = first + std::max<std::uint64_t>(bytes, 1) - 1;
  std::uint64_t tables = operation.kind == TableOperationKind::kSplit ? 1 : 0;
  for (int level = 1; level < facts_.levels; ++level) {
    const std::uint64_t span = EntryBytes(level + 1);
    const std::uint64_t from = first & ~(span - 1), to = last & ~(span - 1);
    std::uint64_t places = (to - from) / span + 1;
    if (views_ != nullptr) {
      tables += places;
      continue;
    }
    if (MayBeInPagesOf(level + 1, operation, facts_)) {
      // At the ends alone, where a part of a page is concerned.
      const bool begins_within = first != from;
      const bool ends_within = last != to + (span - 1);
      places = from == to ? begins_within || ends_within
                          : begins_within + ends_within;
    }
    const auto there = static_cast<std::uint64_t>(
        std::count_if(linked_.begin(), linked_.end(), [&](const auto& table) {
          return table.second.level == level && table.second.gpa >= from &&
                 table.second.gpa <= to;
        }));
    tables += places - std::min(places, there);
  }
  return tables;
}

std::uint64_t BuilderCheck::TablesForLog() const {
  std::uint64_t tables = 0;
  for (int level = 1; level < facts_.levels; ++level) {
    const std::uint64_t span = EntryBytes(level + 1);
    std::uint64_t places = 0, next = 0;  // the first that is not counted
    for (const Interval& piece : model_.pieces()) {
      const std::uint64_t first = std::max(piece.gpa / span, next);
      next = (piece.gpa + piece.bytes - 1) / span + 1;
      places += next - std::min(first, next);
    }
    if (views_ != nullptr) {
      tables += places;
      continue;
    }
    const auto there = static_cast<std::uint64_t>(std::count_if(
        linked_.begin(), linked_.end(),
        [&](const auto& table) { return table.second.level == level; }));
    tables += places - std::min(places, there);
  }
  return tables;
}

bool BuilderCheck::MayLackFrames(
    std::initializer_list<const TableOperation*> operations) const {
  if (facts_.frames == 0) return false;
  std::uint64_t tables = 0, logs = 0;
  for (const std::uint64_t frame : in_use_) {
    const bool is_linked =
        views_ != nullptr ? views_->IsLinked(frame) : linked_.contains(frame);
    tables += is_linked;
    logs += !is_linked && pool_.logs().IsLog(frame);
  }
  for (const TableOperation* each : operations) {
    tables += views_ != nullptr        ? views_->TablesFor(*each)
              : IsAboutLog(each->kind) ? TablesForLog()
                                       : TablesFor(*each);
    if (IsAboutLog(each->kind)) logs += kLogicalProcessors;
  }
  return tables * (1 + facts_.companion_frames) + logs > facts_.frames;
}

void BuilderCheck::CheckLogs() {
  pool_.logs().ForEachFrame([this](std::uint64_t frame) {
    if (!in_use_.contains(frame)) Find(BuilderRule::kLogFreed, frame);
  });
}

}  // namespace eptdiff
