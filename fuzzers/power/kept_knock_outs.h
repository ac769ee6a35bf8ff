// The same for what may be kept of translations (29.4): an alteration of the
// CACHE rules lets more be kept or less, and each shows in a way of its own.
//
// More: somebody who keeps what it lets him (DialectOracle, kKept) is judged by
// the SDM. Less: the engine with its translation cache, which keeps to the SDM,
// is judged by the altered reference, and so is somebody who keeps whatever the
// SDM lets him: the engine never refuses by what it has kept (CACHE-9), nor
// keeps flags that are clear (CACHE-14) or sub-page permissions (CACHE-15).
// Whichever comes first is counted.
//
// Cost: the reference goes through all ways to have kept translations, for each
// alteration that is left and matters to the case (touched.h): one that would
// answer no slot otherwise shows in nothing, and is not tried.
//
// Thread-safety: thread-compatible, one in a thread at a time.
#ifndef EPTDIFF_FUZZERS_POWER_KEPT_KNOCK_OUTS_H_
#define EPTDIFF_FUZZERS_POWER_KEPT_KNOCK_OUTS_H_

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "oracle/case.h"
#include "oracle/diagnosis/combination.h"
#include "oracle/diagnosis/touched.h"
#include "oracle/engine/engine_cache_oracle.h"
#include "oracle/judgement/dialect_oracle.h"
#include "oracle/judgement/trial.h"
#include "oracle/reference/dialect.h"
#include "oracle/reference/rule_places.h"
#include "oracle/reference/trace.h"
#include "oracle/verdict.h"

namespace eptdiff {

// All of CACHE, those of CACHE-13 among them, which decide nothing that is
// kept.
std::vector<Alteration> AlterationsOfCaches();

class KeptKnockOuts {
 public:
  // Of these alterations; they outlive it.
  explicit KeptKnockOuts(std::span<const Alteration> alterations);
  ~KeptKnockOuts();

  // The alterations, by number, whose loss shows for the first time in `c`,
  // until the next call.
  std::span<const std::size_t> Run(const Case& c);

  // Those whose loss has not shown.
  std::size_t remaining() const { return keepers_.size(); }

  // Where rules had a consequence in this case, by the SDM.
  const RulePlaces& consequences() const { return consequences_; }

 private:
  struct Keeper;  // one alteration

  // Which alterations matter to this step of case_, in the state that the
  // engine or somebody who keeps what the SDM lets him has come to.
  void LookAt(const StepReport& report);

  std::vector<std::unique_ptr<Keeper>> keepers_;  // of what has not shown
  EngineCacheOracle engine_;
  DialectOracle keeps_all_;
  Trial by_sdm_;        // the engine
  Trial keeps_by_sdm_;  // whoever keeps all
  const Case* case_ = nullptr;
  std::unique_ptr<TouchedBy> touched_by_;  // of what has not shown
  AlterationSet matter_;
  std::unique_ptr<Verdict> verdict_;
  std::unique_ptr<Trace> trace_;
  std::vector<std::size_t> shown_now_;
  RulePlaces consequences_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_POWER_KEPT_KNOCK_OUTS_H_
