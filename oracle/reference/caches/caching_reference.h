// The reference for whoever may keep translations: what the SDM permits is what
// memory has, and what may have been kept of it (29.4). Where a state records
// no history, nothing is kept, and this is the reference itself.
//
// This folder uses the reference, and shares nothing with what it judges. Begin
// with ../rules/cache_rules.cc, the sentences; kept.h is how they meet a walk.
//
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_REFERENCE_CACHES_CACHING_REFERENCE_H_
#define EPTDIFF_ORACLE_REFERENCE_CACHES_CACHING_REFERENCE_H_

#include <cstddef>

#include "oracle/case.h"
#include "oracle/machine_state.h"
#include "oracle/reference/dialect.h"
#include "oracle/reference/reference.h"
#include "oracle/reference/trace.h"
#include "oracle/verdict.h"

namespace eptdiff {

class CachingReference {
 public:
  explicit CachingReference(Dialect dialect = Dialect());

  const Dialect& dialect() const { return reference_.dialect(); }

  // The SDM for who keeps nothing.
  const Reference& reference() const { return reference_; }

  // As Reference::Judge; the alternatives by what memory has come first. Null
  // for VM entry. `trace` follows the first of the permitted ways.
  void Judge(const MachineState& state, const Step* step, Verdict& verdict,
             Trace& trace) const;

  // Gives up at more than so many ways in which the step may have met what was
  // kept: few steps have many, and most of the time goes to these.
  void JudgeUpTo(std::size_t ways, const MachineState& state, const Step* step,
                 Verdict& verdict, Trace& trace) const;

 private:
  void AddWhatWasKept(std::size_t ways, const MachineState& state,
                      const Step& step, Verdict& verdict, Trace& trace) const;

  Reference reference_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_CACHES_CACHING_REFERENCE_H_
