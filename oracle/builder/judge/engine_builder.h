// The engine's TableBuilder as a builder to be judged, over the pool itself or
// over a Hal that stands in front of it.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_BUILDER_JUDGE_ENGINE_BUILDER_H_
#define EPTDIFF_ORACLE_BUILDER_JUDGE_ENGINE_BUILDER_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/table/table_builder.h"
#include "oracle/builder/builder_operation.h"
#include "oracle/builder/builder_under_test.h"
#include "oracle/builder/table_facts.h"

namespace eptdiff {

// A Hal that passes everything on to the pool. Without one it is at the end of
// a builder that is given up: every table is empty, nothing is taken back.
struct PoolHal {
  FramePool* pool = nullptr;

  std::optional<Hpa> AllocateFrame() { return pool->AllocateFrame(); }
  void FreeFrame(Hpa frame) {
    if (pool != nullptr) pool->FreeFrame(frame);
  }
  std::uint64_t* Pointer(Hpa frame) {
    return pool != nullptr ? pool->Pointer(frame) : empty_.data();
  }
  void Invept(std::uint64_t eptp) {
    if (pool != nullptr) pool->Invept(eptp);
  }
  void BeforeStore(Hpa address) {
    if (pool != nullptr) pool->BeforeStore(address);
  }
  void OnStore(Hpa address, std::uint64_t before, std::uint64_t after) {
    if (pool != nullptr) pool->OnStore(address, before, after);
  }

 private:
  FrameMemory::Frame empty_ = {};
};
static_assert(TableHal<PoolHal> && HasStoreHook<PoolHal>);

// `Hal` is a PoolHal, or derived from it.
template <TableHal Hal>
class BuilderOver : public BuilderUnderTest {
 public:
  ~BuilderOver() override { GiveUp(); }

  std::string_view name() const override { return "builder"; }

  TableResult Create(FramePool& pool, const Processor& processor,
                     const Controls& controls, std::uint64_t unused) override {
    GiveUp();
    hal_.pool = &pool;
    TableError error = TableError::kNone;
    auto made = TableBuilder<Hal>::Create(hal_, processor, controls, error,
                                          EptEntry(unused));
    if (!made.has_value()) return {error, Gpa{}};
    builder_.emplace(*std::move(made));
    return {};
  }
  std::uint64_t eptp() const override { return builder_->eptp(); }
  TableResult Perform(const TableOperation& operation,
                      std::vector<Interval>& taken) override {
    return Apply(*builder_, operation, taken);
  }
  bool List(std::vector<Interval>& pages) override {
    builder_->ForEach(Gpa{}, builder_->format().gpa_end(),
                      [&pages](const Mapping& page) {
                        AddPage({page.gpa.value, page.hpa.value, page.bytes,
                                 page.flags.bits & kLeafFlags},
                                pages);
                      });
    return true;
  }
  void Destroy() override { builder_.reset(); }

 protected:
  Hal& hal() { return hal_; }

 private:
  // The tables may be broken: nobody may look at them again.
  void GiveUp() {
    hal_.pool = nullptr;
    builder_.reset();
  }

  Hal hal_;
  std::optional<TableBuilder<Hal>> builder_;
};

using EngineBuilder = BuilderOver<PoolHal>;

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_JUDGE_ENGINE_BUILDER_H_
