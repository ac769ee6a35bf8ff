// Why an answer is stale: which entries it used as they were, and which steps
// had ended that (29.4.3). Found by asking the reference what it would permit
// if a step had ended nothing.
// Thread-safety: pure functions.
#ifndef EPTDIFF_ORACLE_JUDGEMENT_STALE_USE_H_
#define EPTDIFF_ORACLE_JUDGEMENT_STALE_USE_H_

#include <optional>
#include <vector>

#include "oracle/case.h"
#include "oracle/machine_state.h"
#include "oracle/oracle.h"
#include "oracle/outcome.h"
#include "oracle/reference/caches/kept_entry.h"
#include "oracle/reference/trace.h"
#include "oracle/rules.h"

namespace eptdiff {

struct StaleUse {
  // What memory no longer has, in the order in which a walk reads it. Empty
  // where something else was kept, such as IA32_PAT.
  std::vector<KeptEntry> entries = {};
  // It would be permitted if these steps, oldest first, had ended nothing, and
  // only if none of them had;
  std::vector<KeptEnd> ends = {};
  // and if these rules, CACHE-1 to CACHE-4, let everything be kept and used.
  std::vector<Rule> never = {};
  // It would also be permitted, whatever the steps, to who declares to keep all
  // that 29.4 has (declared.h).
  bool undeclared = false;
};

// How `outcome` of `step`, which the SDM does not permit in `before`, would
// come about by something kept too long. None if it would not; or if there are
// more ways to look at than kept.h goes. `before` records its history.
std::optional<StaleUse> FindStaleUse(const MachineState& before,
                                     const Step& step, const Outcome& outcome,
                                     FieldSet fields);

// What an entry that `trace` has read was before the step `entry.until`, and
// why `step` cannot use that any more; it can if there is no reason.
struct PastValue {
  KeptEntry entry;
  std::vector<KeptEnd> ends = {};  // as above
  std::vector<Rule> never = {};
  bool usable() const { return ends.empty() && never.empty(); }
};

// Of each entry, oldest first, the values that differ from memory's. Without
// those that no walk of `step` would read, whatever was kept.
std::vector<PastValue> PastValuesOf(const MachineState& before,
                                    const Step& step, const Trace& trace);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_JUDGEMENT_STALE_USE_H_
