#include "fuzzers/command/fuzz/fuzz_history.h"

#include <algorithm>
#include <utility>

namespace eptdiff {

std::size_t RulesMet(const WorkerStats& stats) {
  const auto rules = stats.Under("rule.");
  return static_cast<std::size_t>(std::count_if(
      rules.begin(), rules.end(), [](const auto& r) { return r.second > 0; }));
}

void FuzzHistory::Add(const FuzzResult& result) {
  for (const auto& [finding, found] : result.found) {
    first_seen_.try_emplace(finding, result.seconds);
  }
  Moment moment;
  moment.seconds = result.seconds;
  for (const WorkerStats& stats : result.by_target) {
    moment.cases.push_back(stats.Get("cases"));
  }
  moment.rules_met = RulesMet(result.stats);
  moment.found = result.found.size();
  // What was added last is there always, but stays only if it is far enough
  // from the one before.
  if (last_is_early_) moments_.pop_back();
  last_is_early_ =
      !moments_.empty() && moment.seconds - moments_.back().seconds < spacing_;
  moments_.push_back(std::move(moment));
  if (moments_.size() <= kMost) return;
  std::vector<Moment> fewer;
  for (std::size_t i = 0; i < moments_.size(); i += 2) {
    fewer.push_back(std::move(moments_[i]));
  }
  moments_ = std::move(fewer);
  spacing_ *= 2;
}

double FuzzHistory::FirstSeen(const std::string& finding) const {
  const auto found = first_seen_.find(finding);
  return found == first_seen_.end() ? -1 : found->second;
}

}  // namespace eptdiff
