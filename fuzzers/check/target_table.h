// The target alone at a table, judged in one dialect; and the signature of what
// it does there. Thread-safety: as the target's.
#ifndef EPTDIFF_FUZZERS_CHECK_TARGET_TABLE_H_
#define EPTDIFF_FUZZERS_CHECK_TARGET_TABLE_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "fuzzers/experiment/cause.h"
#include "oracle/case.h"
#include "oracle/judgement/trial.h"
#include "oracle/reference/dialect.h"
#include "oracle/target/process/incident.h"
#include "oracle/target/session/target_oracle.h"

namespace eptdiff {

// What came before a step, in the same case.
struct Preceding {
  // What was answered to the last access; none at the first.
  std::optional<Observed::Before> answer;
  // The last invalidation that was executed and did not fail.
  std::optional<Step> invalidation;
  bool is_direct = false;  // no access since
};

class TargetTable {
 public:
  // `oracle` must outlive this object.
  TargetTable(TargetOracle& oracle, const Dialect& dialect);

  using Observer = std::function<void(const StepReport&)>;
  // What the target did in `c`, valid until the next run.
  const Standings& Run(const Case& c, const Observer& observer = {});

  // What came before the step that is observed.
  const Preceding& preceding() const { return preceding_; }

  // The signature of what the last run showed, in this dialect; "" if nothing.
  std::string SignatureOf(const Standings& standings) const;
  // Of what `c` shows.
  std::string SignatureOfCase(const Case& c) { return SignatureOf(Run(c)); }

 private:
  TargetOracle& oracle_;
  Trial trial_;
  // Whether the dialect itself goes there, in the last case. The SDM does not.
  bool reads_beyond_width_ = false;
  Preceding preceding_;
};

// The signature of an incident, of a target of this name.
std::string SignatureOf(std::string_view name, const Incident& incident);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_CHECK_TARGET_TABLE_H_
