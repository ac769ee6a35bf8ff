#include "oracle/builder/judge/processors.h"

#include <algorithm>

namespace eptdiff {

Processors::Processors(FramePool& pool, ReferenceWalker& walker)
    : pool_(pool), walker_(walker) {
  for (std::size_t i = 0; i < kLogicalProcessors; ++i) {
    each_.emplace_back(pool, i);
  }
  turns_.set_observer([this] { pool_.OnTurn(); });
}

void Processors::Reset(const TableFacts& facts,
                       std::span<const std::uint64_t> eptps, bool stopped) {
  facts_ = facts;
  eptps_.assign(eptps.begin(), eptps.end());
  const std::uint64_t first = eptps.empty() ? 0 : eptps[0];
  for (CachingProcessor& each : each_) each.Reset(facts, first, stopped);
  moments_.End();
  pool_.AwaitStore();
  came_in_ = false;
}

void Processors::BeginOperation(const TableOperation& operation) {
  pool_.AwaitStore();
  came_in_ = false;
  std::span<const std::uint64_t> changing = eptps_;
  const bool of_all =
      operation.view >= eptps_.size() || IsAboutLog(operation.kind);
  if (!of_all) changing = changing.subspan(operation.view, 1);
  moments_.Begin(facts_, changing, operation);
}

void Processors::EndOperation() {
  moments_.End();
  for (CachingProcessor& each : each_) each.EndOperation();
}

// In the tables that change, for VMFUNC takes it there at any time. It holds
// one page of an operation, so that what was used before it stays known.
void Processors::ComeIn(Hpa address, const Moments::Use& use) {
  if (each_[0].Use(use.eptp, address, use.page, /*holds=*/!came_in_)) {
    came_in_ = true;
  }
}

void Processors::OnStored() {
  for (CachingProcessor& each : each_) each.OnFirstStore();
}

// With the tables' own EPTP, which VM entry has taken, there is nothing to fail
// about.
bool Processors::InveptFails(const Invalidation& invept, bool any_type) {
  if (eptps_.empty()) return false;
  const bool is_own =
      std::find(eptps_.begin(), eptps_.end(), invept.first) != eptps_.end();
  if (any_type && is_own) return false;
  return walker_.InveptFails(invept, any_type);
}

ProcessorSet Processors::RunningIn(std::uint64_t eptp) const {
  ProcessorSet running = 0;
  for (std::size_t i = 0; i < each_.size(); ++i) {
    if (each_[i].eptp() == eptp) {
      running |= static_cast<ProcessorSet>(1 << i);
    }
  }
  return running;
}

std::size_t Processors::ViewOf(std::size_t processor) const {
  const auto at =
      std::find(eptps_.begin(), eptps_.end(), each_[processor].eptp());
  return static_cast<std::size_t>(at - eptps_.begin());
}

void Processors::BeforeInvept(ProcessorSet processors) {
  for (std::size_t i = 0; i < each_.size(); ++i) {
    if ((processors >> i & 1) != 0) each_[i].BeforeInvept();
  }
}

// Software executes either, and so has the processor out of the guest.
void Processors::OnInvept(ProcessorSet processors, const Invalidation& invept) {
  for (std::size_t i = 0; i < each_.size(); ++i) {
    if ((processors >> i & 1) == 0) continue;
    each_[i].OnTransition();
    each_[i].OnInvept(invept);
  }
}

void Processors::OnInvvpid(ProcessorSet processors,
                           const Invalidation& invvpid) {
  for (std::size_t i = 0; i < each_.size(); ++i) {
    if ((processors >> i & 1) == 0) continue;
    each_[i].OnTransition();
    each_[i].OnInvvpid(invvpid);
  }
}

}  // namespace eptdiff
