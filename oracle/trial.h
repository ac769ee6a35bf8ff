// One case put to all oracles, each answer judged by the reference.
//
// Nondeterminism is resolved by observation: each oracle has its own state; the
// reference judges a step from the state that this oracle's answers have left;
// a conforming answer is carried out and the next step meets it. The first step
// that does not conform is the finding, and the rest is not judged for this
// oracle. Oracles whose states are still the same share a verdict.
//
// Each oracle is judged in its dialect: the SDM itself for the engine, a list
// of known departures for Bochs. Where no alteration changed anything on the
// way, the verdict is the SDM's, and serves all.
// Thread-safety: thread-compatible; one Trial for each thread.
#ifndef EPTDIFF_ORACLE_TRIAL_H_
#define EPTDIFF_ORACLE_TRIAL_H_

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "oracle/case.h"
#include "oracle/judge.h"
#include "oracle/machine_state.h"
#include "oracle/oracle.h"
#include "oracle/reference/reference.h"
#include "oracle/verdict.h"

namespace eptdiff {

// What became of one oracle in one case.
struct Standings {
  // Steps (entry included) that were compared, and why others were not. Once a
  // step is skipped, the rest of the case is: its state is not known.
  std::uint32_t compared = 0;
  std::uint32_t undefined = 0;  // ALIAS-1
  Skip skip = Skip::kNone;
  bool disagrees = false;
  std::size_t step = 0;  // of the finding; 0 is VM entry
  Finding finding;
  // The finding's circumstances, for explanations and minimisation.
  Verdict verdict;
  Outcome outcome;
};

// Called for each judged step, before its outcome is carried out.
// `oracle` indexes the oracles; `trace` is the reference's.
struct StepReport {
  std::size_t oracle;
  std::size_t step;
  const MachineState& before;
  const Verdict& verdict;
  const Trace& trace;
  const Outcome& outcome;
  const Finding& finding;
};

class Trial {
 public:
  // `oracle` must outlive the trial. `dialect` is copied.
  void Add(Oracle& oracle, const Dialect& dialect);

  // Puts `c` to all oracles. The returned standings, one for each oracle in
  // the order of Add(), are valid until the next call.
  const std::vector<Standings>& Run(const Case& c);

  // Observes every judged step; may be empty.
  void set_observer(std::function<void(const StepReport&)> observer) {
    observer_ = std::move(observer);
  }

 private:
  struct Seat;
  std::vector<std::unique_ptr<Seat>> seats_;
  std::vector<Standings> standings_;
  std::function<void(const StepReport&)> observer_;

 public:
  Trial();
  ~Trial();
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_TRIAL_H_
