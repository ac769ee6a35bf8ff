#include "fuzzers/command/fuzz/work_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"

namespace eptdiff {

WorkLock::~WorkLock() {
  if (file_ >= 0) close(file_);
}

absl::Status WorkLock::Take(const std::string& directory) {
  const std::string path = absl::StrCat(directory, "/lock");
  file_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (file_ < 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot write ", path));
  }
  if (flock(file_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) {
    return absl::OkStatus();
  }
  return absl::UnavailableError(
      absl::StrCat("another run has ", directory,
                   ": give this one another folder with --work, --artifacts "
                   "and --report; --corpus and --out may be the same"));
}

}  // namespace eptdiff
