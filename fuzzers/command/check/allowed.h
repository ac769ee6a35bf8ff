// What `--allow` names: of builders matters of design (waivers.h), of walkers
// rules and findings. What is allowed is told, counted, and no finding;
// whatever else is wrong stays one. Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_CHECK_ALLOWED_H_
#define EPTDIFF_FUZZERS_COMMAND_CHECK_ALLOWED_H_

#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "fuzzers/command/report/check_report.h"
#include "oracle/builder/waivers.h"

namespace eptdiff {

struct Allowed {
  WaiverSet builder = 0;
  // Of rules the identifier ("CFG-9") or one way to get it wrong
  // ("CFG-9/off"), of findings what a report heads them with ("varies") or the
  // signature.
  std::set<std::string, std::less<>> walker;
};

// A list with commas. What does not answer (a crash, a hang, nonsense) cannot
// be allowed.
absl::StatusOr<Allowed> AllowedIn(absl::string_view list);

// Moves what is allowed out of a walker's departures and findings.
void SetAside(const Allowed& allowed, CheckReport& report);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_CHECK_ALLOWED_H_
