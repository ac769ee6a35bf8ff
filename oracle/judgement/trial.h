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
//
// This folder is where answers meet the SDM; it uses the reference, and whoever
// answers only as an Oracle. Begin with judge.h, then read this.
//
// Thread-safety: thread-compatible; one Trial for each thread.
#ifndef EPTDIFF_ORACLE_JUDGEMENT_TRIAL_H_
#define EPTDIFF_ORACLE_JUDGEMENT_TRIAL_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "oracle/case.h"
#include "oracle/judgement/judge.h"
#include "oracle/machine_state.h"
#include "oracle/oracle.h"
#include "oracle/reference/dialect.h"
#include "oracle/reference/trace.h"
#include "oracle/verdict.h"

namespace eptdiff {

// What became of one oracle in one case.
struct Standings {
  // Steps, VM entry included, that were compared. Once a step is skipped or
  // undefined, the rest of the case is not judged: the state after it is not
  // known.
  std::uint32_t compared = 0;
  bool undefined = false;
  std::string_view undefined_by;  // the rule's identifier, such as ALIAS-1
  Skip skip = Skip::kNone;        // a panic is a skip, and a finding as well
  bool disagrees = false;
  // Of the finding, or of what ended the case early; 0 is VM entry.
  std::size_t step = 0;
  Finding finding;
  // The finding's circumstances, for explanations. Only if it disagrees.
  std::shared_ptr<const Verdict> verdict;
  Outcome outcome;
  // The state that it answered in, of an oracle that keeps translations:
  // stale_use.h says from it why an answer is stale.
  std::shared_ptr<const MachineState> before;
};

// A judged step, before its outcome is carried out.
struct StepReport {
  std::size_t oracle;  // in the order of Add()
  std::size_t step;    // 0 is VM entry
  const MachineState& before;
  const Verdict& verdict;
  const Trace& trace;
  const Outcome& outcome;  // meaningless unless the verdict is kJudged
  const Finding& finding;  // likewise
};

class Trial {
 public:
  Trial();
  ~Trial();

  // Adds an oracle, which must outlive the trial, to be judged in `dialect`.
  void Add(Oracle& oracle, const Dialect& dialect);

  // Puts `c` to all oracles. The standings, one for each oracle in the order of
  // Add(), are valid until the next call.
  const std::vector<Standings>& Run(const Case& c);

  // Whether traces keep their hits (trace.h); they do unless told otherwise.
  // For the oracles added so far.
  void set_keeps_hits(bool keeps_hits);

  // Whether the verdict on an oracle that keeps translations is, where its
  // answer fits what memory has, that alone: what else it might have kept is
  // then not looked for, which takes most of the time. Not so unless told.
  void set_memory_first(bool memory_first) { memory_first_ = memory_first; }

  // Observes every judged step; may be empty.
  using Observer = std::function<void(const StepReport&)>;
  void set_observer(Observer observer) { observer_ = std::move(observer); }

 private:
  struct Seat;

  void Enter(const Case& c);
  void Perform(std::size_t number, const Step& step);
  // Judges, in each state that some oracle is in, what its oracles answered.
  void JudgeAnswers(std::size_t number, const Step* step);
  void JudgeSeat(Seat& seat, std::size_t number, const Step* step);
  // Judges by what memory has; whether the answer fits.
  bool FitsMemory(Seat& seat, const MachineState& state, const Step* step);
  void CarryOut(const Step& step);
  void LeaveIfRefused(Seat& seat);

  std::vector<std::unique_ptr<Seat>> seats_;
  std::vector<Seat*> by_dialect_;  // most alterations first
  std::vector<Standings> standings_;
  Observer observer_;
  bool memory_first_ = false;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_JUDGEMENT_TRIAL_H_
