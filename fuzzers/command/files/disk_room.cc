#include "fuzzers/command/files/disk_room.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kReserve = std::uint64_t{4} << 20;
constexpr std::size_t kProbe = std::size_t{64} << 10;

// 0, or the error.
int WriteProbe(const std::string& path) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return errno;
  const std::string content(kProbe, 'x');
  int error = 0;
  for (std::size_t done = 0; error == 0 && done < kProbe;) {
    const ssize_t n = write(file, content.data() + done, kProbe - done);
    if (n >= 0) {
      done += static_cast<std::size_t>(n);
    } else if (errno != EINTR) {
      error = errno;
    }
  }
  if (close(file) != 0 && error == 0) error = errno;
  unlink(path.c_str());
  return error;
}

}  // namespace

absl::Status CheckRoom(const std::string& directory) {
  struct statvfs info;
  if (statvfs(directory.c_str(), &info) == 0 &&
      std::uint64_t{info.f_bavail} * info.f_frsize < kReserve) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "the disk is full: ", directory, " has ",
        std::uint64_t{info.f_bavail} * info.f_frsize / 1024,
        " KBytes left; the run has ended, and what was found is kept"));
  }
  const int error = WriteProbe(absl::StrCat(directory, "/.room-", getpid()));
  if (error == 0) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("cannot write to ", directory, ": ", std::strerror(error),
                   "; the run has ended, and what was found is kept"));
}

}  // namespace eptdiff
