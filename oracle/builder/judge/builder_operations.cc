// BuilderTrial's operations: asked for one at a time, or two at once, judged,
// and what the tables then map walked by the reference.
#include <algorithm>
#include <array>

#include "oracle/builder/judge/builder_trial.h"
#include "oracle/builder/symptom.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kPage = 0x1000;

}  // namespace

const TableOperation* BuilderTrial::BesideOf(std::size_t step) const {
  const auto is_operation = [this](std::size_t i, bool beside) {
    return i < case_->steps.size() &&
           case_->steps[i].kind == StepKind::kTableOperation &&
           (case_->steps[i].processor != 0) == beside;
  };
  if (!builder_->several_threads() || !is_operation(step - 1, false) ||
      !is_operation(step, true)) {
    return nullptr;
  }
  const TableOperation& one = case_->steps[step - 1].operation;
  const TableOperation& other = case_->steps[step].operation;
  RefusalSet against = 0;
  const bool can = HasView(one) && HasView(other) &&
                   checks_.CanJudgeBoth(one, other, against);
  return can && (against & ~refusals_) == 0 ? &other : nullptr;
}

bool BuilderTrial::Perform(const TableOperation& operation,
                           const TableOperation* beside) {
  if (beside != nullptr) return AskBoth(operation, *beside);
  if ((IsAboutLog(operation.kind) && !builder_->logs()) ||
      !HasView(operation) || !MayAsk(checks_.Against(operation))) {
    Report({.number = standings_.step,
            .step = &case_->steps[standings_.step - 1],
            .result = {},
            .events = no_events_,
            .asked = false,
            .finding = standings_.finding});
    return true;
  }
  return Ask(operation);
}

bool BuilderTrial::HasView(const TableOperation& operation) const {
  if (IsAboutLog(operation.kind)) return true;
  if (operation.view != kAllViews) return operation.view < checks_.size();
  return builder_->takes_all_views() && IsForRegion(operation.kind);
}

bool BuilderTrial::Ask(const TableOperation& operation) {
  // What says when threads change says nothing of processors.
  TableOperation moments = operation;
  if (case_->steps[standings_.step - 1].processor != 0) moments.meanwhile = 0;
  const bool may_fail = (refusals_ & Only(TableError::kNoFrames)) != 0;
  pool_.FailAllocation(may_fail ? operation.failing_allocation : 0);
  processors_.BeginOperation(moments);
  taken_.clear();
  const TableResult result = builder_->Perform(operation, taken_);
  if (pool_.failed() && !MayAsk(Only(TableError::kNoFrames))) return false;
  standings_.lacked_frames |= pool_.failed();
  ++standings_.compared;
  if (builder_->TakeNotModelled()) {
    standings_.not_modelled = true;
    checks_.ExcuseRefusal();
  }
  if (IsAboutLog(operation.kind)) checks_.SetTold(builder_->told());
  Take(checks_.Judge(operation, result,
                     builder_->shows_taken() ? &taken_ : nullptr));
  standings_.lacked_frames |= checks_.leading().lacked_frames();
  Conclude(operation);
  Report({.number = standings_.step,
          .step = &case_->steps[standings_.step - 1],
          .result = result,
          .events = checks_.leading().events(),
          .taken = &taken_,
          .told = &builder_->told(),
          .happenings = checks_.leading().happenings(),
          .finding = standings_.finding});
  return !standings_.finding.has_value();
}

bool BuilderTrial::AskBoth(const TableOperation& one,
                           const TableOperation& other) {
  const bool may_fail = (refusals_ & Only(TableError::kNoFrames)) != 0;
  // What stays of an operation beside which another runs nobody can say.
  const WaiverSet parts = allowed_ & (SetOf(Waiver::kPartialSuccess) |
                                      SetOf(Waiver::kLossOnFailure));
  pool_.FailAllocation(may_fail && parts == 0 ? one.failing_allocation : 0);
  processors_.BeginOperation(one);
  taken_.clear();
  other_taken_.clear();
  TableResult one_result, other_result;
  Turns& turns = processors_.turns();
  const bool at_once = turns.Run(
      Turns::Schedule::Of(other.meanwhile),
      [&] { one_result = builder_->Perform(one, taken_); },
      [&] { other_result = builder_->Perform(other, other_taken_); });
  if (pool_.failed() && !MayAsk(Only(TableError::kNoFrames))) return false;
  standings_.lacked_frames |= pool_.failed();
  if (builder_->TakeNotModelled()) {  // which of them, nobody can say
    standings_.not_modelled = true;
    return false;
  }
  const bool is_part = one_result.error == TableError::kNoFrames ||
                       other_result.error == TableError::kNoFrames;
  if (at_once && is_part && parts != 0) {
    standings_.waived |= parts;
    return false;
  }
  ++standings_.compared;
  if (!at_once) {
    Take(checks_.Judge(one, one_result,
                       builder_->shows_taken() ? &taken_ : nullptr));
  } else {
    ++standings_.compared;
    Report({.number = standings_.step,
            .step = &case_->steps[standings_.step - 1],
            .result = one_result,
            .events = no_events_,
            .finding = standings_.finding});
    ++standings_.step;
    Take(checks_.JudgeBoth(
        {one, other, one_result, other_result, turns.other_was_stopped()}));
  }
  Conclude(one);
  if (at_once && !standings_.finding.has_value()) CheckWalks(other);
  Report({.number = standings_.step,
          .step = &case_->steps[standings_.step - 1],
          .result = at_once ? other_result : one_result,
          .events = checks_.leading().events(),
          .taken = at_once ? nullptr : &taken_,
          .happenings = checks_.leading().happenings(),
          .finding = standings_.finding});
  return !standings_.finding.has_value();
}

void BuilderTrial::Conclude(const TableOperation& operation) {
  standings_.waived = checks_.waived();
  pool_.FailAllocation(0);
  processors_.EndOperation();
  checks_.AfterAccess();
  if (!standings_.finding.has_value()) CheckWalks(operation);
  if (!standings_.finding.has_value()) {
    listed_.clear();
    const std::uint64_t gpa_end = std::uint64_t{1}
                                  << (facts_.levels == 5 ? 52 : 48);
    if (builder_->List(listed_)) {
      Take(checks_[0].JudgeIteration(listed_, gpa_end));
      if (standings_.finding.has_value() && log_ != nullptr) {
        log_->OnFinding(standings_.finding->rule, standings_.finding->level);
      }
    }
  }
  if (tolerated_at_ == 0 && checks_.tolerated().has_value()) {
    tolerated_at_ = standings_.step;
  }
}

void BuilderTrial::CheckWalks(const TableOperation& operation) {
  constexpr std::uint64_t kLarge = 0x200000, kHuge = 0x40000000;
  const std::uint64_t first = operation.gpa.value & ~(kPage - 1);
  const std::uint64_t end =
      first + std::max(operation.bytes & ~(kPage - 1), kPage);
  // Both ends of what was touched, with their neighbours; and those of the
  // large pages that it lies in.
  const std::array<std::uint64_t, 8> gpas = {
      first,
      first - kPage,
      end - kPage,
      end,
      first & ~(kLarge - 1),
      ((end - 1) | (kLarge - 1)) & ~(kPage - 1),
      first & ~(kHuge - 1),
      ((end - 1) | (kHuge - 1)) & ~(kPage - 1)};
  const std::uint64_t gpa_end = std::uint64_t{1}
                                << (facts_.levels == 5 ? 52 : 48);
  for (std::size_t i = 0; i < gpas.size(); ++i) {
    const auto seen = gpas.begin() + static_cast<std::ptrdiff_t>(i);
    if (gpas[i] >= gpa_end || std::find(gpas.begin(), seen, gpas[i]) != seen) {
      continue;
    }
    for (std::size_t view = 0; view < checks_.size(); ++view) {
      UseTables(view);
      if (!walker_.AgreesWith(checks_[view].model(), Gpa{gpas[i]})) {
        return Find(BuilderRule::kWalk, gpas[i], view);
      }
    }
  }
}

}  // namespace eptdiff
