#include "oracle/target/session/pipe_session.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "oracle/target/process/child_process.h"
#include "oracle/target/profile/profile.h"
#include "oracle/target/session/question.h"

namespace eptdiff {
namespace {

using Clock = std::chrono::steady_clock;

// A longer answer is none.
constexpr std::size_t kMaxAnswer = 1 << 20;
// What a shell, too, exits with if a command cannot be run.
constexpr int kCannotRun = 127;

Incident Means(ProtocolError error) {
  return {IncidentKind::kProtocol, static_cast<std::uint64_t>(error)};
}

// The length of the text before the first line "end"; npos if there is none.
std::size_t FindEnd(const std::string& text, std::size_t& after) {
  for (std::size_t line = 0; line < text.size();) {
    const std::size_t end = text.find('\n', line);
    if (end == std::string::npos) break;
    std::string_view content(text.data() + line, end - line);
    if (content.ends_with('\r')) content.remove_suffix(1);
    if (content == "end") {
      after = end + 1;
      return line;
    }
    line = end + 1;
  }
  return std::string::npos;
}

}  // namespace

// Stores are listed, not made one by one: nothing is endless here.
PipeSession::PipeSession(std::vector<std::string> command,
                         std::chrono::milliseconds limit, int output)
    : command_(std::move(command)),
      limit_(limit),
      output_(output),
      profile_(BlankProfile()),
      memory_(std::abort) {}

PipeSession::~PipeSession() {
  Stop();
  if (output_ >= 0) close(output_);
}

std::unique_ptr<PipeSession> PipeSession::Make(std::vector<std::string> command,
                                               std::chrono::milliseconds limit,
                                               bool keeps_output,
                                               std::string& error) {
  const int output = keeps_output ? memfd_create("output", MFD_CLOEXEC) : -1;
  std::unique_ptr<PipeSession> session(
      new PipeSession(std::move(command), limit, output));
  if (!session->Start(error)) {
    const std::string printed = session->LastOutput();
    if (!printed.empty()) error += "\n" + printed;
    return nullptr;
  }
  error = FaultOf(session->profile_);
  if (error.empty()) return session;
  error = "its profile is none: " + error;
  return nullptr;
}

bool PipeSession::Start(std::string& error) {
  Stop();
  int in[2];
  int out[2];
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) {
    error = std::string("no pipe: ") + std::strerror(errno);
    return false;
  }
  if (output_ >= 0) EmptyOutput(output_);  // what is shown is of the last one
  std::fflush(nullptr);
  const pid_t parent = getpid();
  child_ = fork();
  if (child_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    Execute(in[0], out[1]);
  }
  close(in[0]);
  close(out[1]);
  to_ = in[1];
  from_ = out[0];
  unread_.clear();
  if (child_ < 0) {
    error = std::string("cannot fork: ") + std::strerror(errno);
    return false;
  }
  std::string text;
  const Incident incident = Read(text);
  if (incident == Incident{IncidentKind::kExit, kCannotRun}) {
    error = command_[0] + " cannot be run";
    return false;
  }
  if (incident.kind != IncidentKind::kNone) {
    error = "before it has described itself " + WordsOf(incident);
    return false;
  }
  return ReadPipeProfile(text, profile_, error);
}

void PipeSession::Execute(int in, int out) {
  dup2(in, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  if (output_ >= 0) dup2(output_, STDERR_FILENO);
  // The parent obeys, and ends its children, also if the whole group is told.
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  signal(SIGPIPE, SIG_DFL);
  std::vector<char*> arguments;
  for (const std::string& argument : command_) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  execv(arguments[0], arguments.data());
  _exit(kCannotRun);
}

void PipeSession::Stop() {
  if (to_ >= 0) close(std::exchange(to_, -1));
  if (from_ >= 0) close(std::exchange(from_, -1));
  if (child_ <= 0) return;
  kill(child_, SIGKILL);
  while (waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
  }
  child_ = -1;
}

Incident PipeSession::Bury(bool stuck) {
  int status = 0;
  if (stuck) kill(child_, SIGKILL);
  close(std::exchange(to_, -1));
  while (waitpid(child_, &status, 0) < 0 && errno == EINTR) {
  }
  child_ = -1;
  close(std::exchange(from_, -1));
  if (stuck) {
    return {IncidentKind::kTimeLimit,
            static_cast<std::uint64_t>(limit_.count())};
  }
  if (WIFSIGNALED(status)) {
    return {IncidentKind::kCrash, static_cast<std::uint64_t>(WTERMSIG(status))};
  }
  return {IncidentKind::kExit, static_cast<std::uint64_t>(WEXITSTATUS(status))};
}

Incident PipeSession::Read(std::string& text) {
  const Clock::time_point start = Clock::now();
  Incident incident;
  for (;;) {
    std::size_t after = 0;
    const std::size_t length = FindEnd(unread_, after);
    if (length != std::string::npos) {
      text = unread_.substr(0, length);
      unread_.erase(0, after);
      break;
    }
    const auto left =
        limit_ - std::chrono::duration_cast<std::chrono::milliseconds>(
                     Clock::now() - start);
    pollfd ready = {.fd = from_, .events = POLLIN, .revents = 0};
    const int count =
        left.count() > 0 ? poll(&ready, 1, static_cast<int>(left.count())) : 0;
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0 || unread_.size() > kMaxAnswer) {
      incident = Bury(/*stuck=*/true);
      break;
    }
    char buffer[4096];
    const ssize_t got = read(from_, buffer, sizeof(buffer));
    if (got <= 0) {
      incident = Bury(/*stuck=*/false);
      break;
    }
    unread_.append(buffer, static_cast<std::size_t>(got));
  }
  waited_ += Clock::now() - start;
  return incident;
}

Incident PipeSession::Write(const std::string& text) {
  std::string_view rest = text;
  while (!rest.empty()) {
    // A target that does not read what it is asked will not answer either.
    pollfd ready = {.fd = to_, .events = POLLOUT, .revents = 0};
    const int count = poll(&ready, 1, static_cast<int>(limit_.count()));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return Bury(/*stuck=*/true);
    const ssize_t written =
        write(to_, rest.data(), std::min<std::size_t>(rest.size(), 512));
    if (written < 0) return Bury(/*stuck=*/false);
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  return Incident();
}

std::string PipeSession::LastOutput() {
  return output_ >= 0 ? Printed(output_) : "";
}

bool PipeSession::HearsEntry() const {
  return (profile_.models & EPTDIFF_MODELS_VM_ENTRY) != 0 ||
         profile_.keeps_state != 0;
}

void PipeSession::AskOnce(const MachineState& state, const Step* step,
                          Reply& reply) {
  std::string error;
  reply.aside = Incident();
  if (child_ <= 0 && !Start(error)) {
    reply.incident = {IncidentKind::kExit, kCannotRun};
    return;
  }
  if (output_ >= 0) TrimOutput(output_);
  reply.incident = Write(QuestionText(state, step));
  std::string text;
  if (reply.incident.kind == IncidentKind::kNone) reply.incident = Read(text);
  if (reply.incident.kind != IncidentKind::kNone) return;
  if (!ReadPipeAnswer(text, state, answer_)) {
    reply.incident = Means(ProtocolError::kSyntax);
    return;
  }
  reply.declined = answer_.declined;
  if (reply.declined) return;
  memory_.Begin(state);
  if (answer_.stores.size() > GuardedMemory::kMaxCallbacks / 2) {
    reply.incident = Means(ProtocolError::kTooManyStores);
    return;
  }
  for (const MemoryWord& store : answer_.stores) {
    // What it read, nobody saw.
    memory_.Load(store.address.value);
    memory_.Store(store.address.value, store.value);
  }
  reply.incident = memory_.End(reply.outcome.writes);
  reply.aside = memory_.aside();
  if (reply.incident.kind != IncidentKind::kNone) return;
  reply.incident =
      ReadAnswer(answer_.answer, step, FieldsOf(profile_), reply.outcome);
}

}  // namespace eptdiff
