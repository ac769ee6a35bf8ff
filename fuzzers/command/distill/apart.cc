#include "fuzzers/command/distill/apart.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <new>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace eptdiff {
namespace {

using Clock = std::chrono::steady_clock;

constexpr rlim_t kMaxMemory = rlim_t{2} << 30;
constexpr int kOutOfMemory = 71;  // as libFuzzer ends

// Of AddressSanitizer's shadow there are terabytes.
void LimitMemory() {
#if !defined(__SANITIZE_ADDRESS__)
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
  return;
#endif
#endif
  const rlimit limit = {kMaxMemory, kMaxMemory};
  setrlimit(RLIMIT_AS, &limit);
  std::set_new_handler([] { _exit(kOutOfMemory); });
#endif
}

[[noreturn]] void Work(const std::function<std::string()>& work, int out,
                       pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  LimitMemory();
  const std::string result = work();
  absl::string_view rest = result;
  while (!rest.empty()) {
    const ssize_t written = write(out, rest.data(), rest.size());
    if (written < 0) _exit(1);
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  _exit(0);
}

// Reads to the end of the pipe; false if that does not come in time.
bool ReadAll(int pipe, Clock::time_point end, std::string& result) {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - Clock::now());
    if (left.count() <= 0) return false;
    pollfd ready = {.fd = pipe, .events = POLLIN, .revents = 0};
    if (poll(&ready, 1, static_cast<int>(left.count())) <= 0) continue;
    char buffer[4096];
    const ssize_t count = read(pipe, buffer, sizeof(buffer));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return true;
    result.append(buffer, static_cast<std::size_t>(count));
  }
}

}  // namespace

absl::StatusOr<std::string> RunApart(const std::function<std::string()>& work,
                                     std::chrono::milliseconds limit,
                                     Incident* incident) {
  Incident unused;
  Incident& how = incident == nullptr ? unused : *incident;
  how = {};
  std::fflush(nullptr);  // or the child would print it again
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return absl::ErrnoToStatus(errno, "cannot make a pipe");
  }
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) Work(work, ends[1], parent);
  const int error = errno;
  close(ends[1]);
  std::string result;
  bool in_time = true;
  int status = 0;
  if (pid > 0) {
    in_time = ReadAll(ends[0], Clock::now() + limit, result);
    if (!in_time) kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
  }
  close(ends[0]);
  if (pid < 0) return absl::ErrnoToStatus(error, "cannot fork");
  if (!in_time) {
    const auto milliseconds = static_cast<std::uint64_t>(limit.count());
    how = {IncidentKind::kTimeLimit, milliseconds};
    return absl::DeadlineExceededError(
        absl::StrCat("took more than ",
                     static_cast<double>(milliseconds) / 1000, " seconds"));
  }
  if (WIFSIGNALED(status)) {
    how = {IncidentKind::kCrash, static_cast<std::uint64_t>(WTERMSIG(status))};
    return absl::AbortedError(absl::StrCat("crashed with signal ",
                                           WTERMSIG(status), " (",
                                           strsignal(WTERMSIG(status)), ")"));
  }
  if (WEXITSTATUS(status) == kOutOfMemory) {
    how = {IncidentKind::kAllocation, kMaxMemory >> 20};
    return absl::ResourceExhaustedError(
        absl::StrCat("took more than ", kMaxMemory >> 20, " MBytes"));
  }
  if (WEXITSTATUS(status) != 0) {
    how = {IncidentKind::kExit,
           static_cast<std::uint64_t>(WEXITSTATUS(status))};
    return absl::AbortedError(
        absl::StrCat("ended with exit status ", WEXITSTATUS(status)));
  }
  return result;
}

}  // namespace eptdiff
