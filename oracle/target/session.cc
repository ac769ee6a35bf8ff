#include "oracle/target/session.h"

namespace eptdiff {

bool SameReply(const Reply& a, const Reply& b) {
  if (a.incident != b.incident || a.aside != b.aside) return false;
  if (a.incident.kind != IncidentKind::kNone) return true;
  return a.declined == b.declined && (a.declined || a.outcome == b.outcome);
}

}  // namespace eptdiff
