#include "oracle/builder/judge/write_log.h"

#include <algorithm>

namespace eptdiff {
namespace {

constexpr std::uint64_t kPage = 0x1000;

bool Holds(const Interval& interval, std::uint64_t gpa) {
  return gpa - interval.gpa < interval.bytes;
}

}  // namespace

void WriteLog::Begin() {
  for (auto& [page, due] : due_) due.during = false;
  during_.clear();
}

// While it is off, too: the operation that turns it on has begun, perhaps.
void WriteLog::OnWrite(std::uint64_t gpa, const Interval& page, bool sure) {
  const Interval whole = {page.gpa, 0, page.bytes, 0};
  during_.push_back(whole);
  if (!on_) return;
  may_.Map(whole);
  if (!sure) return;
  const auto [due, is_new] = due_.try_emplace(gpa & ~(kPage - 1));
  if (is_new) due->second.during = true;
}

void WriteLog::OnFlagLost(std::uint64_t gpa, std::uint64_t bytes) {
  for (auto due = due_.lower_bound(gpa);
       due != due_.end() && due->first - gpa < bytes; ++due) {
    due->second.raced = true;
  }
}

void WriteLog::OnUnmapped(std::uint64_t gpa, std::uint64_t bytes) {
  due_.erase(due_.lower_bound(gpa), due_.lower_bound(gpa + bytes));
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
      due_.clear();
      may_.Clear();
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
  for (auto due = due_.lower_bound(begin);
       due != due_.end() && due->first < end; ++due) {
    const bool is_told = std::any_of(
        told.begin(), told.end(),
        [&](const Interval& each) { return Holds(each, due->first); });
    if (is_told || due->second.during) continue;
    return Wrong{due->second.raced ? Wrong::Kind::kRaced : Wrong::Kind::kLost,
                 due->first};
  }
  if (operation.kind == TableOperationKind::kLogClear) Tell(operation, told);
  return {};
}

// What is told is due no more. What was written meanwhile may come again.
void WriteLog::Tell(const TableOperation& operation,
                    const std::vector<Interval>& told) {
  std::erase_if(due_, [&](const auto& due) {
    return std::any_of(told.begin(), told.end(), [&](const Interval& each) {
      return Holds(each, due.first);
    });
  });
  may_.Unmap(operation.gpa.value, operation.bytes);
  for (const Interval& page : during_) may_.Map(page);
}

// Some of the page that the tables have there may be told.
bool WriteLog::MayTell(std::uint64_t gpa, const PageOf& page_of) const {
  const Interval page = page_of(gpa);
  return page.bytes != 0 && may_.IsAnyMapped(page.gpa, page.bytes);
}

}  // namespace eptdiff
