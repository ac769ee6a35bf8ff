// The reference: what the SDM permits, written so that a reader with chapter 29
// open goes down both in step. It favours being believed over being fast: no
// caching, no precomputed masks, one function for each passage. It shares no
// decoding with the engine; of the engine it knows engine/types.h alone.
//
// This folder uses the words of oracle/, and rules/: the sentences, a function
// for each. Begin there, with walk_rules.cc; walk.cc, page.cc and access.cc are
// the order in which they are asked, and guest_walk.cc and linear_access.cc the
// same in two dimensions.
//
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_REFERENCE_REFERENCE_H_
#define EPTDIFF_ORACLE_REFERENCE_REFERENCE_H_

#include "oracle/case.h"
#include "oracle/machine_state.h"
#include "oracle/reference/chooser.h"
#include "oracle/reference/dialect.h"
#include "oracle/reference/trace.h"
#include "oracle/verdict.h"

namespace eptdiff {

class Reference {
 public:
  explicit Reference(Dialect dialect = Dialect());

  const Dialect& dialect() const { return dialect_; }

  // VM entry (27.2.1.1): what may become of step 0 in `state`.
  void JudgeEntry(const MachineState& state, Verdict& verdict,
                  Trace& trace) const;

  // What may become of `step` in `state`. Overwrites `verdict` and `trace`.
  // With a chooser, in one way in which translations may have been kept.
  void Judge(const MachineState& state, const Step& step, Verdict& verdict,
             Trace& trace, Chooser* chooser = nullptr) const;
  // Likewise; null for VM entry.
  void Judge(const MachineState& state, const Step* step, Verdict& verdict,
             Trace& trace) const;

 private:
  Dialect dialect_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_REFERENCE_H_
