// Everything that an oracle was seen to answer, and whether a combination of
// alterations permits it.
// Thread-safety: as TouchedBy.
#ifndef EPTDIFF_ORACLE_DIAGNOSIS_EVIDENCE_H_
#define EPTDIFF_ORACLE_DIAGNOSIS_EVIDENCE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "oracle/case.h"
#include "oracle/diagnosis/combination.h"
#include "oracle/diagnosis/touched.h"
#include "oracle/judgement/judge.h"
#include "oracle/machine_state.h"
#include "oracle/oracle.h"
#include "oracle/outcome.h"
#include "oracle/reference/caches/caching_reference.h"
#include "oracle/verdict.h"

namespace eptdiff {

// One answered step.
struct Observation {
  std::shared_ptr<const Case> c;
  std::size_t number = 0;  // of the step; 0 is VM entry
  MachineState before;
  Outcome outcome;

  bool agrees = false;    // with the SDM
  std::string signature;  // of the disagreement with the SDM (judge.h)
  AlterationSet touched;  // that matter to it, by the SDM's walk

  const Step* step() const {
    return number == 0 ? nullptr : &c->steps[number - 1];
  }
};

// What a combination says to an observation.
enum class Fit : std::uint8_t {
  kFits,
  kContradicts,
  kSilent,  // the combination leads to where nothing is defined (ALIAS-1)
};

// An explanation that is being tried: a combination ready to judge.
class Trier {
 public:
  explicit Trier(Combination combination)
      : combination_(std::move(combination)),
        reference_(DialectOf(combination_)) {}
  const Combination& combination() const { return combination_; }

 private:
  friend class Evidence;
  Combination combination_;
  CachingReference reference_;
};

class Evidence {
 public:
  explicit Evidence(FieldSet fields);

  // Judges what was answered by the SDM. False, and nothing is added, if the
  // SDM has no say on this step.
  bool Add(const std::shared_ptr<const Case>& c, std::size_t number,
           const MachineState& before, const Step* step,
           const Outcome& outcome);

  // Forgets the last one.
  void PopBack() { observations_.pop_back(); }

  std::size_t size() const { return observations_.size(); }
  const Observation& operator[](std::size_t i) const {
    return *observations_[i];
  }
  FieldSet fields() const { return fields_; }

  Fit FitOf(const Trier& trier, std::size_t i);
  bool Contradicts(const Trier& trier, std::size_t i) {
    return FitOf(trier, i) == Fit::kContradicts;
  }

  // The alterations that may change what the combination says to it.
  AlterationSet TouchedUnder(const Combination& combination, std::size_t i);

  // How many verdicts were asked for: the measure of effort.
  std::size_t judged() const { return judged_; }

 private:
  const FieldSet fields_;
  const TouchedBy sdm_;
  std::vector<std::unique_ptr<Observation>> observations_;
  std::size_t judged_ = 0;
  // Kept, not made anew: they are large.
  std::unique_ptr<Verdict> verdict_;
  std::unique_ptr<Trace> trace_;
  Finding finding_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_DIAGNOSIS_EVIDENCE_H_
