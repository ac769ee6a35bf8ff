// A builder from elsewhere, behind eptdiff_builder.h, as one to be judged. What
// it does is carried out by the pool; what cannot be is an incident, which ends
// the process: it runs in a child (builder_session.h).
// Thread-safety: thread-compatible; one at a time, as the functions have it.
#ifndef EPTDIFF_ORACLE_TARGET_SESSION_OUTSIDE_BUILDER_H_
#define EPTDIFF_ORACLE_TARGET_SESSION_OUTSIDE_BUILDER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "oracle/builder/builder_under_test.h"
#include "oracle/builder/frame_pool.h"
#include "oracle/builder/table_facts.h"
#include "oracle/target/eptdiff_builder.h"
#include "oracle/target/process/incident.h"

namespace eptdiff {

struct BuilderFunctions {
  decltype(&eptdiff_builder_describe) describe = nullptr;
  decltype(&eptdiff_builder_create) create = nullptr;
  decltype(&eptdiff_builder_perform) perform = nullptr;
  decltype(&eptdiff_builder_list) list = nullptr;  // may be null
  decltype(&eptdiff_builder_read) read = nullptr;  // may be null
  decltype(&eptdiff_builder_exit) exit = nullptr;  // may be null
  decltype(&eptdiff_builder_view) view = nullptr;  // may be null
  decltype(&eptdiff_builder_destroy) destroy = nullptr;
};

class OutsideBuilder final : public BuilderUnderTest {
 public:
  // Callbacks that one operation may make. Filling all frames that there are
  // takes some 50,000.
  static constexpr std::uint64_t kMaxCallbacks = 1'000'000;
  // Tables that are read, of a builder that has them itself.
  static constexpr std::size_t kMaxTables = 4096;

  // Called once; it does not return.
  using Abandon = std::function<void(const Incident&)>;

  OutsideBuilder(const BuilderFunctions& functions,
                 const eptdiff_builder_profile& profile, Abandon abandon);

  // Signatures get the builder's own name where it is known
  // (builder_session.h).
  std::string_view name() const override { return "builder"; }
  TableResult Create(FramePool& pool, const Processor& processor,
                     const Controls& controls, std::uint64_t unused) override;
  bool any_unused_word() const override { return any_unused_word_; }
  std::uint64_t own_bits() const override { return own_bits_; }
  int more_views() const override { return more_views_; }
  bool takes_all_views() const override { return takes_all_views_; }
  std::uint64_t eptp() const override { return eptps_[0]; }
  std::uint64_t view_eptp(int view) const override {
    return eptps_[static_cast<std::size_t>(view)];
  }
  TableResult Perform(const TableOperation& operation,
                      std::vector<Interval>& taken) override;
  bool guest_stopped() const override {
    return guest_stopped_ || functions_.read != nullptr;
  }
  void AddFacts(TableFacts& facts) const override;
  bool TakeNotModelled() override {
    return std::exchange(not_modelled_, false);
  }
  bool casts_addresses() const override { return casts_addresses_; }
  bool several_threads() const override { return several_threads_; }
  bool shows_taken() const override { return shows_removed_; }
  bool logs() const override { return logs_; }
  bool handles_exits() const override { return functions_.exit != nullptr; }
  const std::vector<Interval>& told() const override { return told_; }
  ExitResult HandleExit(std::uint8_t processor, const Event& event) override;
  bool List(std::vector<Interval>& pages) override;
  void Destroy() override;

 private:
  friend struct HostCalls;

  // Counts a callback.
  void Count();
  bool IsInLargePageNow(std::uint64_t address) const;
  // Of a word in a frame that is allocated.
  void CheckWord(std::uint64_t address);
  TableResult ResultOf(int result);
  // Of a builder that has its tables itself: reads them, from the root on.
  void Look();
  void LookAt(std::uint64_t table, int level, std::set<std::uint64_t>& seen);

  const BuilderFunctions functions_;
  const bool any_unused_word_;
  const std::uint64_t own_bits_;
  const bool shows_removed_;
  const bool guest_stopped_;
  const bool casts_addresses_;
  const bool several_threads_;
  const std::uint64_t trap_mask_, trap_value_;
  const bool map_replaces_, begins_mapped_, on_demand_;
  const bool logs_;
  const std::size_t frames_, spare_frames_, companion_frames_;
  const int more_views_;
  const bool takes_all_views_;
  const Abandon abandon_;
  eptdiff_host host_;
  FramePool* pool_ = nullptr;
  std::vector<Interval>* taken_ = nullptr;  // null: nothing may be shown
  std::vector<Interval> told_;
  std::array<std::uint64_t, kMaxViews> eptps_ = {};  // 0: there is none
  std::uint64_t callbacks_ = 0;
  TableFacts facts_;  // for Look()
  bool not_modelled_ = false;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_TARGET_SESSION_OUTSIDE_BUILDER_H_
