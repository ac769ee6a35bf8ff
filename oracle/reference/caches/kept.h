// What a processor may have kept of translations, as a chooser: each run of the
// reference with it is one way in which a step may have met what was kept.
//
// An access may use any translation whose entries could have been read, from
// the root down, at moments that do not decrease, nothing in between having
// ended what was kept so far. So a chain of entries has the set of moments at
// which it can have been held: those at which the entry could be read while the
// chain above it was held, and from each on, until something ends it.
//
// A combined mapping is a chain of guest entries, each found by a chain of EPT
// entries that was held when the guest entry was read: there are two clocks.
// Thread-safety: thread-compatible; lives as long as one step is judged.
#ifndef EPTDIFF_ORACLE_REFERENCE_CACHES_KEPT_H_
#define EPTDIFF_ORACLE_REFERENCE_CACHES_KEPT_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "oracle/history.h"
#include "oracle/machine_state.h"
#include "oracle/reference/caches/kept_entry.h"
#include "oracle/reference/chooser.h"
#include "oracle/reference/rules/situation.h"
#include "oracle/reference/trace.h"
#include "oracle/rules.h"

namespace eptdiff {

class Kept final : public Chooser {
 public:
  // A set of moments, as bits 1 << moment.
  using Moments = std::uint64_t;

  static constexpr std::size_t kMaxRuns = 1024;

  // `state` records its history. The steps that led to the moments of `spared`
  // are taken to end nothing. More runs than `max_runs` are not looked at;
  // Next() then says so.
  explicit Kept(const MachineState& state, Moments spared = 0,
                std::size_t max_runs = kMaxRuns);

  // Whether the run so far is a way in which the step can have gone.
  bool possible() const { return possible_; }
  // Prepares the next run, the first of which reads nothing but what memory has
  // now; false if there is none.
  bool Next();
  bool exhausted() const { return exhausted_; }

  // Of the run so far: the entries used that are not memory's, in the order in
  // which they were read; and of those that `spared` names, the steps that end
  // what was used, each with the first rule by which it does.
  std::span<const KeptEntry> entries() const { return entries_; }
  std::span<const KeptEnd> ends() const { return ends_; }

  void BeginLinear(Examiner& x) override;
  std::uint64_t BeginEpt(Examiner& x, std::uint64_t eptp) override;
  std::uint64_t ReadEntry(Examiner& x, Hpa address, std::uint64_t now) override;
  void Keep(Examiner& x) override;
  void KeepNothing(Examiner& x) override;
  bool FlagsMayStay(Examiner& x) override;
  std::uint64_t FlagsOfMemory(Examiner& x) override;
  std::uint64_t ReadSpp(Examiner& x, Hpa address, std::uint64_t now) override;
  std::uint64_t ReadGuest(Examiner& x, Hpa address, int bytes,
                          std::uint64_t now) override;
  void KeepGuest(Examiner& x, bool leaf) override;
  void KeepNoGuest(Examiner& x) override;
  std::uint64_t Pat(Examiner& x) override;
  bool GuestDirtyMayStay(Examiner& x) override;
  void Refused(Examiner& x) override;
  void UseNow(Examiner& x) override;
  void UseGuestNow(Examiner& x, const PageAccess& page) override;

 private:
  Moments Now() const { return Moments{1} << now_; }
  Moments UpToNow() const { return Now() | (Now() - 1); }
  const ProcessorContext& At(std::size_t moment) const {
    return history_.ContextAt(state_.current, moment);
  }
  // The moments of which `f(context)` says so.
  template <typename F>
  Moments Those(F f) const;

  // Of `count` possibilities, the one of this run.
  std::size_t Choose(std::size_t count);
  // The value of `entry` that this run reads, one that it had at some moment of
  // `held`; `filled` are those. `take` is the part of the word that is read.
  template <typename Take>
  std::uint64_t Read(const EntryRead& entry, Moments held, std::uint64_t now,
                     Take take, Moments& filled);
  // The moments at which `mapping` is held that was made at those of `made`.
  Moments Hold(Examiner& x, const KeptMapping& mapping, Moments made);
  void NoteEntry(EntryRead entry, std::uint64_t now, std::uint64_t used,
                 Moments moments);
  void NoteEnd(std::size_t step, Rule rule);
  // Whether a combined mapping that was made under `then` may be used now.
  bool UsesMadeUnder(Examiner& x, const ProcessorContext& then,
                     bool global) const;
  KeptMapping GuestPhysical(const Examiner& x, bool whole, int shift) const;
  // That of the EPT entry which is looked at.
  KeptMapping OfEntry(const Examiner& x) const;
  KeptMapping Combined(const Examiner& x, bool whole, int shift) const;
  KeptMapping WholePage(const Examiner& x) const;
  // The final page is translated for a linear address, and the moments at which
  // the whole of that can have been made.
  bool IsCombined(const Examiner& x) const;
  Moments MadeWhole(Examiner& x) const;
  // When the combined mapping of the page is held that was made at `made`.
  Moments HoldWhole(Examiner& x, Moments made);
  void Require(Moments held);

  const MachineState& state_;
  const History& history_;
  const std::size_t now_;
  const Moments spared_;
  const std::size_t max_runs_;

  // The choices of this run, and how many possibilities each had.
  struct Choice {
    std::size_t taken = 0;
    std::size_t count = 0;
  };
  std::vector<Choice> choices_;
  std::size_t next_choice_ = 0;
  std::size_t runs_ = 1;
  bool exhausted_ = false;
  bool possible_ = true;
  std::vector<KeptEntry> entries_;
  std::vector<KeptEnd> ends_;

  // The EPT walk: when its root's tag was current; the chain so far, and the
  // moments at which its last entry was read; the SPP tables' entries of its
  // page.
  std::uint64_t eptp_ = 0;
  Moments tagged_ = 0;
  Moments held_ = 0;
  Moments filled_ = 0;
  // Whether mappings of either kind may be used that were made before.
  bool keeps_guest_physical_ = true;
  bool keeps_combined_ = true;
  Moments spp_held_ = 0;
  // When IA32_PAT was what Pat() has chosen.
  Moments pat_ = ~Moments{0};
  // Upper entries whose accessed flag need not be set, and whether it is.
  struct Staying {
    Hpa word;
    bool stays = false;
  };
  std::vector<Staying> staying_;

  // The linear translation.
  bool linear_ = false;
  bool other_pcid_ = false;  // of another PCID: it must be global
  bool global_ = false;
  bool dirty_ = false;
  std::uint16_t pcid_ = 0;
  std::uint8_t page_shift_ = 12;  // of the guest's page
  Moments guest_tagged_ = 0;
  Moments guest_held_ = 0;
  int guest_above_ = 0;  // what the entry above translates, as a shift; or none
  Moments guest_filled_ = 0;
  // When the root was current; and when what HLAT paging had read, up to its
  // restart, was held.
  Moments guest_root_ = 0;
  Moments before_restart_ = ~Moments{0};
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_CACHES_KEPT_H_
