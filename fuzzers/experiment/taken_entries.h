// Entries that are taken for others than they are, as a chooser: the reference
// reads them so, each in its place, and memory stays as it is. Those that are
// taken otherwise in one use alone (uses.def) are seen so where that is asked,
// in a dialect that has the alterations for it.
// Thread-safety: thread-compatible; lives as long as one step is judged.
#ifndef EPTDIFF_FUZZERS_EXPERIMENT_TAKEN_ENTRIES_H_
#define EPTDIFF_FUZZERS_EXPERIMENT_TAKEN_ENTRIES_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "fuzzers/experiment/cause.h"
#include "fuzzers/experiment/uses.h"
#include "oracle/case.h"
#include "oracle/reference/chooser.h"
#include "oracle/reference/dialect.h"
#include "oracle/reference/rules/situation.h"
#include "oracle/reference/trace.h"

namespace eptdiff {

// Alterations of the slots of uses.def, which answer as the entries have it
// that are taken for others in this thread.
std::span<const Alteration> ThatSeeAsTaken();

// Whether an effect on entries, under this condition, may take anything for
// what it is not in an answer to `question`, on whose way are these entries.
// Cheap, and nobody is asked: false is certain, and true need not be so.
bool MayTake(const Effect& effect, const std::vector<Atom>& when,
             const Case& question, const std::vector<EntryRead>& entries);

class TakenEntries final : public Chooser {
 public:
  // `entries` are those on the way of `question`, as they are: what a condition
  // may be about. Both outlive this.
  TakenEntries(const Case& question, const std::vector<EntryRead>& entries);
  ~TakenEntries() override;
  TakenEntries(const TakenEntries&) = delete;
  TakenEntries& operator=(const TakenEntries&) = delete;

  // Entries for which the condition holds are taken as this effect has it; both
  // outlive this. Further ones apply to what the first make of an entry.
  void Add(const Effect& effect, const std::vector<Atom>& when) {
    taken_as_.push_back({&effect, &when});
  }
  bool empty() const { return taken_as_.empty(); }
  // The effect, if it is one alone.
  const Effect* only() const {
    return taken_as_.size() == 1 ? taken_as_[0].effect : nullptr;
  }
  // Whether some are about one use alone; then ThatSeeAsTaken() are needed.
  bool AreOfUses() const;

  // What `slot` is to answer, of which the SDM has `value`. For ThatSeeAsTaken.
  std::uint64_t Answer(Slot slot, std::uint64_t (*sdm)(const Situation&),
                       const Situation& situation, std::uint64_t value);

  // Those that were taken for something else, as they are, in the order in
  // which they were read.
  const std::vector<EntryRead>& taken() const { return taken_; }
  // Whether an entry was, or a register that references the first table.
  bool took() const { return took_root_ || !taken_.empty(); }

  std::uint64_t ReadEntry(Examiner& x, Hpa address, std::uint64_t now) override;
  std::uint64_t ReadSpp(Examiner& x, Hpa address, std::uint64_t now) override;
  std::uint64_t ReadGuest(Examiner& x, Hpa address, int bytes,
                          std::uint64_t now) override;

  // Nothing is kept.
  void BeginLinear(Examiner& x) override;
  std::uint64_t BeginEpt(Examiner&, std::uint64_t eptp) override {
    return TakeRoot(Structure::kEpt, eptp);
  }
  void Keep(Examiner&) override {}
  void KeepNothing(Examiner&) override {}
  bool FlagsMayStay(Examiner&) override { return false; }
  std::uint64_t FlagsOfMemory(Examiner&) override { return 0; }
  void KeepGuest(Examiner&, bool) override {}
  void KeepNoGuest(Examiner&) override {}
  bool GuestDirtyMayStay(Examiner&) override { return false; }
  std::uint64_t Pat(Examiner& x) override;
  void Refused(Examiner&) override {}
  void UseNow(Examiner&) override {}
  void UseGuestNow(Examiner&, const PageAccess&) override {}

 private:
  struct TakenAs {
    const Effect* effect;
    const std::vector<Atom>* when;
  };
  std::uint64_t Take(const EntryRead& entry);
  // The entry that a use looks at, as it is in memory.
  EntryRead LookedAt(const EntryUse& use, const Situation& s) const;
  std::uint64_t TakeRoot(Structure structure, std::uint64_t value);

  const Case& question_;
  const std::vector<EntryRead>& entries_;
  std::vector<TakenAs> taken_as_;
  std::vector<EntryRead> taken_;
  std::vector<EntryRead> read_;  // as they are
  bool took_root_ = false;
  GuestState guest_;  // with the root that was taken
  // The index of the entry of this structure that is read next.
  std::optional<Structure> took_index_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_EXPERIMENT_TAKEN_ENTRIES_H_
