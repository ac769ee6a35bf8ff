// Which rules an oracle's answers prove it to have right: an answer that agrees
// with the SDM proves a rule if it would not agree, in the fields that the
// oracle fills in, with some alteration of that rule. An oracle that got the
// rule wrong in this way would have been noticed.
//
// Every alteration of a rule that a step asks is tried on that step's answer,
// with all other rules as the SDM has them, until some answer refutes it.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_CHECK_PROVEN_RULES_H_
#define EPTDIFF_FUZZERS_CHECK_PROVEN_RULES_H_

#include <array>
#include <cstddef>
#include <vector>

#include "oracle/case.h"
#include "oracle/judgement/judge.h"
#include "oracle/judgement/trial.h"
#include "oracle/oracle.h"
#include "oracle/reference/reference.h"
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

  Oracle& oracle_;
  Trial trial_;
  std::vector<Reference> references_;  // one for each alteration
  std::vector<bool> refuted_;          // likewise
  Verdict verdict_;
  Trace trace_;
  Finding finding_;
  std::array<bool, kRuleCount> proven_ = {};
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_CHECK_PROVEN_RULES_H_
