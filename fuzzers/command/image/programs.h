// Other people's programs that `eptdiff image` starts, and what to install
// where they are missing. Thread-safety: pure function.
#ifndef EPTDIFF_FUZZERS_COMMAND_IMAGE_PROGRAMS_H_
#define EPTDIFF_FUZZERS_COMMAND_IMAGE_PROGRAMS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace eptdiff {

// The path of the program `name` in PATH. kFailedPrecondition, with Debian's
// package to install, if it is not there.
absl::StatusOr<std::string> FindProgram(const std::string& name);

// The first of the files that is there, of Debian's package `package`.
absl::StatusOr<std::string> FindFileOf(const std::string& package,
                                       const std::vector<std::string>& files);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_IMAGE_PROGRAMS_H_
