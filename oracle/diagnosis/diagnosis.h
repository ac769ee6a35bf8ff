// Diagnosis: the smallest dialect that reproduces an oracle's answers.
//
// Given what an oracle answered, step by step, it finds the fewest alterations
// (reference/dialect.h) that have to be made to the SDM so that every answer
// seen conforms: "bits 29:12 of a 1-GByte leaf are not checked (CFG-8)".
//
//   Diagnosis diagnosis(oracle.fields());
//   trial.set_observer([&](const StepReport& report) { ... Observe(...); });
//   diagnosis.Separate(oracle, vary);       // makes and asks further cases
//   for (const std::string& s : Sentences(diagnosis.explanation())) ...
//
// 1. Agreeing answers count as much as disagreeing ones: they refute.
// 2. All explanations of the smallest size are found, up to kExactSize
//    alterations; beyond that one is grown step by step, and none of its
//    alterations can be left out.
// 3. While several explanations remain, Separate() looks for a case on which
//    they differ and puts it to the oracle. What no case has separated is
//    reported as one class.
// 4. An answer that no combination explains is unexplained, and no longer
//    stands in the way of the others.
//
// A choice that the SDM permits (Slot kind kPermits) is no departure and is
// never named. Cost: verdicts, a few microseconds each. To ask 1100 cases and
// separate what explains them takes 50 ms for one departure, 200 ms for Bochs's
// thirteen; an answer that nothing explains costs up to 0.3 s, the next ones
// like it next to nothing. Thread-safety: thread-compatible; not two at a time
// in one thread.
//
// This folder uses the reference with its dialects, and answers that others
// have collected; it knows no oracle by name. Begin here; evidence.h is what
// was seen, search.h and separation.h are steps 2 and 3.
#ifndef EPTDIFF_ORACLE_DIAGNOSIS_DIAGNOSIS_H_
#define EPTDIFF_ORACLE_DIAGNOSIS_DIAGNOSIS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "oracle/case.h"
#include "oracle/diagnosis/combination.h"
#include "oracle/diagnosis/evidence.h"
#include "oracle/machine_state.h"
#include "oracle/oracle.h"
#include "oracle/outcome.h"
#include "oracle/reference/dialect.h"

namespace eptdiff {

// The largest number of alterations up to which the search is exact.
inline constexpr std::size_t kExactSize = 3;

// One thing that the oracle does otherwise than the SDM.
struct Departure {
  // The first, in the order of AllAlterations(), of those that fit.
  const Alteration* alteration = nullptr;
  // Others that would explain everything as well in its place.
  std::vector<const Alteration*> inseparable;
  // In how many cases it is needed to explain an answer.
  std::size_t cases = 0;
};

// A step that no combination of alterations explains.
struct UnexplainedStep {
  std::shared_ptr<const Case> c;
  std::size_t step = 0;  // 0 is VM entry
  MachineState before;
  Outcome outcome;
};

// What comes nearest to explaining the unexplained steps: a hint, and no part
// of the dialect.
struct Nearest {
  const Alteration* alteration = nullptr;
  std::size_t explained = 0;     // unexplained steps that it would explain
  std::size_t contradicted = 0;  // steps that it would contradict
};

struct Explanation {
  // In the order of AllAlterations(). Empty: everything agrees.
  std::vector<Departure> departures;
  // Further explanations of the same size that are not made by exchanging one
  // departure for another of its class; each a list of alterations.
  std::vector<std::vector<const Alteration*>> others;
  std::vector<UnexplainedStep> unexplained;
  // The alteration that explains most of these, if any explains some.
  std::optional<Nearest> nearest;
  // Whether there is provably no smaller explanation.
  bool smallest = true;

  // The dialect in which the oracle is judged to agree.
  Dialect dialect() const;
};

// Makes a case near `original`, which disagreed or is a witness. The same seed
// and original give the same case. (oracle/ does not know the fuzzers'
// mutator; whoever has it passes it.)
using Vary =
    std::function<void(std::uint64_t seed, const Case& original, Case& varied)>;

// How much Separate() may do.
struct SeparationLimits {
  std::size_t asked = 2000;       // cases put to the oracle
  std::size_t fruitless = 4000;   // variations in a row that separate nothing
  std::function<bool()> is_late;  // then no more is asked; may be empty
};

class Diagnosis {
 public:
  // How many verdicts one search may ask for, a few microseconds each, and one
  // for what might explain a single answer.
  struct Effort {
    std::size_t search = 400'000;
    std::size_t of_one = 40'000;
  };

  // `fields` are those that the oracle fills in: the others are not compared.
  explicit Diagnosis(FieldSet fields = kAllFields)
      : Diagnosis(fields, Effort()) {}
  Diagnosis(FieldSet fields, const Effort& effort)
      : effort_(effort), evidence_(fields), candidates_{{}} {}
  Diagnosis(const Diagnosis&) = delete;
  Diagnosis& operator=(const Diagnosis&) = delete;

  // What the oracle answered to `step` (null: VM entry) of `c` in `before`,
  // whether it conforms to the SDM or not. Cheap for an answer that agrees
  // with the explanation so far. Steps on which the SDM has no say are ignored.
  void Observe(const std::shared_ptr<const Case>& c, std::size_t number,
               const MachineState& before, const Step* step,
               const Outcome& outcome);

  // Puts `c` to the oracle and observes its answers, in the states that they
  // leave, as far as the explanation goes. Returns how many steps it answered.
  std::size_t Ask(Oracle& oracle, const Case& c);

  // Of everything observed so far; valid until the next observation.
  const Explanation& explanation();

  // Asks `oracle` cases that separate what explains it equally well so far, and
  // cases that confirm what is left: first the witnesses, then variations
  // (none if `vary` is empty). Deterministic for a deterministic oracle.
  void Separate(Oracle& oracle, const Vary& vary,
                const SeparationLimits& limits = {});

 private:
  // Takes in what contradicts all candidates.
  void Update();
  void Search();
  void GrowInstead();
  // What has been set aside, and is explained after all, counts again.
  void TakeBack();
  std::vector<Case> Originals();
  std::size_t AskWitnesses(Oracle& oracle, const SeparationLimits& limits);
  void AskVariations(Oracle& oracle, const Vary& vary,
                     const SeparationLimits& limits, std::size_t asked);

  std::vector<std::size_t> CountCases(const Combination& combination);
  std::optional<Nearest> FindNearest();

  const Effort effort_;
  Evidence evidence_;
  // All smallest explanations of the constraints; at least one.
  std::vector<Combination> candidates_;
  std::vector<std::size_t> constraints_;
  std::vector<std::size_t> fresh_;      // contradict all candidates
  std::vector<std::size_t> set_aside_;  // nothing explains them
  std::set<std::string> inexplicable_;  // their signatures
  // No explanation of the constraints has fewer alterations.
  std::size_t at_least_ = 0;
  bool smallest_ = true;
  std::uint64_t seed_ = 0;
  std::vector<bool> witness_asked_;
  std::optional<Explanation> explanation_;
};

// The explanation in sentences, one for each departure, then one for each other
// explanation, then one for what is unexplained:
//   "CFG-8 (SDM table 29-3): bit 12 of a 1-GByte leaf is not checked; seen in
//   212 cases; cannot be told from: ..."
std::vector<std::string> Sentences(const Explanation& explanation);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_DIAGNOSIS_DIAGNOSIS_H_
