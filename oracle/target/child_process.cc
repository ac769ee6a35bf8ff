#include "oracle/target/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

namespace eptdiff {

void SettleChild(pid_t parent, int output) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  const int null = open("/dev/null", O_RDONLY);
  if (null >= 0) dup2(null, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  const rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  signal(SIGINT, SIG_IGN);  // the parent's to obey
  signal(SIGTERM, SIG_DFL);
  signal(SIGPIPE, SIG_DFL);
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

std::string PrintedFrom(int output, std::int64_t begin) {
  std::string text(std::size_t{1} << 16, 0);
  const ssize_t count = pread(output, text.data(), text.size(), begin);
  text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return text;
}

void TrimOutput(int output) {
  if (lseek(output, 0, SEEK_CUR) <= (1 << 20)) return;
  (void)!ftruncate(output, 0);
  lseek(output, 0, SEEK_SET);
}

}  // namespace eptdiff
