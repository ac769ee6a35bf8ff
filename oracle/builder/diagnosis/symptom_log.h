// Collects symptoms while a builder is judged (symptom.h): of the operation at
// which a case failed, and of everything that went right.
//
// BuilderCheck and BuilderTrial tell it what they see; it costs nothing where
// nobody has asked for it.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_BUILDER_DIAGNOSIS_SYMPTOM_LOG_H_
#define EPTDIFF_ORACLE_BUILDER_DIAGNOSIS_SYMPTOM_LOG_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "engine/table/table_error.h"
#include "engine/types.h"
#include "oracle/builder/builder_finding.h"
#include "oracle/builder/circumstances.h"
#include "oracle/builder/diagnosis/entry_change.h"
#include "oracle/builder/diagnosis/page_difference.h"
#include "oracle/builder/diagnosis/symptom_counts.h"
#include "oracle/builder/mapping_model.h"
#include "oracle/builder/symptom.h"
#include "oracle/builder/table_facts.h"
#include "oracle/case.h"
#include "oracle/fixed_vector.h"

namespace eptdiff {

class SymptomLog {
 public:
  static constexpr std::size_t kMaxSymptoms = 24;
  using Symptoms = FixedVector<Symptom, kMaxSymptoms>;

  // Borrows `right`: where symptoms of what went right go.
  explicit SymptomLog(SymptomCounts& right) : right_(right) {}

  // Of the step that failed; none yet if no step has.
  const Symptoms& symptoms() const { return symptoms_; }
  // ... and all in which pages differ there.
  const PageDifference& difference() const { return difference_; }
  const Circumstances& circumstances() const { return at_; }

  // From now on what goes right is not counted: of this mistake it is told for
  // each case by itself, as far as there is room.
  void Watch(Mistake mistake) { watched_ = mistake; }
  static constexpr std::size_t kMaxPassed = 72;
  using Passed = FixedVector<PassedSymptom, kMaxPassed>;
  const Passed& passed() const { return passed_; }

  // A case begins, with the builder's beginning.
  void BeginCase(const Processor& processor, const Controls& controls);
  // An operation on so many bytes begins; `level` is that of the leaf at its
  // first address, 0 if there is none.
  void BeginOperation(const TableOperation& operation, std::uint64_t bytes,
                      int level, const TableFacts& facts);
  void BeginEnd();
  void BeginExit(const TableFacts& facts);
  // What it has to come to, where pages are compared in the bits of `mask`. To
  // be said before anything else, and again when the models move.
  void SetModels(const MappingModel& before, const MappingModel& after,
                 std::uint64_t mask);

  // A store has changed a linked entry at `gpa`, which mapped `was` and maps
  // `is`.
  void OnChange(std::uint64_t before, std::uint64_t after, int level,
                const std::vector<Interval>& was,
                const std::vector<Interval>& is);
  void OnAllocated() { allocated_ = true; }
  // No frame is left for the operation.
  void OnLack();
  // Another one runs beside it.
  void OnBeside() { at_[CircumstanceWord::kMeanwhile] = 2; }
  void OnFreed() { freed_ = true; }
  // A table that was linked just now is not filled.
  void OnUnfilled(int level) { Add(At(Mistake::kUnfilled, level)); }

  // What is wrong. Of an operation that was refused, or not, against
  // expectation all else follows from that.
  void OnRefusal(Mistake mistake, TableError error);
  void OnFinding(BuilderRule rule, int level);
  // The page at `gpa` is neither what it was nor, or not now, what it is to be.
  void OnPage(std::uint64_t gpa, const PageFacts& found);
  // A frame is neither linked nor freed; `is_new`: it is of this operation.
  void OnLeak(bool is_new);
  // Accessed and dirty flags, the bits of `lost`, are gone.
  void OnFlagsLost(std::uint64_t lost, int level);
  // ... and had been set between the load of an entry and the store to it; or
  // they had, and are not.
  void OnFlagsRaced(std::uint64_t lost);
  void MayRaceFlags(std::uint64_t set);
  // Two operations at once come to what they do in neither order.
  void OnOperationsRaced() { Add(Base(Mistake::kOperationsRaced)); }
  // What is shown as removed is wrong (kRemoved...).
  void OnTakenOut(Mistake mistake);
  // It is right, and this could have been wrong with it.
  void MayBe(Mistake mistake);
  // No INVEPT follows a change, or not where it has to: a rule about that.
  void OnInveptMissing(BuilderRule rule);

  // The operation, or the builder's end, is over. `failed`: something was wrong
  // with it; `tolerated`: ... but the case goes on; `needed`: it had to execute
  // INVEPT.
  void EndOperation(const TableResult& result, bool failed, bool tolerated,
                    bool needed);
  // What was tolerated before has come to light, as `rule` if an access showed.
  void BlameTolerated(BuilderRule rule);

 private:
  void Pass(Symptom symptom);
  // It is right, if the operation is, in a page with this entry.
  void MayBe(Symptom symptom, std::uint64_t page);
  Symptom At(Mistake mistake, int level) const;
  Symptom Base(Mistake mistake) const;
  Symptom OfRefusal(Mistake mistake, TableError error) const;
  void Add(Symptom symptom);
  Change ChangeOfAll() const;
  bool IsElsewhere(std::uint64_t gpa, const PageFacts& found) const;
  Place PlaceOf(std::uint64_t gpa) const;
  void PassPages();

  SymptomCounts& right_;
  std::optional<Mistake> watched_;
  Passed passed_;
  Circumstances machine_, at_;
  Symptoms symptoms_;
  PageDifference difference_ = {};
  Symptoms tolerated_;  // of the first operation with such a thing
  struct MaybePassed {
    Symptom symptom;
    std::uint64_t page;  // CircumstanceWord::kPage
  };
  std::vector<MaybePassed> maybe_;  // right, if the operation is
  Circumstances tolerated_at_;
  bool settled_ = false;  // all else follows from what is known
  Phase phase_ = Phase::kBeginning;
  TableOperation operation_;
  std::uint64_t bytes_ = 0;
  int first_level_ = 0;
  TableFacts facts_;
  const MappingModel* before_ = nullptr;
  const MappingModel* after_ = nullptr;
  std::uint64_t mask_ = 0;
  Deed deed_ = Deed::kNone;  // of the last store
  int level_ = 0;
  std::uint64_t page_size_ = 0;  // of what it maps then, as in kPage
  bool shared_ = false;
  ChangeSet changes_ = 0;
  std::uint64_t gainable_ = 0;  // of kOtherBits: the lowest is next
  bool allocated_ = false;
  bool freed_ = false;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_DIAGNOSIS_SYMPTOM_LOG_H_
