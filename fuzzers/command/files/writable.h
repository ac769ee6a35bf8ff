// Whether a place can be written to, asked before the work whose result it is
// to hold. Nothing is made. Thread-safety: may be called from several threads.
#ifndef EPTDIFF_FUZZERS_COMMAND_FILES_WRITABLE_H_
#define EPTDIFF_FUZZERS_COMMAND_FILES_WRITABLE_H_

#include <string>

#include "absl/status/status.h"

namespace eptdiff {

// kPermissionDenied, with the path and the reason, if no file of this name, or
// no directory, could be written or made by now. "" is no place, and fine.
absl::Status CheckFileCanBeWritten(const std::string& path);
absl::Status CheckDirectoryCanBeMade(const std::string& path);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_FILES_WRITABLE_H_
