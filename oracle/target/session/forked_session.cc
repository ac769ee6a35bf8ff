#include "oracle/target/session/forked_session.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "oracle/target/object/edge_counters.h"
#include "oracle/target/process/channel.h"
#include "oracle/target/process/child_process.h"
#include "oracle/target/process/crash_place.h"
#include "oracle/target/profile/profile.h"
#include "oracle/target/session/forked_messages.h"
#include "oracle/target/session/forked_server.h"

namespace eptdiff {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kShortestLimit{100};
// How often a child that is busy is looked after.
constexpr std::chrono::milliseconds kLookAfter{50};
// A child that takes more and more is replaced before it is too much: after so
// many requests it is looked at.
constexpr unsigned kLookForLeaks = 64;

// Whether entering `c` gives `state`. False negatives cost a change of
// processes, no more.
bool BeginsIn(const Case& c, const MachineState& state) {
  if (c.processor != state.processor || c.controls != state.controls ||
      c.guest != state.guest ||
      c.memory.size() != state.memory.addresses().size()) {
    return false;
  }
  for (const MemoryWord& word : c.memory) {
    if (state.memory.Load(word.address) != word.value) return false;
  }
  return true;
}

}  // namespace

ForkedSession::ForkedSession(Loader loader, const Options& options)
    : loader_(std::move(loader)),
      limit_(options.limit),
      shared_(static_cast<ForkedMemory*>(
          mmap(nullptr, sizeof(ForkedMemory), PROT_READ | PROT_WRITE,
               MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))),
      output_(memfd_create("output", MFD_CLOEXEC)),
      profile_(BlankProfile()),
      memory_limit_(options.memory) {}

ForkedSession::~ForkedSession() {
  Stop();
  if (shared_ != MAP_FAILED) munmap(shared_, sizeof(ForkedMemory));
  if (output_ >= 0) close(output_);
}

std::unique_ptr<ForkedSession> ForkedSession::Make(Loader loader,
                                                   const Options& options,
                                                   std::string& error) {
  std::unique_ptr<ForkedSession> session(
      new ForkedSession(std::move(loader), options));
  if (session->shared_ == MAP_FAILED || session->output_ < 0) {
    error = std::string("no shared memory: ") + std::strerror(errno);
    return nullptr;
  }
  if (!session->Start(error)) return nullptr;
  session->profile_ = session->shared_->profile;
  error = FaultOf(session->profile_);
  if (!error.empty()) {
    error = "its profile is none: " + error;
    return nullptr;
  }
  return session;
}

bool ForkedSession::Start(std::string& error) {
  Stop();
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    error = std::string("no socket: ") + std::strerror(errno);
    return false;
  }
  shared_->endless = false;
  shared_->unplugged = false;
  shared_->loaded = false;
  shared_->error[0] = 0;
  shared_->fault.fault = 0;
  std::fflush(nullptr);  // or the child would print it again
  const pid_t parent = getpid();
  child_ = fork();
  if (child_ == 0) {
    SettleChild(parent, output_);
    close(ends[0]);
    TellFaultsTo(&shared_->fault);
    TellWhereItCrashes();
    Serve(ends[1]);
  }
  close(ends[1]);
  socket_ = ends[0];
  if (child_ < 0) {
    error = std::string("cannot fork: ") + std::strerror(errno);
    return false;
  }
  const Incident incident = Await();
  if (incident.kind != IncidentKind::kNone) {
    error = "before it has described itself " + WordsOf(incident);
    const std::string output = LastOutput();
    if (!output.empty()) error += "\n" + output;
    return false;
  }
  if (!shared_->loaded) error = shared_->error;
  memory_at_start_ = OwnMemory(child_);
  requests_ = 0;
  return shared_->loaded;
}

void ForkedSession::Stop() {
  if (socket_ >= 0) close(std::exchange(socket_, -1));
  if (child_ <= 0) return;
  kill(child_, SIGKILL);
  while (waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
  }
  child_ = -1;
}

void ForkedSession::Serve(int socket) {
  TargetFunctions functions;
  std::string error;
  EdgeCounters::Get().Listen(true);
  const bool loaded = loader_(functions, error);
  EdgeCounters::Get().Listen(false);
  std::snprintf(shared_->error, sizeof(shared_->error), "%s", error.c_str());
  char byte = 0;
  if (!loaded) {
    (void)!write(socket, &byte, 1);
    _exit(0);
  }
  ForkedServer server(*shared_, functions);
  LookAtProcess();  // whom it started to begin with is its own affair
  shared_->profile = server.profile();
  shared_->loaded = true;
  errno = 0;
  while (write(socket, &byte, 1) == 1 && read(socket, &byte, 1) == 1) {
    server.Work();
    errno = 0;
  }
  shared_->unplugged = errno == EBADF;
  _exit(0);
}

EdgeCount ForkedSession::edges() const { return shared_->edges.count; }

std::string ForkedSession::LastOutput() {
  const std::string fault = faults_.last();
  return fault.empty() ? LastPrinted(output_) : fault;
}

Incident ForkedSession::Run() {
  std::string error;
  if (++requests_ % kLookForLeaks == 0 && shared_->wanted == Wanted::kCases &&
      child_ > 0 && TakenSinceStart() > memory_limit_ / 8 * 3) {
    ++leaks_;
    Stop();
  }
  if (child_ <= 0 && !Start(error)) return {IncidentKind::kExit, 0};
  TrimOutput(output_);
  shared_->fault.fault = 0;  // it may have gone on after one
  shared_->repeats = repeats_;
  shared_->cases = 0;
  shared_->replies = 0;
  const char byte = 0;
  if (send(socket_, &byte, 1, MSG_NOSIGNAL) != 1) return Bury({});
  return Await();
}

std::int64_t ForkedSession::TakenSinceStart() const {
  return OwnMemory(child_) - memory_at_start_;
}

Incident ForkedSession::Hangs() const {
  return {IncidentKind::kTimeLimit, static_cast<std::uint64_t>(limit_.count())};
}

Incident ForkedSession::Await() {
  const Clock::time_point start = Clock::now();
  Clock::time_point moved = start;
  std::uint64_t progress = shared_->progress;
  std::int64_t cpu = CpuTime(child_);
  Incident incident;
  for (;;) {
    pollfd ready = {.fd = socket_, .events = POLLIN, .revents = 0};
    const auto pause = std::min(limit_, kLookAfter);
    const int count = poll(&ready, 1, static_cast<int>(pause.count()));
    if (count > 0) {
      char byte;
      if (recv(socket_, &byte, 1, 0) != 1) incident = Bury({});
      break;
    }
    if (TakenSinceStart() > memory_limit_) {
      incident = Bury({IncidentKind::kAllocation,
                       static_cast<std::uint64_t>(memory_limit_ >> 20)});
      break;
    }
    if (const std::uint64_t now = shared_->progress; now != progress) {
      progress = now;
      moved = Clock::now();
      cpu = CpuTime(child_);
      continue;
    }
    const auto still = std::chrono::duration_cast<std::chrono::milliseconds>(
        Clock::now() - moved);
    if (IsStuck(still, cpu)) {
      incident = Bury(Hangs());
      break;
    }
  }
  waited_ += Clock::now() - start;
  return incident;
}

bool ForkedSession::IsStuck(std::chrono::milliseconds waited,
                            std::int64_t cpu_before) const {
  if (waited < limit_) return false;
  if (shared_->fault.fault != 0) return waited > kTimeToTell;
  // It may have been kept from running; not for ever.
  const std::chrono::nanoseconds used(CpuTime(child_) - cpu_before);
  return used > limit_ / 2 || waited > 5 * limit_;
}

Incident ForkedSession::Bury(Incident killed_for) {
  int status = 0;
  if (killed_for.kind != IncidentKind::kNone) kill(child_, SIGKILL);
  // Who has closed the socket need not be about to end.
  if (!WaitForEnd(child_, limit_, status)) killed_for = Hangs();
  child_ = -1;
  close(std::exchange(socket_, -1));
  const Incident fault = faults_.Take(shared_->fault, output_);
  if (fault.kind != IncidentKind::kNone) return fault;
  if (killed_for.kind == IncidentKind::kTimeLimit) {
    // That it can hang is known now: what follows need not cost as much.
    limit_ = std::max(limit_ / 8, std::min(limit_, kShortestLimit));
  }
  if (killed_for.kind == IncidentKind::kAllocation) {
    memory_limit_ /= 2;
  }
  if (killed_for.kind != IncidentKind::kNone) return killed_for;
  if (shared_->endless) {
    return {IncidentKind::kStepLimit, GuardedMemory::kMaxCallbacks};
  }
  if (shared_->unplugged) return {IncidentKind::kUnplugged, 0};
  if (WIFSIGNALED(status)) {
    return {IncidentKind::kCrash, static_cast<std::uint64_t>(WTERMSIG(status))};
  }
  return {IncidentKind::kExit, static_cast<std::uint64_t>(WEXITSTATUS(status))};
}

void ForkedSession::Enter(const MachineState& state, Reply& reply) {
  current_ = nullptr;
  entered_ = prepared_.size();
  for (std::size_t i = next_; i < prepared_.size(); ++i) {
    if (digresses_ || repeats_ != prepared_repeats_) break;
    const Case& c = prepared_[i];
    if (expected_ != nullptr ? &c != expected_ : !BeginsIn(c, state)) continue;
    next_ = i;
    if (next_ >= answered_to_) SendPrepared();
    current_ = &c;
    entered_ = i;
    step_ = 0;
    reply_ = 0;
    at_ = shared_->reply + shared_->offsets[next_ - answered_from_];
    ++next_;
    if (TakePrepared(reply)) return;
    break;
  }
  AskOne(state, nullptr, reply);
}

void ForkedSession::Perform(const MachineState& state, const Step& step,
                            Reply& reply) {
  if (current_ != nullptr) {
    const std::vector<Step>& steps = current_->steps;
    while (step_ < steps.size() && steps[step_].kind == StepKind::kStore) {
      ++step_;
    }
    if (step_ < steps.size() && steps[step_] == step && TakePrepared(reply)) {
      ++step_;
      return;
    }
    current_ = nullptr;
  }
  AskOne(state, &step, reply);
}

void ForkedSession::AskOne(const MachineState& state, const Step* step,
                           Reply& reply) {
  // The shared replies are overwritten: what was prepared is answered anew.
  answered_from_ = answered_to_ = next_;
  ChannelWriter out(shared_->request);
  shared_->wanted = step == nullptr ? Wanted::kEntry : Wanted::kStep;
  PutState(state, out);
  if (step != nullptr) out.Put(*step);
  if (out.overflowed()) {
    reply.incident = {
        IncidentKind::kProtocol,
        static_cast<std::uint64_t>(ProtocolError::kTooManyStores)};
    return;
  }
  reply.incident = Run();
  if (reply.incident.kind != IncidentKind::kNone) return;
  ChannelReader in(shared_->reply);
  GetReply(in, reply);
}

void ForkedSession::Prepare(std::span<const Case> cases) {
  prepared_ = cases;
  prepared_repeats_ = repeats_;
  next_ = answered_from_ = answered_to_ = 0;
  one_by_one_ = false;
  news_.assign(cases.size(), false);
  current_ = nullptr;
}

void ForkedSession::SendPrepared() {
  ChannelWriter out(shared_->request);
  shared_->wanted = Wanted::kCases;
  std::uint32_t count = 0;
  const std::size_t most = one_by_one_ ? 1 : kMaxPrepared;
  while (next_ + count < prepared_.size() && count < most) {
    const std::size_t used = out.used();
    PutCase(prepared_[next_ + count], out);
    if (out.overflowed()) {
      out.Rewind(used);
      break;
    }
    ++count;
  }
  shared_->requested = count;
  answered_from_ = next_;
  cut_ = Run();
  const std::uint32_t whole = shared_->cases;
  answered_to_ = next_ + whole;
  for (std::uint32_t i = 0; i < whole; ++i) {
    // Asked again, a case finds what it found the first time, and no news.
    if (shared_->news[i]) news_[next_ + i] = true;
  }
  if (cut_.kind == IncidentKind::kNone) return;
  if (whole == count) {
    // It died once the last answer was given, of whichever: who is asked alone
    // dies of that.
    --shared_->counts[whole - 1];
    if (count > 1) {
      one_by_one_ = true;
      SendPrepared();
    }
    return;
  }
  // The case that it died in counts as answered, as far as it came.
  shared_->counts[whole] = shared_->replies;
  ++answered_to_;
}

bool ForkedSession::TakePrepared(Reply& reply) {
  if (next_ > answered_to_) return false;
  const std::size_t number = next_ - 1 - answered_from_;
  if (reply_ < shared_->counts[number]) {
    ChannelReader in(at_);
    GetReply(in, reply);
    at_ = in.at();
    ++reply_;
    return true;
  }
  if (cut_.kind == IncidentKind::kNone || next_ != answered_to_) return false;
  reply.incident = cut_;
  return true;
}

}  // namespace eptdiff
