// What sessions share that run outside code in a child process of theirs.
// Thread-safety: pure functions, but of the process.
#ifndef EPTDIFF_ORACLE_TARGET_CHILD_PROCESS_H_
#define EPTDIFF_ORACLE_TARGET_CHILD_PROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace eptdiff {

// A new child settles: what it prints goes to `output`, it reads nothing,
// leaves no core, and dies with its parent, of that id.
void SettleChild(pid_t parent, int output);

// Processor time of a child, in nanoseconds; 0 if it cannot be known.
std::int64_t CpuTime(pid_t pid);

// The end of what was written to `output`.
std::string LastPrinted(int output);

// What was written to `output` from `begin` on, up to some thousand lines.
std::string PrintedFrom(int output, std::int64_t begin);

// Keeps `output` short: a target that logs everything would fill memory.
void TrimOutput(int output);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_TARGET_CHILD_PROCESS_H_
