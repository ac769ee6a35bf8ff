// BuilderCheck's look at two operations at once (turns.h): there is an order in
// which they could have come to this, one after the other.
//
//   model --- one ----> between --- other --> after -.
//      '---- other ---> between --- one ----> after --- which are the tables?
//
// After each store each page is as one of these has it.
#include <algorithm>
#include <utility>

#include "oracle/builder/judge/builder_check.h"

namespace eptdiff {

bool BuilderCheck::CanJudgeBoth(const TableOperation& one,
                                const TableOperation& other,
                                RefusalSet& against) const {
  std::uint64_t leaf;
  const PageNow one_page = PageAt(one.gpa, leaf);
  const PageNow other_page = PageAt(other.gpa, leaf);
  const auto can = [&](const TableOperation& first, PageNow first_page,
                       const TableOperation& second, PageNow second_page) {
    const RefusalSet reasons =
        ReasonsAgainst(first, facts_, model_, first_page);
    against |= reasons;
    const auto then =
        PageAfter(first, reasons == 0, first_page, second.gpa, second_page);
    if (!then.has_value()) return false;
    MappingModel after = model_;
    if (reasons == 0) ApplyToModel(first, first_page, after);
    against |= ReasonsAgainst(second, facts_, after, *then);
    return true;
  };
  const bool forwards = can(one, one_page, other, other_page);
  return can(other, other_page, one, one_page) && forwards;
}

BuilderCheck::Order BuilderCheck::OrderOf(
    const TableOperation& first, const TableResult& first_result,
    const TableOperation& second, const TableResult& second_result) const {
  std::uint64_t leaf;
  const PageNow first_page = PageAt(first.gpa, leaf);
  const auto second_page = PageAfter(first, first_result.ok(), first_page,
                                     second.gpa, PageAt(second.gpa, leaf));
  Order order;
  order.between = model_;
  order.fits = true;
  const auto does = [&](const TableOperation& operation,
                        const TableResult& result, PageNow page,
                        MappingModel& model) {
    if (result.error == TableError::kNoFrames &&
        (pool_.failed() || MayLackFrames({&first, &second}))) {
      return;
    }
    const RefusalSet reasons = ReasonsAgainst(operation, facts_, model, page);
    if (result.ok() && reasons == 0) {
      ApplyToModel(operation, page, model);
    } else {
      order.fits = order.fits && (reasons & Only(result.error)) != 0;
    }
  };
  does(first, first_result, first_page, order.between);
  order.after = order.between;
  if (order.fits && second_page.has_value()) {
    does(second, second_result, *second_page, order.after);
  }
  return order;
}

BuilderFindings BuilderCheck::JudgeBoth(const Both& both) {
  BeginJudging();
  at_once_ = true;
  const TableOperation& late = both.other_is_late ? both.other : both.one;
  std::uint64_t leaf;
  const PageNow page = PageAt(late.gpa, leaf);
  const std::uint64_t bytes = BytesOf(late, page);
  taken_.Begin(late, bytes, nullptr);
  const bool clears = both.one.kind == TableOperationKind::kClearFlags ||
                      both.other.kind == TableOperationKind::kClearFlags;
  ignores_flags_ = ignores_flags_ || (clears && !facts_.accessed_dirty);
  kept_flags_.Begin(both.one);
  kept_flags_.BeginBeside(both.other);
  came_in_ = false;

  Order orders[] = {
      OrderOf(both.one, both.one_result, both.other, both.other_result),
      OrderOf(both.other, both.other_result, both.one, both.one_result)};
  // What the tables are in the end says which it was.
  ReadTree(facts_, pool_.memory(), root_, room_.is);
  const auto is_result = [&](const Order& order) {
    std::uint64_t where;
    return order.fits && IsOneOrOther(room_.is.pages, 0, ~0ull, ComparedFlags(),
                                      order.after, order.after, where);
  };
  if (!is_result(orders[0]) &&
      (is_result(orders[1]) || (orders[1].fits && !orders[0].fits))) {
    std::swap(orders[0], orders[1]);
  }
  after_ = orders[0].after;
  for (Order& order : orders) {
    others_.push_back(std::move(order.between));
    others_.push_back(std::move(order.after));
  }
  if (log_ != nullptr) {
    log_->BeginOperation(late, bytes, page.level, facts_);
    log_->OnBeside();
    log_->SetModels(model_, after_, ComparedFlags());
  }
  done_ = both.one_result.ok() || both.other_result.ok();
  pool_.TakeEvents(room_.events);
  if (guest_stopped_) {
    Settle();
  } else {
    ReplayAll();
  }
  std::swap(model_, after_);
  if (log_ != nullptr) log_->SetModels(after_, model_, ComparedFlags());
  if (orders[0].fits && findings_.size() <= kManyFindings) CheckEnd();
  if (!findings_.empty() || !orders[0].fits) {
    findings_.insert(findings_.begin(),
                     MakeBuilderFinding(BuilderRule::kInSomeOrder,
                                        late.gpa.value, page.level));
    if (log_ != nullptr) log_->OnOperationsRaced();
  } else if (log_ != nullptr) {
    log_->MayBe(Mistake::kOperationsRaced);
  }
  if (log_ != nullptr) {
    log_->EndOperation(both.other_is_late ? both.other_result : both.one_result,
                       !findings_.empty(), tolerates_now_, /*needed=*/false);
  }
  return findings_;
}

}  // namespace eptdiff
