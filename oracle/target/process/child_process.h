// What sessions share that run outside code in a child process of theirs.
//
// This folder is the process that outside code gets for itself: what it may
// touch there (guarded_memory.h), how it may end (incident.h, crash_place.h,
// sanitizer_fault.h), what passes between it and us (channel.h). It uses the
// words of oracle/. Begin with incident.h.
//
// Thread-safety: pure functions, but of the process.
#ifndef EPTDIFF_ORACLE_TARGET_PROCESS_CHILD_PROCESS_H_
#define EPTDIFF_ORACLE_TARGET_PROCESS_CHILD_PROCESS_H_

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>

#include "oracle/target/process/incident.h"

namespace eptdiff {

// A new child settles: what it prints goes to `output`, as far as that is not
// too much, it reads nothing, leaves no core, and dies with its parent, of that
// id.
void SettleChild(pid_t parent, int output);

// In a settled child: what code under test has done to the process since this
// was asked last; kNone if nothing. A copy of the process that the code has
// made ends here: one process answers.
Incident LookAtProcess();

// Processor time of a child, in nanoseconds; 0 if it cannot be known.
std::int64_t CpuTime(pid_t pid);

// The status of a child that is about to end; it is killed if it has not within
// `limit`, and the result is false.
bool WaitForEnd(pid_t pid, std::chrono::milliseconds limit, int& status);

// How much more memory a child may take than it had to begin with. The machine
// is not only its own.
constexpr std::int64_t kMemoryLimit = std::int64_t{2} << 30;

// Memory of a child, in bytes, that it does not share; 0 if it cannot be known.
std::int64_t OwnMemory(pid_t pid);

// The end of what was written to `output`.
std::string LastPrinted(int output);

// What was written to `output`: all of it, or how it begins and how it ends.
std::string Printed(int output);

// What was written to `output` from `begin` on, up to some thousand lines.
std::string PrintedFrom(int output, std::int64_t begin);

// Keeps `output` short: a target that logs everything would fill memory.
void TrimOutput(int output);
void EmptyOutput(int output);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_TARGET_PROCESS_CHILD_PROCESS_H_
