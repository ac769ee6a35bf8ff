// The logical processors that use a builder's tables, at all times. Each has
// cached what it may, and INVEPT is each one's own: where it is not executed,
// what was cached before stays (SDM 29.4.3.4, the last paragraph).
//
// Before some stores of an operation the first of them comes in (moments.h).
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_BUILDER_JUDGE_PROCESSORS_H_
#define EPTDIFF_ORACLE_BUILDER_JUDGE_PROCESSORS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/types.h"
#include "oracle/builder/frame_pool.h"
#include "oracle/builder/judge/caching_processor.h"
#include "oracle/builder/judge/moments.h"
#include "oracle/builder/judge/reference_walker.h"
#include "oracle/builder/table_facts.h"
#include "oracle/case.h"

namespace eptdiff {

class Processors final : public FramePool::Watcher {
 public:
  // Borrows both; the reference says whether INVEPT fails.
  Processors(FramePool& pool, ReferenceWalker& walker);

  // They begin with nothing cached. `stopped`: while operations run they do
  // not.
  void Reset(const TableFacts& facts, std::uint64_t eptp, bool stopped = false);

  CachingProcessor& operator[](std::size_t processor) {
    return each_[processor];
  }

  void BeginOperation(const TableOperation& operation);
  void EndOperation();

  void BeforeStore(Hpa address) override {
    if (const auto page = moments_.PageBefore(address, pool_.memory())) {
      ComeIn(address, *page);
    }
  }
  void OnStored() override {
    if (!stored_) OnFirstStore();
  }
  bool InveptFails(const Invalidation& invept) override;
  void BeforeInvept(ProcessorSet processors) override;
  void OnInvept(ProcessorSet processors, const Invalidation& invept) override;

 private:
  void ComeIn(Hpa address, Gpa page);
  void OnFirstStore();

  FramePool& pool_;
  ReferenceWalker& walker_;
  std::uint64_t eptp_ = 0;
  std::vector<CachingProcessor> each_;
  Moments moments_;
  TableFacts facts_;
  bool stored_ = false;   // in this operation
  bool came_in_ = false;  // likewise
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_JUDGE_PROCESSORS_H_
