// The logical processors that use a builder's tables, at all times: where there
// are several, each of them one at a time. Each has cached what it may, and
// INVEPT is each one's own: where it is not executed, what was cached before
// stays (SDM 29.4.3.4, the last paragraph).
//
// Before some stores of an operation the first of them comes in (moments.h), or
// another operation of the builder goes on (turns.h).
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_BUILDER_JUDGE_PROCESSORS_H_
#define EPTDIFF_ORACLE_BUILDER_JUDGE_PROCESSORS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "engine/types.h"
#include "oracle/builder/frame_pool.h"
#include "oracle/builder/judge/caching_processor.h"
#include "oracle/builder/judge/moments.h"
#include "oracle/builder/judge/reference_walker.h"
#include "oracle/builder/judge/turns.h"
#include "oracle/builder/table_facts.h"
#include "oracle/case.h"

namespace eptdiff {

class Processors final : public FramePool::Watcher {
 public:
  // Borrows both; the reference says whether INVEPT fails.
  Processors(FramePool& pool, ReferenceWalker& walker);

  // They begin with nothing cached, in the first of these tables. `stopped`:
  // while operations run they do not.
  void Reset(const TableFacts& facts, std::span<const std::uint64_t> eptps,
             bool stopped = false);
  // One of them changes over to another of the tables, by VMFUNC.
  void Switch(std::size_t processor, std::size_t view) {
    each_[processor].Switch(eptps_[view]);
  }
  // The tables in which it runs.
  std::size_t ViewOf(std::size_t processor) const;

  CachingProcessor& operator[](std::size_t processor) {
    return each_[processor];
  }

  // Which words are of tables in use, as the operation at hand finds them.
  void set_in_use(std::function<bool(Hpa)> in_use) {
    in_use_ = std::move(in_use);
  }
  Turns& turns() { return turns_; }

  void BeginOperation(const TableOperation& operation);
  void EndOperation();

  void OnPause() override { turns_.Pause(); }
  void BeforeLoad(Hpa address) override {
    if (turns_.running() && in_use_(address)) turns_.BeforeLoad();
  }
  void BeforeStore(Hpa address) override {
    if (turns_.running() && in_use_(address)) turns_.BeforeStore();
    if (const auto use = moments_.UseBefore(address, pool_.memory())) {
      ComeIn(address, *use);
    }
  }
  void OnStored() override;
  bool InveptFails(const Invalidation& invept, bool any_type) override;
  ProcessorSet RunningIn(std::uint64_t eptp) const override;
  void BeforeInvept(ProcessorSet processors) override;
  void OnInvept(ProcessorSet processors, const Invalidation& invept) override;
  void OnInvvpid(ProcessorSet processors, const Invalidation& invvpid) override;

 private:
  void ComeIn(Hpa address, const Moments::Use& use);

  FramePool& pool_;
  ReferenceWalker& walker_;
  std::vector<std::uint64_t> eptps_;
  std::vector<CachingProcessor> each_;
  Moments moments_;
  Turns turns_;
  std::function<bool(Hpa)> in_use_;
  TableFacts facts_;
  bool came_in_ = false;  // in this operation
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_JUDGE_PROCESSORS_H_
