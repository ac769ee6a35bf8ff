// Which rules an oracle's answers prove it to have right: an answer that agrees
// with the SDM proves a rule if it would not agree, in the fields that the
// oracle fills in, with some alteration of that rule. An oracle that got the
// rule wrong in this way would have been noticed.
//
// Every alteration of a rule that a step asks is tried on that step's answer,
// with all other rules as the SDM has them, until some answer refutes it.
//
// An alteration that lets more be kept of translations (29.4) no right answer
// contradicts. It is refuted where it permits what the SDM forbids, and that is
// an answer which the oracle gave earlier in the case: who had kept it, and
// should not have, would have given it again.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_CHECK_PROVEN_RULES_H_
#define EPTDIFF_FUZZERS_CHECK_PROVEN_RULES_H_

#include <array>
#include <cstddef>
#include <vector>

#include "oracle/case.h"
#include "oracle/diagnosis/combination.h"
#include "oracle/diagnosis/touched.h"
#include "oracle/judgement/judge.h"
#include "oracle/judgement/trial.h"
#include "oracle/oracle.h"
#include "oracle/outcome.h"
#include "oracle/reference/caches/caching_reference.h"
#include "oracle/reference/trace.h"
#include "oracle/rules.h"
#include "oracle/verdict.h"

namespace eptdiff {

class ProvenRules {
 public:
  // `oracle` must outlive this object.
  explicit ProvenRules(Oracle& oracle);

  // Puts a case to the oracle.
  void Add(const Case& c);

  bool Has(Rule rule) const { return proven_[static_cast<std::size_t>(rule)]; }

 private:
  void Observe(const StepReport& report, const Step* step);
  AlterationSet Mattering(const StepReport& report, const Step* step);
  bool Refutes(std::size_t alteration, const StepReport& report,
               const Step* step);
  // Whether verdict_ permits an answer of earlier, and the SDM does not.
  bool PermitsAgain(const StepReport& report);

  Oracle& oracle_;
  Trial trial_;
  std::vector<CachingReference> references_;  // one for each alteration
  std::vector<bool> refuted_;                 // likewise
  std::vector<Event> earlier_;                // the answers of this case
  const TouchedBy sdm_;
  Verdict verdict_;
  Trace trace_;
  Finding finding_;
  std::array<bool, kRuleCount> proven_ = {};
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_CHECK_PROVEN_RULES_H_
