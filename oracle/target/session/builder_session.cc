#include "oracle/target/session/builder_session.h"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>
#include <utility>

#include "oracle/builder/judge/builder_trial.h"
#include "oracle/target/process/child_process.h"
#include "oracle/target/process/crash_place.h"
#include "oracle/target/profile/builder_profile.h"

namespace eptdiff {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kShortestLimit{100};
// How often a child that is busy is looked after.
constexpr milliseconds kLookAfter{50};

}  // namespace

struct BuilderSession::Shared {
  // What a child has reached: each change of it says that it lives.
  std::atomic<std::uint64_t> progress;
  std::uint64_t cases;  // done, of its batch
  std::uint64_t step;   // of the case that it is at
  Incident raised;      // why it ended itself
  bool finished;        // it did what it was to do
  bool is_builder, loaded, reads_tables, handles_exits, has_views;
  FaultReport fault;
  eptdiff_builder_profile profile;
  char error[1024];
  BuilderReply replies[kMaxBatch];
  SymptomCounts right;
};

BuilderFinding BuilderReply::Finding() const {
  BuilderFinding finding = MakeBuilderFinding(*broken, where, level);
  finding.sdm = sdm;
  finding.facts = facts;
  return finding;
}

std::string BuilderReply::Signature(std::string_view name) const {
  if (incident.kind != IncidentKind::kNone) {
    return "eptdiff-" + std::string(name) + "-" + SignaturePart(incident);
  }
  if (!broken.has_value()) return "";
  return SignatureOf(name, Finding());
}

std::string BuilderReply::Words() const {
  if (incident.kind != IncidentKind::kNone) return WordsOf(incident);
  if (!broken.has_value()) return "what is right";
  return Finding().sentence;
}

BuilderSession::BuilderSession(Loader loader, const Options& options)
    : loader_(std::move(loader)),
      limit_(options.limit),
      shared_(static_cast<Shared*>(mmap(nullptr, sizeof(Shared),
                                        PROT_READ | PROT_WRITE,
                                        MAP_SHARED | MAP_ANONYMOUS, -1, 0))),
      output_(memfd_create("output", MFD_CLOEXEC)),
      profile_(BlankBuilderProfile()) {}

BuilderSession::~BuilderSession() {
  if (shared_ != MAP_FAILED) munmap(shared_, sizeof(Shared));
  if (output_ >= 0) close(output_);
}

std::unique_ptr<BuilderSession> BuilderSession::Make(Loader loader,
                                                     const Options& options,
                                                     const std::string& name,
                                                     std::string& error) {
  error.clear();
  std::unique_ptr<BuilderSession> session(
      new BuilderSession(std::move(loader), options));
  if (session->shared_ == MAP_FAILED || session->output_ < 0) {
    error = std::string("no shared memory: ") + std::strerror(errno);
    return nullptr;
  }
  new (session->shared_) Shared();
  session->Fork([&] { session->Describe(); });
  const Incident incident = session->Await();
  // Whatever else is wrong with it, somebody else can say.
  if (!session->shared_->is_builder) return nullptr;
  if (incident.kind != IncidentKind::kNone) {
    error = "before it has described itself " + WordsOf(incident);
    const std::string output = session->LastOutput();
    if (!output.empty()) error += "\n" + output;
    return nullptr;
  }
  if (!session->shared_->loaded) {
    error = session->shared_->error;
    return nullptr;
  }
  session->profile_ = session->shared_->profile;
  session->reads_tables_ = session->shared_->reads_tables;
  error = FaultOf(session->profile_);
  if (error.empty() && session->profile_.on_demand != 0 &&
      !session->shared_->handles_exits) {
    error =
        "on_demand: without eptdiff_builder_exit nothing maps what a "
        "processor needs";
  }
  if (error.empty() && session->profile_.views != 0 &&
      !session->shared_->has_views) {
    error = "views: without eptdiff_builder_view nobody knows their EPTPs";
  }
  if (!error.empty()) {
    error = "its profile is none: " + error;
    return nullptr;
  }
  session->name_ =
      session->profile_.name[0] != 0 ? session->profile_.name : name;
  return session;
}

std::vector<BuilderReply> BuilderSession::Run(std::span<const Case> cases) {
  Begin(cases);
  return End();
}

void BuilderSession::Begin(std::span<const Case> cases) {
  begun_ = std::min(kMaxBatch, cases.size());
  Fork([&] { Judge(cases.first(begun_)); });
}

std::vector<BuilderReply> BuilderSession::End() {
  const Incident incident = Await();
  const std::size_t done = std::min<std::size_t>(shared_->cases, begun_);
  std::vector<BuilderReply> replies(shared_->replies, shared_->replies + done);
  if (done < begun_) {
    BuilderReply& cut = replies.emplace_back();
    cut.incident = incident;
    cut.step = shared_->step;
  }
  return replies;
}

std::vector<CountedSymptom> BuilderSession::Right() const {
  return shared_->right.List();
}

std::string BuilderSession::LastOutput() const {
  const std::string fault = faults_.last();
  return fault.empty() ? Printed(output_) : fault;
}

void BuilderSession::Describe() {
  BuilderFunctions functions;
  std::string error;
  bool is_builder = false;
  const bool loaded = loader_(functions, is_builder, error);
  std::snprintf(shared_->error, sizeof(shared_->error), "%s", error.c_str());
  shared_->is_builder = is_builder;
  if (!loaded) return;
  shared_->profile = BlankBuilderProfile();
  functions.describe(&shared_->profile);
  shared_->reads_tables = functions.read != nullptr;
  shared_->handles_exits = functions.exit != nullptr;
  shared_->has_views = functions.view != nullptr;
  shared_->loaded = true;
}

void BuilderSession::Judge(std::span<const Case> cases) {
  BuilderFunctions functions;
  std::string error;
  bool is_builder = false;
  if (!loader_(functions, is_builder, error)) _exit(1);
  eptdiff_builder_profile profile = BlankBuilderProfile();
  functions.describe(&profile);
  BuilderTrial trial(std::make_unique<OutsideBuilder>(
      functions, profile,
      [this](const Incident& incident) { Abandon(incident); }));
  SymptomLog log(shared_->right);
  if (watched_.has_value()) log.Watch(*watched_);
  trial.set_symptom_log(&log);
  trial.Allow(allowed_ | profile_.waives);
  trial.set_refusals(RefusalsIn(profile_));
  LookAtProcess();  // whom it started to begin with is its own affair
  trial.set_observer([this](const BuilderStepReport& report) {
    const Incident incident = LookAtProcess();
    if (incident.kind != IncidentKind::kNone) Abandon(incident);
    shared_->step = report.number + 1;
    shared_->progress.fetch_add(1, std::memory_order_relaxed);
  });
  for (const Case& c : cases) {
    shared_->step = 0;
    const BuilderStandings& standings = trial.Run(c);
    BuilderReply reply;
    reply.compared = standings.compared;
    reply.step = standings.step;
    reply.waived = standings.waived;
    reply.not_asked = standings.not_asked;
    reply.not_modelled = standings.not_modelled;
    reply.lacked_frames = standings.lacked_frames;
    if (standings.finding.has_value()) {
      reply.broken = standings.finding->rule;
      reply.where = standings.finding->where;
      reply.level = standings.finding->level;
      reply.sdm = standings.finding->sdm;
      reply.facts = standings.finding->facts;
      if (log.symptoms().empty()) log.OnFinding(*reply.broken, reply.level);
      reply.symptoms = log.symptoms();
      reply.circumstances = log.circumstances();
      reply.difference = log.difference();
    }
    reply.passed = log.passed();
    shared_->replies[shared_->cases] = reply;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    ++shared_->cases;
    shared_->progress.fetch_add(1, std::memory_order_relaxed);
  }
}

void BuilderSession::Abandon(const Incident& incident) {
  shared_->raised = incident;
  _exit(0);
}

void BuilderSession::Fork(const std::function<void()>& work) {
  shared_->cases = 0;
  shared_->step = 0;
  shared_->raised = Incident();
  shared_->finished = false;
  shared_->fault.fault = 0;
  EmptyOutput(output_);  // what is shown is of the last child
  child_ = -1;
  int ends[2];
  if (pipe(ends) != 0) return;
  std::fflush(nullptr);  // or the child would print it again
  const pid_t parent = getpid();
  child_ = fork();
  if (child_ == 0) {
    SettleChild(parent, output_);
    close(ends[0]);
    TellFaultsTo(&shared_->fault);
    TellWhereItCrashes();
    work();
    shared_->finished = true;
    std::fflush(nullptr);
    _exit(0);
  }
  close(ends[1]);
  pipe_ = ends[0];
}

Incident BuilderSession::Await() {
  const pid_t child = std::exchange(child_, -1);
  const int pipe = std::exchange(pipe_, -1);
  const Incident incident =
      child > 0 ? AwaitChild(child, pipe) : Incident{IncidentKind::kExit, 0};
  if (pipe >= 0) close(pipe);
  return incident;
}

Incident BuilderSession::AwaitChild(pid_t child, int pipe) {
  Clock::time_point moved = Clock::now();
  std::uint64_t progress = shared_->progress;
  std::int64_t cpu = CpuTime(child);
  const Incident hangs = {IncidentKind::kTimeLimit,
                          static_cast<std::uint64_t>(limit_.count())};
  Incident killed_for;
  for (;;) {
    // Nobody writes: it is ready once the child has ended.
    pollfd closed = {.fd = pipe, .events = POLLIN, .revents = 0};
    const auto pause = std::min(limit_, kLookAfter);
    if (poll(&closed, 1, static_cast<int>(pause.count())) > 0) break;
    if (OwnMemory(child) - OwnMemory(getpid()) > kMemoryLimit) {
      killed_for = {IncidentKind::kAllocation, kMemoryLimit >> 20};
      kill(child, SIGKILL);
      break;
    }
    if (const std::uint64_t now = shared_->progress; now != progress) {
      progress = now;
      moved = Clock::now();
      cpu = CpuTime(child);
      continue;
    }
    const auto still = Clock::now() - moved;
    if (shared_->fault.fault != 0 && still < kTimeToTell) continue;
    // It may have been kept from running; not for ever.
    const std::chrono::nanoseconds used(CpuTime(child) - cpu);
    if (still >= limit_ && (used > limit_ / 2 || still > 5 * limit_)) {
      killed_for = hangs;
      kill(child, SIGKILL);
      break;
    }
  }
  int status = 0;
  // Who has closed the pipe need not be about to end.
  if (!WaitForEnd(child, limit_, status)) killed_for = hangs;
  const Incident fault = faults_.Take(shared_->fault, output_);
  if (fault.kind != IncidentKind::kNone) return fault;
  if (killed_for.kind == IncidentKind::kNone) return EndOf(status);
  if (killed_for.kind == IncidentKind::kTimeLimit) {
    limit_ = std::max(limit_ / 8, std::min(limit_, kShortestLimit));
  }
  return killed_for;
}

Incident BuilderSession::EndOf(int status) const {
  if (shared_->finished) return Incident();
  if (shared_->raised.kind != IncidentKind::kNone) return shared_->raised;
  if (WIFSIGNALED(status)) {
    return {IncidentKind::kCrash, static_cast<std::uint64_t>(WTERMSIG(status))};
  }
  return {IncidentKind::kExit, static_cast<std::uint64_t>(WEXITSTATUS(status))};
}

}  // namespace eptdiff
