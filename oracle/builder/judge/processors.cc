#include "oracle/builder/judge/processors.h"

namespace eptdiff {

Processors::Processors(FramePool& pool, ReferenceWalker& walker)
    : pool_(pool), walker_(walker) {
  for (std::size_t i = 0; i < kLogicalProcessors; ++i) {
    each_.emplace_back(pool, i);
  }
  turns_.set_observer([this] { pool_.OnTurn(); });
}

void Processors::Reset(const TableFacts& facts, std::uint64_t eptp,
                       bool stopped) {
  facts_ = facts;
  eptp_ = eptp;
  for (CachingProcessor& each : each_) each.Reset(facts, eptp, stopped);
  moments_.End();
  stored_ = came_in_ = false;
}

void Processors::BeginOperation(const TableOperation& operation) {
  stored_ = came_in_ = false;
  moments_.Begin(facts_, eptp_, operation);
}

void Processors::EndOperation() {
  moments_.End();
  for (CachingProcessor& each : each_) each.EndOperation();
}

// It holds one page of an operation, so that what was used before it stays
// known.
void Processors::ComeIn(Hpa address, Gpa page) {
  if (each_[0].Use(address, page, /*holds=*/!came_in_)) came_in_ = true;
}

void Processors::OnFirstStore() {
  stored_ = true;
  for (CachingProcessor& each : each_) each.OnFirstStore();
}

// With the tables' own EPTP, which VM entry has taken, there is nothing to fail
// about.
bool Processors::InveptFails(const Invalidation& invept, bool any_type) {
  if (eptp_ == 0 || (any_type && invept.first == eptp_)) return false;
  return walker_.InveptFails(invept, any_type);
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
