// The checks of a builder's tables, of which most have one and some several
// (views): each of these is what it was asked to be, and what an operation on
// one of them does, the others do not notice.
//
//   events of an operation --> the check of the tables that it is about: leads
//                         '--> those of the others: nothing may change
//
// Tables are shared as it pleases the builder: a frame may be linked in several
// views, and is free once it is in none. INVEPT is due for the EPTP of each
// view in which an entry changed that needs it; it is needless only where none
// is missing.
//
// What the guest writes to is logged for all of them at once (write_log.h):
// whoever asks for the log asks all views, and clears it in all.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_BUILDER_JUDGE_VIEW_CHECKS_H_
#define EPTDIFF_ORACLE_BUILDER_JUDGE_VIEW_CHECKS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <vector>

#include "oracle/builder/builder_finding.h"
#include "oracle/builder/builder_operation.h"
#include "oracle/builder/diagnosis/symptom_log.h"
#include "oracle/builder/frame_pool.h"
#include "oracle/builder/judge/builder_check.h"
#include "oracle/builder/table_facts.h"
#include "oracle/builder/waivers.h"
#include "oracle/case.h"

namespace eptdiff {

class ViewChecks {
 public:
  // Borrows `pool`.
  explicit ViewChecks(FramePool& pool) : pool_(pool) {}

  // With a builder that has just been created, as BuilderCheck does; what is
  // wrong with that.
  BuilderFindings Begin(const TableFacts& facts,
                        std::span<const std::uint64_t> eptps, SymptomLog* log,
                        BuilderCheck::Meanwhile meanwhile, WaiverSet allowed);
  // There is no builder any more.
  void End();
  bool has_begun() const { return count_ != 0; }

  std::size_t size() const { return count_; }
  // The check of a view's tables. What is about all of them, or about the
  // builder, the first has.
  BuilderCheck& operator[](std::size_t view) { return *checks_[view]; }
  const BuilderCheck& operator[](std::size_t view) const {
    return *checks_[view];
  }

  // As BuilderCheck has them.
  BuilderFindings Judge(const TableOperation& operation,
                        const TableResult& result,
                        const std::vector<Interval>* taken);
  // Of an exit of a processor that runs in this view.
  BuilderFindings JudgeExit(std::size_t view);
  // Of two operations at once; and whether that can be judged, whichever comes
  // first, and what speaks against either of them, in either order.
  using Both = BuilderCheck::Both;
  BuilderFindings JudgeBoth(const Both& both);
  bool CanJudgeBoth(const TableOperation& one, const TableOperation& other,
                    RefusalSet& against) const;
  BuilderFindings JudgeEnd();
  void AfterAccess();
  void ExcuseRefusal();
  void SetTold(const std::vector<Interval>& told) { told_ = &told; }
  RefusalSet Against(const TableOperation& operation) const;
  bool MayLackFrames(const TableOperation& operation) const {
    return checks_[0]->MayLackFrames({&operation});
  }
  bool IsInUse(Hpa word) const;
  WaiverSet waived() const;
  const std::optional<BuilderFinding>& tolerated() const;

  // Of what was judged last: the check that led.
  const BuilderCheck& leading() const { return *checks_[leading_]; }

  // For the checks themselves, of what is being judged.
  const std::vector<TableEvent>& events() const { return events_; }
  RefusalSet against() const { return against_; }
  bool may_lack_frames() const { return may_lack_frames_; }
  // Whether the operation, or one of two, is about this view.
  bool IsConcerned(std::size_t view) const {
    return (concerned_ >> view & 1) != 0;
  }
  static bool IsAbout(const TableOperation& operation, std::size_t view) {
    return IsAboutAll(operation) || operation.view == view;
  }
  // Linked in several views before it.
  bool WasShared(std::uint64_t frame) const;
  bool IsLinked(std::uint64_t frame) const;
  bool HasEptp(std::uint64_t eptp) const;
  // In all the views that it is about.
  std::uint64_t TablesFor(const TableOperation& operation) const;

 private:
  static bool IsAboutAll(const TableOperation& operation) {
    return operation.view == kAllViews || IsAboutLog(operation.kind);
  }
  // Those that it is about, as bits.
  unsigned ViewsOf(const TableOperation& operation) const {
    return IsAboutAll(operation) ? (1u << count_) - 1 : 1u << operation.view;
  }
  // Of two operations at once, what `first` and then `second` come to.
  struct Order {
    bool fits = true;  // the answers
    std::array<BuilderCheck::Order, kMaxViews> each;
  };
  Order OrderOf(const TableOperation& first, const TableResult& first_result,
                const TableOperation& second,
                const TableResult& second_result) const;
  bool IsResult(const Order& order);
  // Each check judges; the first is `leading`. Together they have found this.
  // `conclude` adds to that what else there is.
  using JudgeOne = std::function<BuilderFindings(std::size_t)>;
  using AddTo = std::function<void(BuilderFindings&)>;
  BuilderFindings JudgeEach(std::size_t leading, const JudgeOne& judge,
                            const AddTo& conclude);
  BuilderFindings Conclude(std::span<BuilderFindings> each,
                           const AddTo& conclude);
  void Log(const BuilderCheck& check, const BuilderFinding& finding) const;
  // Of an operation about the log that is done: what is wrong with what it has
  // told.
  BuilderFindings CheckTold(const TableOperation& operation);
  void CheckNeedlessInvept();
  bool IsMissed() const;

  FramePool& pool_;
  std::array<std::optional<BuilderCheck>, kMaxViews> checks_;
  std::array<BuilderCheck::Room, kMaxViews> rooms_;  // for the next
  std::array<std::uint64_t, kMaxViews> eptps_ = {};
  std::size_t count_ = 0;
  WriteLog write_log_;
  const std::vector<Interval>* told_ = nullptr;
  SymptomLog* log_ = nullptr;
  std::size_t leading_ = 0;
  std::vector<TableEvent> events_;
  RefusalSet against_ = 0;
  bool may_lack_frames_ = false;
  unsigned concerned_ = 1;  // views, as bits
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_JUDGE_VIEW_CHECKS_H_
