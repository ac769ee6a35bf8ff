// A hypervisor's code at the table of `run`, `explain` and `minimize`: a case
// that `check` found is put to it once more. A shared object is called in this
// process, so that a debugger finds it: if it crashes, so does the process.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_COMMAND_PANEL_SEATED_TARGET_H_
#define EPTDIFF_FUZZERS_COMMAND_PANEL_SEATED_TARGET_H_

#include <string>

#include "absl/status/status.h"
#include "fuzzers/targets/panel.h"

namespace eptdiff {

// Seats what is in the file `path`, as OpenTarget() takes it; a builder takes
// the place of the engine's. kInvalidArgument, with the reason, if it cannot be
// had.
absl::Status SeatTarget(const std::string& path, Panel& panel);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_PANEL_SEATED_TARGET_H_
