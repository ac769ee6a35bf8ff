// A case followed through the SDM alone, without any oracle: each step is
// judged in the state that the first thing permitted would leave, unless told
// what was observed.
//
//   for (Spine spine(c); !spine.over(); spine.Advance()) Use(spine.verdict());
//
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_JUDGEMENT_SPINE_H_
#define EPTDIFF_ORACLE_JUDGEMENT_SPINE_H_

#include <cstddef>

#include "oracle/case.h"
#include "oracle/machine_state.h"
#include "oracle/outcome.h"
#include "oracle/reference/caches/caching_reference.h"
#include "oracle/reference/trace.h"
#include "oracle/verdict.h"

namespace eptdiff {

class Spine {
 public:
  // Judges VM entry. `c` must outlive this object. `keeps`: as for who may keep
  // translations.
  explicit Spine(const Case& c, bool keeps = false);

  // Whether the case has no further step to judge, or the last verdict leaves
  // no state to go on from.
  bool over() const { return over_; }

  // Of the step last judged; 0 is VM entry. Meaningless once over().
  std::size_t step() const { return step_; }
  const MachineState& before() const { return state_; }
  const Verdict& verdict() const { return verdict_; }
  const Trace& trace() const { return trace_; }

  // Judges the next step, in the state that the first alternative leaves ...
  void Advance();
  // ... or in the one that an answer left.
  void Advance(const Outcome& observed);

 private:
  bool CanGoOn() const;
  void JudgeNext();

  const Case& case_;
  CachingReference reference_;
  MachineState state_;
  Verdict verdict_;
  Trace trace_;
  std::size_t step_ = 0;
  bool over_ = false;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_JUDGEMENT_SPINE_H_
