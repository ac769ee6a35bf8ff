#include "oracle/builder/judge/write_log.h"

#include <algorithm>

namespace eptdiff {
namespace {

constexpr std::uint64_t kPage = 0x1000;

bool Holds(const std::vector<Interval>& told, std::uint64_t gpa) {
  return std::any_of(told.begin(), told.end(), [&](const Interval& each) {
    return gpa - each.gpa < each.bytes;
  });
}

}  // namespace

void WriteLog::Begin() {
  for (auto& pages : due_) {
    for (auto& [page, due] : pages) due.during = false;
  }
  during_.clear();
}

// While it is off, too: the operation that turns it on has begun, perhaps.
void WriteLog::OnWrite(std::uint64_t gpa, const Interval& page, bool sure,
                       std::size_t view) {
  const Interval whole = {page.gpa, 0, page.bytes, 0};
  during_.push_back(whole);
  if (!on_) return;
  may_.Map(whole);
  if (!sure) return;
  const auto [due, is_new] = due_[view].try_emplace(gpa & ~(kPage - 1));
  if (is_new) due->second.during = true;
}

void WriteLog::OnFlagLost(std::uint64_t gpa, std::uint64_t bytes,
                          std::size_t view) {
  auto& pages = due_[view];
  for (auto due = pages.lower_bound(gpa);
       due != pages.end() && due->first - gpa < bytes; ++due) {
    due->second.raced = true;
  }
}

void WriteLog::OnUnmapped(std::uint64_t gpa, std::uint64_t bytes,
                          std::size_t view) {
  auto& pages = due_[view];
  pages.erase(pages.lower_bound(gpa), pages.lower_bound(gpa + bytes));
}

std::optional<WriteLog::Wrong> WriteLog::OnDone(
    const TableOperation& operation, const std::vector<Interval>& told,
    const PageOf& page_of) {
  switch (operation.kind) {
    case TableOperationKind::kLogOn:
      if (!on_) {
        for (const Interval& page : during_) may_.Map(page);
      }
      on_ = true;
      break;
    case TableOperationKind::kLogOff:
      on_ = false;
      due_ = {};
      may_.Clear();
      cleared_.Clear();
      break;
    default:
      break;
  }
  const std::uint64_t begin = operation.gpa.value;
  const std::uint64_t end = begin + operation.bytes;
  for (const Interval& each : told) {
    if (each.gpa < begin || each.gpa + each.bytes > end) {
      return Wrong{Wrong::Kind::kTooMuch, each.gpa};
    }
    for (std::uint64_t done = 0; done < each.bytes;) {
      const std::uint64_t gpa = each.gpa + done;
      const MappingModel::Run run = may_.At(gpa);
      if (run.mapped) {
        done += run.bytes;
        continue;
      }
      if (!MayTell(gpa, page_of)) return Wrong{Wrong::Kind::kTooMuch, gpa};
      const Interval page = page_of(gpa);
      done = page.gpa + page.bytes - each.gpa;
    }
  }
  for (std::size_t view = 0; view < due_.size(); ++view) {
    const auto lost = FindLost(operation, told, view);
    if (lost.has_value()) return lost;
  }
  if (operation.kind == TableOperationKind::kLogClear) Tell(operation, told);
  return {};
}

std::optional<WriteLog::Wrong> WriteLog::FindLost(
    const TableOperation& operation, const std::vector<Interval>& told,
    std::size_t view) const {
  const std::uint64_t begin = operation.gpa.value;
  const std::uint64_t end = begin + operation.bytes;
  const auto& pages = due_[view];
  for (auto due = pages.lower_bound(begin);
       due != pages.end() && due->first < end; ++due) {
    if (Holds(told, due->first) || due->second.during) continue;
    using Kind = Wrong::Kind;
    const Kind kind = due->second.raced                ? Kind::kRaced
                      : view == 0                      ? Kind::kLost
                      : cleared_.At(due->first).mapped ? Kind::kStaysInView
                                                       : Kind::kLostInView;
    return Wrong{kind, due->first, view};
  }
  return {};
}

// What is told is due no more. What was written meanwhile may come again.
void WriteLog::Tell(const TableOperation& operation,
                    const std::vector<Interval>& told) {
  for (auto& pages : due_) {
    std::erase_if(pages,
                  [&](const auto& due) { return Holds(told, due.first); });
  }
  for (const Interval& each : told) cleared_.Map(each);
  may_.Unmap(operation.gpa.value, operation.bytes);
  for (const Interval& page : during_) may_.Map(page);
}

// Some of the page that the tables have there may be told.
bool WriteLog::MayTell(std::uint64_t gpa, const PageOf& page_of) const {
  const Interval page = page_of(gpa);
  return page.bytes != 0 && may_.IsAnyMapped(page.gpa, page.bytes);
}

}  // namespace eptdiff
