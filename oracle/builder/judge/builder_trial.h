// A case of table operations put to a builder: every operation is judged by
// BuilderCheck and by walks of the reference, and the accesses between them are
// made by a processor that uses whatever it may have cached.
//
//   operations --> builder --> frames, stores, INVEPT --> BuilderCheck: a model
//                                |                         of the mappings
//   accesses --> Processors: stale paths --> reference: done, or refused?
//
// A missing INVEPT is seen by an access: what the processor may still use gives
// an answer that memory does not give. If no access comes, it is a finding by
// itself, at the end.
//
// The builder's root is at the address in EPTP, its frames follow. Entries that
// map nothing hold 0, or bit 63 alone where "EPT-violation #VE" is 1.
//
// Of a builder that has several tables (views) each logical processor uses one
// at a time, the first at first; what it has cached of the others stays
// meanwhile.
//
// This folder uses the words of oracle/builder/, and the reference. Begin here;
// builder_check.h judges one operation, view_checks.h all tables of a builder,
// processors.h makes the accesses, table_image.h reads what tables map.
//
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_BUILDER_JUDGE_BUILDER_TRIAL_H_
#define EPTDIFF_ORACLE_BUILDER_JUDGE_BUILDER_TRIAL_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "engine/table/table_error.h"
#include "oracle/builder/builder_finding.h"
#include "oracle/builder/builder_operation.h"
#include "oracle/builder/builder_under_test.h"
#include "oracle/builder/diagnosis/symptom_log.h"
#include "oracle/builder/frame_pool.h"
#include "oracle/builder/judge/builder_check.h"
#include "oracle/builder/judge/processors.h"
#include "oracle/builder/judge/reference_walker.h"
#include "oracle/builder/judge/view_checks.h"
#include "oracle/builder/waivers.h"
#include "oracle/case.h"
#include "oracle/oracle.h"
#include "oracle/outcome.h"
#include "oracle/reference/dialect.h"

namespace eptdiff {

// What became of the builder in one case.
struct BuilderStandings {
  // Steps that were judged; the builder's beginning and its end count, too.
  std::uint32_t compared = 0;
  bool undefined = false;  // ALIAS-1, or a processor's log in the tables
  Skip skip = Skip::kNone;
  // Of the finding, or of what ended the case early: 0 is the beginning, one
  // more than the steps the end.
  std::size_t step = 0;
  std::optional<BuilderFinding> finding;
  WaiverSet waived = 0;  // what happened that is allowed
  // Reasons for which operations, or the whole case, were not asked for.
  RefusalSet not_asked = 0;
  bool not_modelled = false;   // it declined some operation
  bool lacked_frames = false;  // an allocation failed
};

// A step that was judged, or a processor that has changed over.
struct BuilderStepReport {
  std::size_t number;  // 0 is the beginning, one more than the steps the end
  const Step* step;    // null for those two
  // An operation, the beginning, the end.
  TableResult result;
  const std::vector<TableEvent>& events;
  const std::vector<Interval>* taken = nullptr;  // of an operation, as it says
  const std::vector<Interval>* told = nullptr;   // of one about the log
  bool asked = true;  // false: for an operation it was not asked for
  HappeningSet happenings = 0;
  // An access; the verdict and trace are of memory, as nothing cached has it.
  const MachineState* before = nullptr;
  const Verdict* verdict = nullptr;
  const Trace* trace = nullptr;
  const Outcome* outcome = nullptr;
  AccessEnd end = AccessEnd::kOther;
  std::size_t stale = 0;  // paths that it might use in place of memory
  const std::optional<BuilderFinding>& finding;
};

class BuilderTrial {
 public:
  // How many frames there are.
  static constexpr std::uint64_t kFrames = 96;
  // For a builder that is not asked what it does without.
  static constexpr std::uint64_t kManyFrames = 1024;
  // Exits of one access that a builder has to deal with.
  static constexpr int kMaxExits = 16;

  // The reference that walks speaks `dialect`: the SDM, unless it is to be
  // wrong on purpose.
  explicit BuilderTrial(std::unique_ptr<BuilderUnderTest> builder,
                        Dialect dialect = {});

  const BuilderUnderTest& builder() const { return *builder_; }

  // Valid until the next call.
  const BuilderStandings& Run(const Case& c);
  // Gives back what judging the last case took: who counts allocations and
  // releases case by case finds none left over. What has been said stands.
  void Forget() { checks_.End(); }

  // Observes every judged step; may be empty.
  using Observer = std::function<void(const BuilderStepReport&)>;
  void set_observer(Observer observer) { observer_ = std::move(observer); }
  // Observes what an access may come to by what its processor has cached,
  // before the access itself is reported.
  using StaleObserver = std::function<void(const Step&, const Verdict&)>;
  void set_stale_observer(StaleObserver observer) {
    stale_observer_ = std::move(observer);
  }
  // What is no finding (waivers.h).
  void Allow(WaiverSet waivers) { allowed_ = waivers; }
  // For which reasons the builder refuses: all, unless told so. By its own
  // tables, an operation that it would have to refuse for another one, too, is
  // not asked for; without kNoFrames there are more frames, and a case in which
  // they run out even so is not judged from there on.
  void set_refusals(RefusalSet refusals) { refusals_ = refusals; }
  // Where symptoms go; borrowed, null for nowhere.
  void set_symptom_log(SymptomLog* log) { log_ = log; }
  // Whether traces keep their hits (trace.h); they do not unless told so.
  void set_keeps_hits(bool keeps_hits) { walker_.set_keeps_hits(keeps_hits); }

 private:
  // False: it does not go on.
  bool Begin(const Case& c);
  // Of an operation or a case that would have to be refused for `reasons`:
  // whether it is asked for nevertheless.
  bool MayAsk(RefusalSet reasons);
  // Sees to it that frames from FramePool::kPlaced on lie there. One trial of a
  // process can have that at a time.
  bool PlaceFrames();
  // `beside`, if there is one, is the operation that runs beside it, by another
  // thread of the builder; it is over, too, then.
  bool Perform(const TableOperation& operation, const TableOperation* beside);
  // Whether it is about tables that there are.
  bool HasView(const TableOperation& operation) const;
  // Null if the step after this one is no such operation, or the two cannot be
  // judged.
  const TableOperation* BesideOf(std::size_t step) const;
  bool Ask(const TableOperation& operation);
  bool AskBoth(const TableOperation& one, const TableOperation& other);
  // An operation has been judged.
  void Conclude(const TableOperation& operation);
  bool Access(const Step& step);
  void Switch(const Step& step);
  // The reference walks these from now on.
  void UseTables(std::size_t view);
  // The log of the processor, as software has set it up; and as it is after a
  // step.
  void LoadLog(std::uint8_t processor);
  void StoreLog(std::uint8_t processor);
  // Has the builder deal with the exits that it is for, until the access ends
  // otherwise, or is none of its own.
  bool HandleExits(const Step& step);
  void ReportExit(const Step& step);
  // Whether what was asked for allows the access to this page; none: that
  // depends on more than rights.
  std::optional<bool> IsAllowed(const Step& step, Gpa page) const;
  bool Store(const Step& step);
  void End();

  // The first address of an access and the last one.
  static std::pair<Gpa, Gpa> AddressesOf(const Step& step);
  // Of one of its pages, the linear address.
  std::optional<LinearUse> UseOf(const Step& step, Gpa page);
  // Whether what memory says about the access is what was asked for.
  bool IsAsAsked(const Step& step, AccessEnd end) const;
  // What is wrong with the answer that `path` gives, if memory's is `end`.
  std::optional<BuilderRule> Compare(AccessEnd stale, AccessEnd end,
                                     const Event& by_memory) const;
  // Carries out what the access did; false if it wrote into tables.
  bool Apply(const Outcome& outcome);
  bool IsOfLog(Hpa word) const;
  void CheckWalks(const TableOperation& operation);
  void Take(const BuilderFindings& findings);
  void Find(BuilderRule rule, std::uint64_t gpa, std::size_t view = 0);
  void Report(const BuilderStepReport& report) const;

  std::unique_ptr<BuilderUnderTest> builder_;
  std::unique_ptr<void, void (*)(void*)> placed_{nullptr, nullptr};
  FramePool pool_;
  ReferenceWalker walker_;
  Processors processors_{pool_, walker_};
  ViewChecks checks_{pool_};
  std::vector<std::uint64_t> eptps_;  // of the tables, the first first
  BuilderStandings standings_;
  std::size_t tolerated_at_ = 0;  // the step
  TableFacts facts_;
  const Case* case_ = nullptr;
  Observer observer_;
  StaleObserver stale_observer_;
  WaiverSet allowed_ = 0;
  RefusalSet refusals_ = ~RefusalSet{0};
  SymptomLog* log_ = nullptr;
  // For reports and accesses, kept to save allocations.
  std::vector<TableEvent> no_events_;
  std::vector<CachedPath> paths_;
  std::vector<Interval> listed_;
  std::vector<Interval> taken_, other_taken_;
  Outcome outcome_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_JUDGE_BUILDER_TRIAL_H_
