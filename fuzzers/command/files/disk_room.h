// Whether a directory still takes files. libFuzzer does not say when it could
// not write an input or an artifact, so that who drives it has to look.
// Thread-safety: may be called from several threads, each with a directory of
// its own.
#ifndef EPTDIFF_FUZZERS_COMMAND_FILES_DISK_ROOM_H_
#define EPTDIFF_FUZZERS_COMMAND_FILES_DISK_ROOM_H_

#include <string>

#include "absl/status/status.h"

namespace eptdiff {

// kResourceExhausted, with the directory, if its file system has less than
// 4 MBytes left, which a last artifact and the report need, or if a file of
// 64 KBytes cannot be written there (a quota).
absl::Status CheckRoom(const std::string& directory);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_FILES_DISK_ROOM_H_
