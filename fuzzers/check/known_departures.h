// Which known departures an answer shows that the SDM forbids, and that a
// dialect explains.
//
// An answer shows an alteration if the dialect explains it and would not
// without that alteration. Where either of two would do, it shows neither.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_CHECK_KNOWN_DEPARTURES_H_
#define EPTDIFF_FUZZERS_CHECK_KNOWN_DEPARTURES_H_

#include <cstddef>
#include <optional>
#include <vector>

#include "oracle/case.h"
#include "oracle/judgement/judge.h"
#include "oracle/judgement/trial.h"
#include "oracle/oracle.h"
#include "oracle/reference/caches/caching_reference.h"
#include "oracle/reference/dialect.h"
#include "oracle/reference/trace.h"
#include "oracle/verdict.h"

namespace eptdiff {

class KnownDepartures {
 public:
  KnownDepartures(const Dialect& dialect, FieldSet fields);

  struct Shown {
    // Of the dialect's alterations, by number.
    std::vector<std::size_t> alterations;
    // The rule at fault as the comparison with the SDM has it, and what the
    // SDM's own judgement went through.
    Rule rule = Rule::kWalk6;
    RulePlaces consequences;
  };
  // What the answer of a step that conforms to the dialect shows; nothing if
  // it conforms to the SDM as well. `step` is null for VM entry. Valid until
  // the next call.
  const Shown* Find(const StepReport& report, const Step* step);

 private:
  // Whether the answer conforms to what `reference` says.
  bool Conforms(const CachingReference& reference, const StepReport& report,
                const Step* step);

  const FieldSet fields_;
  const CachingReference sdm_;
  std::vector<CachingReference> without_;  // one for each alteration
  Verdict verdict_;
  Trace trace_;
  Finding finding_;
  Shown shown_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_CHECK_KNOWN_DEPARTURES_H_
