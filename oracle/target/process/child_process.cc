#include "oracle/target/process/child_process.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace eptdiff {
namespace {

// A target that logs without end would fill memory.
constexpr rlim_t kMaxFile = rlim_t{256} << 20;

pid_t forking = 0;        // who makes a copy
bool is_copy = false;     // made by the code under test
bool has_forked = false;  // since it was looked at

void WatchForks() {
  const auto before = [] { forking = getpid(); };
  const auto in_parent = [] { has_forked = true; };
  const auto in_child = [] {
    is_copy = true;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != forking) _exit(0);
  };
  pthread_atfork(before, in_parent, in_child);
}

}  // namespace

void SettleChild(pid_t parent, int output) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  const int null = open("/dev/null", O_RDONLY);
  if (null >= 0) dup2(null, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  const rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  const rlimit some = {kMaxFile, kMaxFile};
  setrlimit(RLIMIT_FSIZE, &some);
  // The parent obeys, and ends its children, also if the whole group is told.
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  signal(SIGPIPE, SIG_DFL);
  WatchForks();
}

Incident LookAtProcess() {
  if (is_copy) _exit(0);
  if (!has_forked) return Incident();
  has_forked = false;
  // Who forks, and waits for the other one, is as before.
  const bool waited = waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD;
  return {waited ? IncidentKind::kNone : IncidentKind::kForks, 0};
}

bool WaitForEnd(pid_t pid, std::chrono::milliseconds limit, int& status) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point end = Clock::now() + limit;
  for (;;) {
    const pid_t ended = waitpid(pid, &status, WNOHANG);
    if (ended == pid || (ended < 0 && errno != EINTR)) return true;
    if (Clock::now() >= end) break;
    usleep(100);
  }
  kill(pid, SIGKILL);
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return false;
}

std::int64_t OwnMemory(pid_t pid) {
  char path[32];
  std::snprintf(path, sizeof(path), "/proc/%d/statm", static_cast<int>(pid));
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  char text[128] = {};
  const ssize_t size = read(file, text, sizeof(text) - 1);
  close(file);
  long long resident = 0;
  long long shared = 0;
  if (size <= 0 ||
      std::sscanf(text, "%*s %lld %lld", &resident, &shared) != 2) {
    return 0;
  }
  return (resident - shared) * sysconf(_SC_PAGESIZE);
}

std::int64_t CpuTime(pid_t pid) {
  clockid_t clock;
  timespec time;
  if (clock_getcpuclockid(pid, &clock) != 0 ||
      clock_gettime(clock, &time) != 0) {
    return 0;
  }
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

std::string LastPrinted(int output) {
  char text[2048];
  const off_t size = lseek(output, 0, SEEK_END);
  const off_t from = size > static_cast<off_t>(sizeof(text))
                         ? size - static_cast<off_t>(sizeof(text))
                         : 0;
  const ssize_t count = pread(output, text, sizeof(text), from);
  return count > 0 ? std::string(text, static_cast<std::size_t>(count)) : "";
}

std::string Printed(int output) {
  constexpr std::size_t kPart = 1024;
  std::string text = PrintedFrom(output, 0);
  if (text.size() <= 2 * kPart) return text;
  const std::string end = LastPrinted(output);
  return text.substr(0, kPart) + "\n[...]\n" + end.substr(end.size() - kPart);
}

std::string PrintedFrom(int output, std::int64_t begin) {
  std::string text(std::size_t{1} << 16, 0);
  const ssize_t count = pread(output, text.data(), text.size(), begin);
  text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return text;
}

void TrimOutput(int output) {
  if (lseek(output, 0, SEEK_CUR) > (1 << 20)) EmptyOutput(output);
}

void EmptyOutput(int output) {
  (void)!ftruncate(output, 0);
  lseek(output, 0, SEEK_SET);
}

}  // namespace eptdiff
