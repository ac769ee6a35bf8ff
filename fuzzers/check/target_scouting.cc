// New cases: scouts go ahead, and what they name is judged in the order of its
// numbers, so that it does not matter how many they are.
#include <algorithm>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ranges>
#include <span>
#include <utility>

#include "fuzzers/check/target_check.h"

namespace eptdiff {
namespace {

constexpr std::size_t kBatch = ScoutedBatch::kCases;

std::size_t CasesIn(std::size_t batch, std::size_t batches,
                    std::size_t last_count) {
  return batch + 1 == batches ? last_count : kBatch;
}

}  // namespace

void TargetCheck::SendScouts(TargetOpener open, unsigned count) {
  open_ = std::move(open);
  scout_count_ = count;
}

void TargetCheck::TryNew(std::uint64_t most,
                         const std::function<bool()>& goes_on) {
  const std::uint64_t wanted = most / kBatch + (most % kBatch != 0 ? 1 : 0);
  const std::size_t batches =
      std::min<std::uint64_t>({wanted, in_round_, most_in_round_});
  if (batches == 0) return;
  round_.assign(batches, ScoutedBatch());
  ScoutRound(std::min<std::uint64_t>(most - (batches - 1) * kBatch, kBatch),
             goes_on);
  for (std::size_t i = 0; i < batches && round_[i].done; ++i) {
    AddScouted(round_[i]);
    JudgeNamed(next_batch_ + i, round_[i]);
    if (goes_on()) StudyCauses();
  }
  const std::vector<std::uint8_t> news = cases_.Advance();
  if (scouts_ != nullptr) scouts_->Tell(news);
  next_batch_ += batches;
  in_round_ = std::min(2 * in_round_, most_in_round_);
}

void TargetCheck::ScoutRound(std::size_t last_count,
                             const std::function<bool()>& goes_on) {
  scouted_in_ = dialect_;
  const bool new_dialect = std::exchange(new_dialect_, false);
  if (scout_count_ < 2) {
    if (scout_ == nullptr) {
      scout_ = std::make_unique<Scout>(oracle_, cases_, dialect_, seen_);
    } else if (new_dialect) {
      scout_->SetDialect(dialect_);
    }
    for (std::size_t i = 0; i < round_.size() && goes_on(); ++i) {
      scout_->Go(next_batch_ + i, CasesIn(i, round_.size(), last_count),
                 round_[i]);
    }
    return;
  }
  const auto start = std::chrono::steady_clock::now();
  if (scouts_ == nullptr) {
    scouts_ =
        std::make_unique<Scouts>(open_, scout_count_, cases_, dialect_, seen_);
  } else if (new_dialect) {
    scouts_->Tell(dialect_);
  }
  scouts_->Go(next_batch_, last_count, round_, goes_on);
  idle_ += std::chrono::steady_clock::now() - start;
  if (!scouts_->any_lost()) return;
  // Of what nobody has looked at, all is named.
  for (std::size_t i = 0; i < round_.size(); ++i) {
    if (round_[i].done || !goes_on()) continue;
    round_[i].done = true;
    round_[i].named =
        ~std::uint64_t{0} >> (kBatch - CasesIn(i, round_.size(), last_count));
  }
}

void TargetCheck::AddScouted(const ScoutedBatch& scouted) {
  OracleCounts counts;
  counts.cases = scouted.cases;
  counts.compared = scouted.compared;
  std::ranges::copy(scouted.skipped, counts.skipped.begin());
  counts.answered =
      std::exchange(counts.skipped[static_cast<std::size_t>(Skip::kNone)], 0);
  statistics_.AddCases(0, counts);
  left_ += scouted.left;
  disagreeing_ += scouted.disagreeing;
  const auto alterations = scouted_in_.alterations();
  for (std::size_t i = 0;
       i < std::min(alterations.size(), scouted.shown.size()); ++i) {
    const Alteration* alteration = alterations[i];
    for (auto next = instead_.find(alteration); next != instead_.end();
         next = instead_.find(alteration)) {
      alteration = next->second;
    }
    cases_showing_[alteration] += scouted.shown[i];
  }
}

// An incident that is a finding by now need not happen once more: one that
// hangs takes its time.
bool TargetCheck::IsKnown(const ScoutedBatch& scouted, std::size_t place) {
  const Incident& incident = scouted.incidents[place];
  if (incident.kind == IncidentKind::kNone ||
      (scouted.new_edges >> place & 1) != 0) {
    return false;
  }
  const auto known = findings_.find(SignatureOf(oracle_.name(), incident));
  if (known == findings_.end()) return false;
  ++known->second.cases;
  ++disagreeing_;
  OracleCounts counts;
  counts.cases = 1;
  counts.skipped[static_cast<std::size_t>(Skip::kPanic)] = 1;
  statistics_.AddCases(0, counts);
  return true;
}

void TargetCheck::JudgeNamed(std::uint64_t batch, const ScoutedBatch& scouted) {
  places_.clear();
  for (std::uint64_t left = scouted.named; left != 0; left &= left - 1) {
    const auto place = static_cast<std::size_t>(std::countr_zero(left));
    if (!IsKnown(scouted, place)) places_.push_back(place);
  }
  const std::uint64_t first = batch * kBatch;
  batch_.resize(places_.size());
  for (std::size_t i = 0; i < places_.size(); ++i) {
    cases_.Make(first + places_[i], batch_[i]);
  }
  oracle_.set_repeats(cases_.IsAskedAgain(batch) ? 1 : 0);
  oracle_.Prepare(batch_);
  for (std::size_t i = 0; i < places_.size(); ++i) {
    Judge(first + places_[i], batch_[i], {&scouted, places_[i]});
  }
  oracle_.set_repeats(0);
}

void TargetCheck::LookAgain(const Case& c, const Incident& incident) {
  if (incident.kind != IncidentKind::kNone) {
    ++disagreeing_;
    Record(SignatureOf(oracle_.name(), incident), c, incident);
    return;
  }
  // Explained since.
  if (!std::ranges::equal(scouted_in_.alterations(), dialect_.alterations())) {
    return;
  }
  ++disagreeing_;
  const Incident varies{IncidentKind::kVaries, 0};
  Record(SignatureOf(oracle_.name(), varies), c, varies);
}

void TargetCheck::RecallScouts() {
  if (scouts_ != nullptr) scouted_ = scouts_->Finish();
  scouts_.reset();
  if (scout_ != nullptr) scouted_.answers.Add(scout_->answers());
  scout_.reset();
  answers_.Add(scouted_.answers);
}

}  // namespace eptdiff
