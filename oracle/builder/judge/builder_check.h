// Judges a table builder: one operation at a time, by what its Hal recorded.
//
// The events of an operation are replayed in a memory of the check's own. After
// each store to a linked table, what the changed entry maps is read again:
//
//   recorded events -> replay -> TableImage of what changed: old or new model?
//   memory of the pool, afterwards -> TableImage of all: the new model?
//
// Frames and INVEPT are followed on the way. What was linked, and is unlinked
// by a change that needs INVEPT, waits for it before it may be freed; the
// change itself waits for it, too.
//
// Where the guest is stopped during operations, nobody sees what is between:
// the tables afterwards are held against those before (builder_settle.cc), and
// INVEPT is due once, at any time, if an entry has changed that needs it.
//
// Of a builder that has several tables there is a check of each of these
// (view_checks.h), which judges all that is done by what it makes of its own.
//
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_BUILDER_JUDGE_BUILDER_CHECK_H_
#define EPTDIFF_ORACLE_BUILDER_JUDGE_BUILDER_CHECK_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <unordered_set>
#include <utility>
#include <vector>

#include "engine/table/table_error.h"
#include "engine/types.h"
#include "oracle/builder/builder_finding.h"
#include "oracle/builder/builder_operation.h"
#include "oracle/builder/diagnosis/symptom_log.h"
#include "oracle/builder/diagnosis/taken_out.h"
#include "oracle/builder/frame_map.h"
#include "oracle/builder/frame_pool.h"
#include "oracle/builder/judge/kept_flags.h"
#include "oracle/builder/judge/table_image.h"
#include "oracle/builder/judge/write_log.h"
#include "oracle/builder/mapping_model.h"
#include "oracle/builder/table_facts.h"
#include "oracle/builder/waivers.h"

namespace eptdiff {

// What an operation did, as a set: bit n is the Happening of value n. For
// statistics, and for fuzzers to learn from.
enum class Happening : std::uint8_t {
  kPageAdded,
  kPageRemoved,
  kPageChanged,
  kSplit2MByte,
  kSplit1GByte,
  kMerged2MByte,
  kMerged1GByte,
  kTableLinked,
  kTableUnlinked,
  kFrameFreed,
  kInvept,
  kFlagsMeanwhile,  // set by a processor, while the operation ran
};
inline constexpr int kHappeningCount = 12;
using HappeningSet = std::uint32_t;
constexpr HappeningSet SetOf(Happening happening) {
  return HappeningSet{1} << static_cast<int>(happening);
}

class ViewChecks;

class BuilderCheck {
 public:
  // Who uses the tables while an operation runs.
  enum class Meanwhile : std::uint8_t { kGuestRuns, kGuestIsStopped };

  // What a check needs room for, to be handed to the next one.
  struct Room {
    FrameMemory memory;
    std::vector<TableEvent> events, meanwhile;  // of the builder, of processors
    TableImage was, is;  // what an entry mapped and maps, or all tables map
  };

  // Whose tables they are, where there are several, and which of them: null,
  // there are not. One of the checks leads: what is no matter of one's tables
  // it alone looks at. They have one log.
  struct Among {
    const ViewChecks* views;
    std::size_t view;
    bool leads;
    WriteLog* log;
  };

  // Begins with a builder that has just been created: an empty root, nothing
  // else. Borrows `pool`, and `log`, which may be null. What is in `allowed` is
  // no finding, but counted.
  BuilderCheck(FramePool& pool, const TableFacts& facts, std::uint64_t eptp,
               SymptomLog* log = nullptr,
               Meanwhile meanwhile = Meanwhile::kGuestRuns,
               WaiverSet allowed = 0, Room room = {},
               Among among = {nullptr, 0, true, nullptr});
  BuilderCheck(const BuilderCheck&) = delete;
  BuilderCheck& operator=(const BuilderCheck&) = delete;
  // The check is over.
  Room GiveBack() { return std::move(room_); }

  // What was wrong with that, if anything.
  const BuilderFindings& creation() const { return findings_; }

  // Does the operation and judges it, and what iterating shows afterwards.
  // After a finding the check is over: it no longer knows what to expect.
  template <typename Builder>
  BuilderFindings Run(Builder& builder, const TableOperation& operation) {
    return RunOther(builder, operation, operation);
  }

  // Likewise, but something else is done than what is judged: a faulty builder.
  template <typename Builder>
  BuilderFindings RunOther(Builder& builder, const TableOperation& done,
                           const TableOperation& judged) {
    std::vector<Interval> taken;
    const TableResult result = Apply(builder, done, taken);
    BuilderFindings findings = Judge(judged, result, &taken);
    if (!findings.empty()) return findings;
    std::vector<Interval> shown;
    const Gpa first{0};
    builder.ForEach(
        first, builder.format().gpa_end(), [&](const Mapping& page) {
          shown.push_back({page.gpa.value, page.hpa.value, page.bytes,
                           page.flags.bits & kLeafFlags});
        });
    return JudgeIteration(shown, builder.format().gpa_end());
  }

  // What has been recorded since the last call must be this operation. `taken`
  // is what it says to have taken out (taken_out.h), null if it does not say.
  BuilderFindings Judge(const TableOperation& operation,
                        const TableResult& result,
                        const std::vector<Interval>* taken = nullptr);
  // The next that is refused may be, whatever the reason.
  void ExcuseRefusal() { excused_ = true; }
  // Two operations at once (builder_both.cc): they must come to what they come
  // to one after the other, in this order or that.
  struct Both {
    const TableOperation& one;
    const TableOperation& other;
    TableResult one_result, other_result;
    bool other_is_late;  // it was stopped, and not the one, when last seen

    const TableOperation& late() const { return other_is_late ? other : one; }
  };
  // What an operation about the log, the next that is judged, has told.
  void SetTold(const std::vector<Interval>& told) { told_ = &told; }
  // Likewise, what was done for an exit: nothing was asked for by it.
  BuilderFindings JudgeExit();
  // Likewise, an operation that is about other tables than these.
  BuilderFindings JudgeBeside(const TableOperation& operation);
  // Likewise, the builder's end.
  BuilderFindings JudgeEnd();

  // What iterating over [0, gpa_end) has shown must be what is mapped.
  BuilderFindings JudgeIteration(const std::vector<Interval>& shown,
                                 std::uint64_t gpa_end) const;

  // What that is allowed has happened.
  WaiverSet waived() const { return waived_; }

  // A missing INVEPT, and a frame that was freed before it, are findings no
  // more: the check goes on, so that an access can show what comes of it.
  void TolerateMissingInvept() { tolerant_ = true; }
  // The first that was tolerated.
  const std::optional<BuilderFinding>& tolerated() const { return tolerated_; }

  // Processors have set flags since the last operation.
  void AfterAccess();

  // What speaks against an operation, as the tables are now.
  RefusalSet Against(const TableOperation& operation) const;

  // Whether the frames that the builder has declared to have may be too few
  // for these operations, as the tables are now.
  bool MayLackFrames(
      std::initializer_list<const TableOperation*> operations) const;
  // Whether the last operation has been refused for want of a frame, rightly.
  bool lacked_frames() const { return lacked_frames_; }

  // Whether this word is of a table in use, as the last operation left them.
  bool IsInUse(Hpa word) const {
    return linked_.contains(word.value & ~std::uint64_t{0xfff});
  }

  // Of the leaf that maps `gpa` now; 0 if nothing does.
  int LevelAt(std::uint64_t gpa) const;

  // What goes with a finding that the page of `gpa` is not as asked for: what
  // the tables have there now.
  void AddPage(BuilderFinding& finding) const;

  // Of the operation that was judged last.
  const std::vector<TableEvent>& events() const { return room_.events; }
  HappeningSet happenings() const { return happenings_; }

  const MappingModel& model() const { return model_; }
  const FrameMemory& memory() const { return room_.memory; }

 private:
  friend class ViewChecks;

  // After so many in one operation nothing is looked at any more.
  static constexpr std::size_t kManyFindings = 8;

  // Forgets what was of the operation before.
  void BeginJudging();
  // Of an operation that is about the log, or is not.
  void BeginLogging(bool about_log);
  void TakeEvents(std::vector<TableEvent>& events) const;
  // By these events tables do what they did before; flags may be cleared as
  // `operation` has it.
  BuilderFindings JudgeUnchanged(const TableOperation& operation);
  void EndLog(bool failed, bool tolerated);
  void ReplayAll();
  void Replay(TableEvent& event);
  void ReplayStore(TableEvent& event);
  void ReplayFree(Hpa frame);
  void ReplayInvept(const TableEvent& event);
  // A table that waited for INVEPT is linked at this place.
  void LinkWaiting(std::uint64_t address, const TreePlace& place);
  // A word of a table that is linked at `table`.
  void ChangeEntry(const TableEvent& event, const TreePlace& table);
  // A processor has set flags; in a table that is linked no more they belong to
  // what was taken out.
  void ReplayFlags(const TableEvent& event);
  // Memory of the guest is released: nobody may reach it any more.
  void ReplayRelease(const TableEvent& event);
  // The same of a whole operation, where the guest is stopped; and of INVEPT.
  void Settle();
  void SettleInvept();
  void FollowAll();
  void NoteAllocated(Hpa frame);
  void Follow(TableEvent& event);
  // Tables that were linked and are, and two words of an entry of such.
  void CompareTable(Hpa table, const TreePlace& place);
  void CompareEntry(Hpa address, std::uint64_t before, std::uint64_t after,
                    const TreePlace& place);
  void TakeMemory();
  bool StaysATable(std::uint64_t before, std::uint64_t after, int level) const;
  // Of a refused operation: memory before is room_.memory's.
  void CheckUntouched(Hpa address, std::uint64_t before, std::uint64_t after,
                      const FrameMemory& now, const TreePlace& place);
  void CheckIgnoredBits(Hpa address, std::uint64_t before, std::uint64_t after,
                        int level);
  void CheckTaken(const std::vector<Interval>& taken, std::uint64_t excused);
  // Of the change of an entry, which mapped room_.was and maps room_.is.
  void CheckFlagsKept(KeptFlags::Until until);
  void FindFlagsLost(const KeptFlags::Lost& lost);
  void CheckEnd();
  // Of the tables as they are in the end: whether they are as asked for. Where
  // that leaves a choice, the model is what they are from now on.
  bool SettleModel(std::uint64_t& where);
  void CheckNeedlessInvept();
  // What an operation about the log has told; `page_of` as WriteLog has it.
  void CheckTold(const TableOperation& operation,
                 const WriteLog::PageOf& page_of);
  // The processor writes to a page.
  void ReplayWrite(const TableEvent& event);
  // The page of the tables that `gpa` is in; of 0 bytes if none is.
  Interval PageOf(const FrameMemory& memory, std::uint64_t gpa) const;
  // What else than the models pages may be as while an operation runs.
  Leeway LeewayNow() const;
  void CheckMemory();
  // What room_.was maps, and room_.is does not, or elsewhere.
  void NoteUnmapped();
  void NoteChange(std::uint64_t before, std::uint64_t after, int level);
  void NoteInveptNeeded(Hpa entry, int level);
  // The rule by which INVEPT is missing, by where it is.
  BuilderRule RuleOfMissing() const;
  void LogMissing(BuilderRule rule, SymptomLog& log) const;
  // Notes INVEPT, whenever it is executed; false if it fails.
  bool NoteInvept(const TableEvent& event);
  void NoteInvvpid(const TableEvent& event);

  void Find(BuilderRule rule, std::uint64_t where, int level = 0);
  // False if it is not allowed.
  bool Waive(Waiver waiver);
  // Of `pages` the one at `where` is not what it was or is to be.
  void FindPage(BuilderRule rule, std::uint64_t where, int level,
                const std::vector<Interval>& pages);
  void FindRefusal(const TableOperation& operation, const TableResult& result,
                   RefusalSet reasons, int level);
  void FindLeak(std::uint64_t frame);
  void FindLeaks(const FrameMap<TreePlace>& linked);

  // builder_views.cc. Of an operation: whether it is this check that leads, and
  // where symptoms go.
  void BeginAmong(bool leads, SymptomLog* log);
  // Whether this table was linked in several views when the operation began.
  bool WasShared(std::uint64_t frame) const;
  // Whether some table that goes was.
  bool WasShared(const FrameMap<TreePlace>& tables) const;
  // INVEPT for the EPTP of another view, which is none for this one.
  void NoteOtherInvept(const TableEvent& event);
  bool IsForOtherView(const TableEvent& invept) const;
  // What a finding is called that concerns a page, as these tables are not
  // those that the operation is about, or not alone.
  BuilderRule RuleInView(BuilderRule rule, std::uint64_t where,
                         const std::vector<Interval>& pages) const;
  // Whether a page that the leading check knows to be unmapped is mapped here.
  bool IsMappedStill(const TableEvent& release);
  // Whether processors log to frames that are in use.
  void CheckLogs();
  // Tables that the operation makes at most.
  std::uint64_t TablesFor(const TableOperation& operation) const;
  std::uint64_t TablesForLog() const;
  void FindForeignStore(Hpa address, const FrameMemory& memory);
  // What `memory` has at the place of `finding`, and `asked` for it.
  void AddPage(const FrameMemory& memory, const MappingModel& asked,
               BuilderFinding& finding) const;
  // Whether tables in use are others now than before what is being judged.
  bool AreTablesChanged() const;
  void Take(const BuilderFinding& finding);
  void NoteUnfilled(const TableImage& image, const FrameMemory& memory);
  // Where a missing INVEPT is tolerated, the check goes on without one.
  void FindOrTolerate(BuilderRule rule, std::uint64_t where, int level);
  // The page that `gpa` is in, and the entry that maps it.
  PageNow PageAt(Gpa gpa, std::uint64_t& leaf) const;
  // Of two operations at once, what these tables come to in an order.
  struct Order {
    MappingModel between, after;
  };
  void BeginBoth(const Both& both);
  // Whether the tables in memory are that.
  bool AreTables(const MappingModel& model);
  // `was` is the order that it was, if that `fits`.
  BuilderFindings JudgeBoth(const Both& both, bool fits, Order& was,
                            Order& other);
  // `all` is what all checks have found; of the later one, where it is.
  void ConcludeBoth(bool fits, std::uint64_t gpa, int level,
                    BuilderFindings& all);
  bool IsAboutThis(const TableOperation& operation) const;
  // Whether the pages of an entry are as they may be after a store.
  bool IsOldOrNew(const TreePlace& place, Leeway leeway,
                  std::uint64_t& where) const;
  // Flags in which pages are compared.
  std::uint64_t ComparedFlags() const;

  FramePool& pool_;
  const ViewChecks* const views_;
  const std::size_t view_;
  bool leads_;
  SymptomLog* log_;
  const bool guest_stopped_;
  TableFacts facts_;
  std::uint64_t eptp_;
  Hpa root_;
  Room room_;
  MappingModel model_;  // of an operation: before it, until all is replayed
  std::unordered_set<std::uint64_t> in_use_;  // frames
  FrameMap<TreePlace> linked_;                // tables

  const WaiverSet allowed_;
  WaiverSet waived_ = 0;
  bool tolerant_ = false;
  std::optional<BuilderFinding> tolerated_;
  bool ignores_flags_ = false;  // software cleared what no processor sets

  // Within an operation.
  FrameMemory::Frame* filled_ = nullptr;  // of the last store, if not linked
  std::uint64_t filled_frame_ = 0;
  HappeningSet happenings_ = 0;
  BuilderFindings findings_;
  MappingModel after_;  // it; and, once all is replayed, what was before
  TableResult result_ = {};
  bool owed_invept_ = false;  // needed before it
  bool done_ = true;          // not refused
  bool lacked_frames_ = false;
  bool excused_ = false;
  bool partial_ = false;    // frames have run out, and what was done may stay
  bool or_absent_ = false;  // pages may go
  bool at_once_ = false;  // two operations: pages may be as these have it, too
  std::vector<MappingModel> others_;
  KeptFlags kept_flags_;
  bool came_in_ = false;  // a processor, before a store
  bool tolerates_now_ = false;
  ProcessorSet needs_invept_ = 0;  // where, since the last
  ProcessorSet asked_invept_ = 0;  // where it has been asked for, and no more
  ProcessorSet done_invept_ = 0;   // where it has been executed
  bool needed_invept_ = false;
  bool needless_invept_ = false;  // INVEPT that nothing before it needs
  bool repeated_invept_ = false;
  // Where there are several views: of the kind that ends what is kept in all of
  // them; and where INVEPT for another one has been executed, for one in which
  // a processor does not run, and while they ran in several.
  bool all_contexts_ = false, needless_for_all_ = false;
  ProcessorSet other_invept_ = 0;
  bool names_other_ = false, run_apart_ = false;
  FrameMap<TreePlace> linked_before_;  // the operation
  std::vector<BuilderFinding> tolerated_now_;
  ProcessorSet invvpid_ = 0;  // where INVVPID has been executed
  Hpa invept_entry_ = {};     // whose change needs it, and its level
  int invept_level_ = 0;
  // Tables that wait for INVEPT, and where it is yet to be executed.
  struct Waiting : TreePlace {
    ProcessorSet processors = kAllProcessors;
    bool refilled = false;  // something is mapped in it since
  };
  FrameMap<Waiting> waiting_;
  // Pages that are mapped otherwise, or not at all, likewise.
  struct Gone {
    Interval page;
    ProcessorSet processors = kAllProcessors;
  };
  std::vector<Gone> gone_;
  std::vector<Interval> unmapped_;  // in this case so far
  bool is_end_ = false;             // the tables are given up
  WriteLog own_log_;
  WriteLog& write_log_;
  const std::vector<Interval>* told_ = nullptr;
  std::vector<std::uint64_t> fresh_;  // frames
  TakenOut taken_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_JUDGE_BUILDER_CHECK_H_
