// What the answers to one case come to, until it is known whether they count:
// rules that agreed, departures that are known and that they show, the answer
// that nothing explains.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_CHECK_CASE_ANSWERS_H_
#define EPTDIFF_FUZZERS_CHECK_CASE_ANSWERS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "fuzzers/check/cause_search.h"
#include "fuzzers/check/known_departures.h"
#include "fuzzers/check/rule_answers.h"
#include "fuzzers/entries/guest_mode.h"
#include "oracle/case.h"
#include "oracle/judgement/trial.h"
#include "oracle/reference/dialect.h"
#include "oracle/reference/rule_places.h"
#include "oracle/target/session/target_oracle.h"

namespace eptdiff {

class CaseAnswers {
 public:
  // Whether what does not conform is wanted, too; that costs a copy.
  explicit CaseAnswers(bool keeps_wrong) : keeps_wrong_(keeps_wrong) {}

  // The last answer that did not conform. At whose fault is to be found out.
  struct Wrong {
    GuestPagingMode mode;
    const Step* step;
    RulePlaces consequences;
    // Not of who keeps translations: what was kept is no part of a question.
    std::optional<Observed> observed;
  };

  // The answers to another case.
  void Clear();

  // One answer of `oracle` in case `c`, judged in `dialect`, of which `known`
  // tells what it shows; `preceding` is what came before it.
  void Add(const TargetOracle& oracle, const Dialect& dialect,
           KnownDepartures& known, const Case& c, const StepReport& report,
           const Preceding& preceding = {});

  const Wrong& wrong() const { return wrong_; }
  // The known departures that answers show.
  const std::set<const Alteration*>& shown() const { return shown_; }

  // Counts all but what is wrong.
  void CountIn(RuleAnswers& answers) const;

 private:
  struct Answer {
    GuestPagingMode mode;
    const Step* step;
    RulePlaces consequences;
    std::vector<Rule> at_fault;  // empty: it agrees
  };

  const bool keeps_wrong_;
  std::vector<Answer> answers_;  // the first count_ of them; the rest is room
  std::size_t count_ = 0;
  Wrong wrong_ = {};
  std::set<const Alteration*> shown_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_CHECK_CASE_ANSWERS_H_
