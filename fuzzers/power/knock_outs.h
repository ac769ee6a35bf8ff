// How good is the fuzzer? One rule of the reference is altered at a time, and
// the loss shows when the engine, which keeps the rule, is found to disagree.
//
// One stream of cases serves all alterations at once. That is the same as a run
// for each: until the loss shows nothing that the fuzzer learns depends on it,
// save features of answers that the altered reference gives otherwise and the
// engine's answer still fits.
//
// Cost: which alterations could matter to a step is found out in one run of the
// reference, in which every slot is asked what its alterations would answer. An
// alteration that never answers otherwise there changes nothing: up to its
// first other answer, the altered reference goes the same way. Only the others
// judge the step.
//
// This folder measures the fuzzers; it uses their mutator, what they learn
// from, and the engine. Begin with power_fuzzer.cc, the target that runs.
//
// Thread-safety: thread-compatible, one in a thread at a time.
#ifndef EPTDIFF_FUZZERS_POWER_KNOCK_OUTS_H_
#define EPTDIFF_FUZZERS_POWER_KNOCK_OUTS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "oracle/case.h"
#include "oracle/engine/engine_oracle.h"
#include "oracle/judgement/trial.h"
#include "oracle/reference/dialect.h"
#include "oracle/reference/reference.h"

namespace eptdiff {

// An alteration that no case can show: whatever the engine answers, which
// keeps to the SDM, conforms in either.
struct Equivalent {
  std::string_view alteration;
  std::string_view proof;
};
std::span<const Equivalent> EquivalentAlterations();

// AllAlterations() but those and those of caches (kept_knock_outs.h).
std::vector<Alteration> NoticeableAlterations();

class KnockOuts {
 public:
  // Of these alterations; they outlive it.
  explicit KnockOuts(std::span<const Alteration> alterations);
  ~KnockOuts();

  // Puts `c` to the engine. The alterations, by number, whose loss shows for
  // the first time, until the next call.
  std::span<const std::size_t> Run(const Case& c);

  // Those whose loss has not shown.
  std::size_t remaining() const { return remaining_; }
  bool shown(std::size_t alteration) const { return shown_[alteration]; }

  // Where rules had a consequence in this case, by the SDM.
  const RulePlaces& consequences() const { return consequences_; }

 private:
  struct Probe;  // of a slot

  void Observe(const StepReport& report);
  void FindConcerned(const MachineState& before, const Step* step);
  void Try(std::size_t alteration, const StepReport& report, const Step* step);

  const std::span<const Alteration> alterations_;
  std::vector<Reference> altered_;  // one for each
  std::vector<bool> shown_;
  std::vector<bool> over_;  // this case has nothing more to say of it
  std::size_t remaining_;

  EngineOracle engine_;
  Trial trial_;
  std::unique_ptr<Probe> probe_;
  const Case* case_ = nullptr;
  std::vector<std::size_t> shown_now_;
  RulePlaces consequences_;
  // Kept, since they are large.
  Verdict verdict_;
  Trace trace_;
  Finding finding_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_POWER_KNOCK_OUTS_H_
