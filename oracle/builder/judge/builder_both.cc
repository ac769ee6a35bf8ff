// The checks' look at two operations at once (turns.h): there is an order in
// which they could have come to this, one after the other.
//
//   model --- one ----> between --- other --> after -.
//      '---- other ---> between --- one ----> after --- which are the tables?
//
// After each store each page is as one of these has it. Where there are several
// tables (views) it is the same order in all of them.
#include <array>
#include <utility>

#include "oracle/builder/judge/builder_check.h"
#include "oracle/builder/judge/view_checks.h"

namespace eptdiff {

bool ViewChecks::CanJudgeBoth(const TableOperation& one,
                              const TableOperation& other,
                              RefusalSet& against) const {
  const auto can = [&](const TableOperation& first,
                       const TableOperation& second) {
    const RefusalSet reasons = Against(first);
    against |= reasons;
    for (std::size_t i = 0; i < count_; ++i) {
      if (!IsAbout(second, i)) continue;
      const BuilderCheck& check = *checks_[i];
      std::uint64_t leaf;
      PageNow page = check.PageAt(second.gpa, leaf);
      MappingModel after = check.model_;
      if (IsAbout(first, i)) {
        const PageNow there = check.PageAt(first.gpa, leaf);
        const auto then =
            PageAfter(first, reasons == 0, there, second.gpa, page);
        if (!then.has_value()) return false;
        page = *then;
        if (reasons == 0) ApplyToModel(first, there, after);
      }
      against |= ReasonsAgainst(second, check.facts_, after, page);
    }
    return true;
  };
  const bool forwards = can(one, other);
  return can(other, one) && forwards;
}

ViewChecks::Order ViewChecks::OrderOf(const TableOperation& first,
                                      const TableResult& first_result,
                                      const TableOperation& second,
                                      const TableResult& second_result) const {
  Order order;
  const auto is_done = [&](const TableResult& result, RefusalSet reasons) {
    if (result.error == TableError::kNoFrames &&
        (pool_.failed() || checks_[0]->MayLackFrames({&first, &second}))) {
      return false;
    }
    if (result.ok() && reasons == 0) return true;
    order.fits = order.fits && (reasons & Only(result.error)) != 0;
    return false;
  };
  const bool first_is_done = is_done(first_result, Against(first));
  RefusalSet reasons = 0;
  std::array<PageNow, kMaxViews> pages = {};  // that `second` finds
  bool known = true;
  for (std::size_t i = 0; i < count_; ++i) {
    const BuilderCheck& check = *checks_[i];
    std::uint64_t leaf;
    const PageNow there = check.PageAt(first.gpa, leaf);
    MappingModel& between = order.each[i].between;
    between = check.model_;
    if (IsAbout(first, i) && first_is_done) ApplyToModel(first, there, between);
    order.each[i].after = between;
    if (!IsAbout(second, i)) continue;
    pages[i] = check.PageAt(second.gpa, leaf);
    if (IsAbout(first, i)) {
      const auto then =
          PageAfter(first, first_result.ok(), there, second.gpa, pages[i]);
      known = known && then.has_value();
      pages[i] = then.value_or(PageNow{0});
    }
    reasons |= ReasonsAgainst(second, check.facts_, between, pages[i]);
  }
  if (!order.fits || !known || !is_done(second_result, reasons)) return order;
  for (std::size_t i = 0; i < count_; ++i) {
    if (IsAbout(second, i)) {
      ApplyToModel(second, pages[i], order.each[i].after);
    }
  }
  return order;
}

bool ViewChecks::IsResult(const Order& order) {
  if (!order.fits) return false;
  for (std::size_t i = 0; i < count_; ++i) {
    if (!checks_[i]->AreTables(order.each[i].after)) return false;
  }
  return true;
}

BuilderFindings ViewChecks::JudgeBoth(const Both& both) {
  for (std::size_t i = 0; i < count_; ++i) checks_[i]->BeginBoth(both);
  Order orders[] = {
      OrderOf(both.one, both.one_result, both.other, both.other_result),
      OrderOf(both.other, both.other_result, both.one, both.one_result)};
  // What the tables are in the end says which it was.
  if (!IsResult(orders[0]) &&
      (IsResult(orders[1]) || (orders[1].fits && !orders[0].fits))) {
    std::swap(orders[0], orders[1]);
  }
  const bool fits = orders[0].fits;
  const auto judge = [&](std::size_t i) {
    return checks_[i]->JudgeBoth(both, fits, orders[0].each[i],
                                 orders[1].each[i]);
  };
  const TableOperation& late = both.late();
  const std::size_t leading =
      count_ == 1 || IsAboutAll(late) ? 0 : std::size_t{late.view};
  std::uint64_t leaf;
  const int level = checks_[leading]->PageAt(late.gpa, leaf).level;
  const auto conclude = [&](BuilderFindings& all) {
    checks_[leading]->ConcludeBoth(fits, late.gpa.value, level, all);
  };
  if (count_ == 1) {
    leading_ = leading;
    BuilderFindings all = judge(0);
    conclude(all);
    checks_[0]->EndLog(!all.empty(), checks_[0]->tolerates_now_);
    return all;
  }
  concerned_ = ViewsOf(both.one) | ViewsOf(both.other);
  return JudgeEach(leading, judge, conclude);
}

void BuilderCheck::BeginBoth(const Both& both) {
  const bool clears = both.one.kind == TableOperationKind::kClearFlags ||
                      both.other.kind == TableOperationKind::kClearFlags;
  ignores_flags_ = ignores_flags_ || (clears && !facts_.accessed_dirty);
}

bool BuilderCheck::AreTables(const MappingModel& model) {
  ReadTree(facts_, pool_.memory(), root_, room_.is);
  std::uint64_t where;
  return IsOneOrOther(room_.is.pages, 0, ~0ull, ComparedFlags(), model, model,
                      where);
}

BuilderFindings BuilderCheck::JudgeBoth(const Both& both, bool fits, Order& was,
                                        Order& other) {
  BeginJudging();
  at_once_ = true;
  result_ = both.other_is_late ? both.other_result : both.one_result;
  const TableOperation& late = both.late();
  std::uint64_t leaf;
  const PageNow page = PageAt(late.gpa, leaf);
  const std::uint64_t bytes = BytesOf(late, page);
  taken_.Begin(late, bytes, nullptr);
  const auto replaces = [this](const TableOperation& operation) {
    return facts_.map_replaces && WorkOf(operation.kind) == Work::kMap;
  };
  kept_flags_.Begin(both.one, replaces(both.one));
  kept_flags_.BeginBeside(both.other, replaces(both.other));
  const auto let_go = [&](const TableOperation& operation, bool done) {
    if (!done || WorkOf(operation.kind) != Work::kUnmap) return;
    if (!IsAboutThis(operation)) return;
    kept_flags_.LetGo(operation.gpa.value,
                      BytesOf(operation, PageAt(operation.gpa, leaf)));
  };
  let_go(both.one, both.one_result.ok());
  let_go(both.other, both.other_result.ok());
  BeginLogging(/*about_log=*/false);
  came_in_ = false;
  after_ = was.after;
  for (Order* each : {&was, &other}) {
    others_.push_back(std::move(each->between));
    others_.push_back(std::move(each->after));
  }
  if (log_ != nullptr) {
    log_->BeginOperation(late, bytes, page.level, facts_);
    log_->OnBeside();
    log_->SetModels(model_, after_, ComparedFlags());
  }
  done_ = both.one_result.ok() || both.other_result.ok();
  TakeEvents(room_.events);
  for (const TableOperation* each : {&both.one, &both.other}) {
    if (!MapsOtherwise(each->kind) || !IsAboutThis(*each)) continue;
    write_log_.OnUnmapped(each->gpa.value,
                          BytesOf(*each, PageAt(each->gpa, leaf)), view_);
  }
  if (guest_stopped_) {
    Settle();
  } else {
    ReplayAll();
  }
  std::swap(model_, after_);
  if (log_ != nullptr) log_->SetModels(after_, model_, ComparedFlags());
  if (fits && findings_.size() <= kManyFindings) CheckEnd();
  return findings_;
}

void BuilderCheck::ConcludeBoth(bool fits, std::uint64_t gpa, int level,
                                BuilderFindings& all) {
  if (all.empty() && fits) {
    if (log_ != nullptr) log_->MayBe(Mistake::kOperationsRaced);
    return;
  }
  all.insert(all.begin(),
             MakeBuilderFinding(BuilderRule::kInSomeOrder, gpa, level));
  if (log_ != nullptr) log_->OnOperationsRaced();
}

}  // namespace eptdiff
