// Work done in a child process, because what it runs may crash or hang: code
// under test must not take the command with it.
// Thread-safety: only while the process has one thread.
#ifndef EPTDIFF_FUZZERS_COMMAND_DISTILL_APART_H_
#define EPTDIFF_FUZZERS_COMMAND_DISTILL_APART_H_

#include <chrono>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "oracle/target/process/incident.h"

namespace eptdiff {

// What `work` returns. kAborted, with the signal, if it ended otherwise than by
// returning; kDeadlineExceeded if it took longer than `limit`;
// kResourceExhausted if it wanted more than 2 GBytes of memory (unless built
// with AddressSanitizer). `incident`, if given, is then the same.
absl::StatusOr<std::string> RunApart(const std::function<std::string()>& work,
                                     std::chrono::milliseconds limit,
                                     Incident* incident = nullptr);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_DISTILL_APART_H_
