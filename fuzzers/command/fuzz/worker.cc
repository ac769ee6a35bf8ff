#include "fuzzers/command/fuzz/worker.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

extern char** environ;

namespace eptdiff {
namespace {

// Everything execve() needs, made before fork(): between the two a process may
// not allocate.
struct Image {
  std::vector<std::string> environment;
  std::vector<char*> argv;
  std::vector<char*> envp;

  explicit Image(const WorkerCommand& command) {
    for (const std::string& argument : command.arguments) {
      argv.push_back(const_cast<char*>(argument.c_str()));
    }
    argv.push_back(nullptr);
    for (const auto& [name, value] : command.environment) {
      environment.push_back(absl::StrCat(name, "=", value));
    }
    for (std::string& variable : environment) envp.push_back(variable.data());
    for (char** variable = environ; *variable != nullptr; ++variable) {
      if (!IsReplaced(command, *variable)) envp.push_back(*variable);
    }
    envp.push_back(nullptr);
  }

  static bool IsReplaced(const WorkerCommand& command,
                         absl::string_view variable) {
    for (const auto& [name, value] : command.environment) {
      if (absl::ConsumePrefix(&variable, name) &&
          absl::ConsumePrefix(&variable, "=")) {
        return true;
      }
    }
    return false;
  }
};

[[noreturn]] void Become(const Image& image, int niceness, int log,
                         int error_pipe, pid_t driver) {
  setpgid(0, 0);
  [[maybe_unused]] const int now = nice(niceness);
  // Not SIGKILL: an artifact that is being written is to become whole.
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != driver) _exit(127);  // it died before we asked
  signal(SIGPIPE, SIG_DFL);
  signal(SIGXFSZ, SIG_DFL);
  const int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
  dup2(input, STDIN_FILENO);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  execve(image.argv[0], image.argv.data(), image.envp.data());
  const int error = errno;
  [[maybe_unused]] const ssize_t n = write(error_pipe, &error, sizeof(error));
  _exit(127);
}

}  // namespace

absl::StatusOr<Worker> Worker::Start(const WorkerCommand& command) {
  const Image image(command);
  const int log =
      open(command.log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (log < 0) {
    return absl::ErrnoToStatus(errno,
                               absl::StrCat("cannot write ", command.log));
  }
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    const int error = errno;
    close(log);
    return absl::ErrnoToStatus(error, "cannot make a pipe");
  }
  const pid_t driver = getpid();
  const pid_t pid = fork();
  if (pid == 0) Become(image, command.niceness, log, ends[1], driver);
  int error = pid < 0 ? errno : 0;
  close(log);
  close(ends[1]);
  if (pid > 0) {
    setpgid(pid, pid);  // here too: whoever comes first
    // Nothing comes if execve() succeeded.
    if (read(ends[0], &error, sizeof(error)) > 0) waitpid(pid, nullptr, 0);
  }
  close(ends[0]);
  if (error != 0) {
    return absl::ErrnoToStatus(
        error, absl::StrCat("cannot run ", command.arguments[0]));
  }
  return Worker(pid, command.log);
}

Worker::~Worker() {
  if (pid_ < 0) return;
  Kill();
  waitpid(pid_, nullptr, 0);
}

bool Worker::HasEnded() {
  if (pid_ < 0) return true;
  siginfo_t info = {};
  // Its id, and its group's, stay its own until it has been waited for.
  if (waitid(P_PID, static_cast<id_t>(pid_), &info,
             WEXITED | WNOHANG | WNOWAIT) != 0 ||
      info.si_pid != pid_) {
    return false;
  }
  killpg(pid_, SIGKILL);  // what it may have left behind
  waitpid(pid_, &status_, 0);
  pid_ = -1;
  return true;
}

void Worker::Interrupt() { Signal(SIGINT); }
void Worker::Abort() { Signal(SIGABRT); }
void Worker::Kill() { Signal(SIGKILL); }
void Worker::Signal(int number) {
  if (pid_ >= 0) killpg(pid_, number);
}

std::string Worker::HowItEnded() const {
  if (WIFSIGNALED(status_)) {
    return absl::StrCat("signal ", WTERMSIG(status_));
  }
  return absl::StrCat("exit status ", WEXITSTATUS(status_));
}

WorkerFinding ParseLog(absl::string_view log) {
  WorkerFinding finding;
  for (absl::string_view line : absl::StrSplit(log, '\n')) {
    if (finding.signature.empty() &&
        absl::ConsumePrefix(&line, "ASSERTION FAILED: ")) {
      finding.signature = std::string(absl::StripAsciiWhitespace(line));
    } else if (absl::ConsumePrefix(&line, "SUMMARY: ")) {
      finding.summary = std::string(line);
    } else if (const std::size_t at = line.find("Test unit written to ");
               at != absl::string_view::npos) {
      line.remove_prefix(line.find("to ", at) + 3);
      finding.artifact = std::string(absl::StripAsciiWhitespace(line));
    }
  }
  return finding;
}

}  // namespace eptdiff
