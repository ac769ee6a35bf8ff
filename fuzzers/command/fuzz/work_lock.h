// One run at a time in a folder of logs and statistics: two would read each
// other's. The lock goes with the process, however that ends. Thread-safety:
// thread-compatible.
#ifndef EPTDIFF_FUZZERS_COMMAND_FUZZ_WORK_LOCK_H_
#define EPTDIFF_FUZZERS_COMMAND_FUZZ_WORK_LOCK_H_

#include <string>

#include "absl/status/status.h"

namespace eptdiff {

class WorkLock {
 public:
  WorkLock() = default;
  ~WorkLock();
  WorkLock(const WorkLock&) = delete;
  WorkLock& operator=(const WorkLock&) = delete;

  // kUnavailable if another process has `directory`, which must exist. Where
  // the file system has no locks there is none, and no error.
  absl::Status Take(const std::string& directory);

 private:
  int file_ = -1;
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_FUZZ_WORK_LOCK_H_
