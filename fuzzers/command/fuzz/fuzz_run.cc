#include "fuzzers/command/fuzz/fuzz_run.h"

#include <unistd.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "fuzzers/command/files/case_file.h"
#include "fuzzers/command/files/disk_room.h"
#include "fuzzers/command/fuzz/interrupt.h"
#include "fuzzers/command/fuzz/seconds_since.h"

namespace eptdiff {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::duration;
using std::chrono::milliseconds;

constexpr milliseconds kPoll{100};
// To end by itself, which a target does after the case that it is at.
constexpr std::chrono::seconds kGrace{5};
constexpr std::chrono::seconds kEarlyEnd{3};
constexpr milliseconds kBetweenLooks{500};  // at the room on the disk
constexpr int kMaxEarlyEnds = 5;
constexpr std::size_t kMaxLogBytes = std::size_t{64} << 20;
constexpr std::size_t kMaxStatsBytes = std::size_t{1} << 20;

std::string LastLines(absl::string_view text) {
  constexpr std::size_t kBytes = 1000;
  if (text.size() > kBytes) text.remove_prefix(text.size() - kBytes);
  return std::string(text);
}

}  // namespace

FuzzResult FuzzRun::Run(
    const std::function<void(const FuzzResult&)>& progress) {
  Interrupt interrupt;
  begin_ = Clock::now();
  const auto end = begin_ + std::chrono::seconds(options_.seconds);
  jobs_.resize(options_.jobs.size());
  finished_.resize(options_.targets.size());
  absl::Status status;
  const auto working = [](const Job& job) { return !job.done; };
  while (status.ok() && !Interrupt::Came() && Clock::now() < end &&
         !(options_.first && !found_.empty()) &&
         std::any_of(jobs_.begin(), jobs_.end(), working)) {
    for (std::size_t i = 0; i < jobs_.size() && status.ok(); ++i) {
      if (jobs_[i].done) continue;
      if (!jobs_[i].worker.has_value()) {
        status = StartWorker(i);
      } else if (jobs_[i].worker->HasEnded()) {
        status = Collect(i);
      } else {
        ReadStats(jobs_[i]);
      }
    }
    if (status.ok()) status = LookForRoom();
    progress(Summary());
    std::this_thread::sleep_for(kPoll);
  }
  EndWorkers();
  FuzzResult result = Summary();
  result.status = status;
  result.interruption = Interrupt::Words(result.seconds);
  progress(result);
  return result;
}

absl::Status FuzzRun::LookForRoom() {
  if (Clock::now() - looked_for_room_ < kBetweenLooks) return absl::OkStatus();
  looked_for_room_ = Clock::now();
  std::vector<std::string> directories = {options_.work, options_.artifacts};
  for (const FuzzTarget& target : options_.targets) {
    directories.push_back(target.corpus);
  }
  for (const std::string& directory : directories) {
    if (absl::Status s = CheckRoom(directory); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status FuzzRun::StartWorker(std::size_t number) {
  Job& job = jobs_[number];
  job.stats_path = absl::StrCat(options_.work, "/stats-", number);
  unlink(job.stats_path.c_str());
  const std::string muted_path = options_.work + "/muted";
  if (absl::Status s = WriteFile(muted_path, muted_); !s.ok()) return s;
  WorkerCommand command;
  const FuzzTarget& target = options_.targets[TargetOf(number)];
  command.arguments = {
      target.path, absl::StrCat("-seed=", options_.seed + started_),
      absl::StrCat("-artifact_prefix=", options_.artifacts, "/"),
      absl::StrCat("-max_len=", options_.max_length), "-reload=1",
      // It prefers cases with rare features; but our mutators make cases from
      // nothing as well, and without it each alteration is noticed as soon.
      "-entropic=0", "-timeout=20", "-verbosity=0", "-print_funcs=0"};
  command.arguments.insert(command.arguments.end(),
                           options_.target_arguments.begin(),
                           options_.target_arguments.end());
  command.arguments.push_back(target.corpus);
  command.environment = options_.environment;
  command.environment.emplace_back("EPTDIFF_MUTED", muted_path);
  command.environment.emplace_back("EPTDIFF_STATS", job.stats_path);
  command.niceness = options_.jobs[number].niceness;
  command.log = absl::StrCat(options_.work, "/log-", number);
  absl::StatusOr<Worker> worker = Worker::Start(command);
  if (!worker.ok()) return worker.status();
  job.worker.emplace(*std::move(worker));
  ++started_;
  return absl::OkStatus();
}

absl::Status FuzzRun::Collect(std::size_t number) {
  Job& job = jobs_[number];
  ReadStats(job);
  finished_[TargetOf(number)].Add(std::exchange(job.current, WorkerStats()));
  const bool early = Clock::now() - job.worker->started() < kEarlyEnd;
  const std::string how = job.worker->HowItEnded();
  const std::string log =
      ReadBytes(job.worker->log(), kMaxLogBytes).value_or("");
  job.worker.reset();
  const WorkerFinding finding = ParseLog(log);
  if (how == "exit status 0") {  // it was told how long to run (-runs=N)
    job.done = true;
    return absl::OkStatus();
  }
  if (!finding.signature.empty() || !finding.artifact.empty() ||
      absl::StartsWith(how, "signal")) {
    Record(finding, number, how);
  }
  early_ends_ = finding.signature.empty() && early ? early_ends_ + 1 : 0;
  if (early_ends_ <= kMaxEarlyEnds) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(
      options_.targets[TargetOf(number)].path, " keeps ending (", how,
      ") without a finding that could be muted; it last said:\n",
      LastLines(log)));
}

void FuzzRun::Record(const WorkerFinding& finding, std::size_t job,
                     const std::string& how) {
  const bool crash = finding.signature.empty();
  const std::string name = !crash ? finding.signature
                           : !finding.summary.empty()
                               ? finding.summary
                               : absl::StrCat("the target ended: ", how);
  FoundByRun& found = found_[name];
  found.crash = crash;
  found.target = options_.targets[TargetOf(job)].path;
  ++found.count;
  if (!finding.artifact.empty()) found.artifacts.push_back(finding.artifact);
  if (!crash && !absl::StrContains(absl::StrCat("\n", muted_),
                                   absl::StrCat("\n", name, "\n"))) {
    absl::StrAppend(&muted_, name, "\n");
  }
}

void FuzzRun::ReadStats(Job& job) {
  const absl::StatusOr<std::string> text =
      ReadBytes(job.stats_path, kMaxStatsBytes);
  if (text.ok()) job.current = WorkerStats::Parse(*text);
}

void FuzzRun::EndWorkers() {
  for (Job& job : jobs_) {
    if (job.worker.has_value()) job.worker->Interrupt();
  }
  const auto wait = [](Worker& worker, Clock::time_point end) {
    while (!worker.HasEnded() && Clock::now() < end) {
      std::this_thread::sleep_for(milliseconds(10));
    }
    return worker.HasEnded();
  };
  const auto patience = Clock::now() + kGrace;
  for (std::size_t i = 0; i < jobs_.size(); ++i) {
    Job& job = jobs_[i];
    if (!job.worker.has_value()) continue;
    if (!wait(*job.worker, patience)) {
      job.worker->Abort();
      if (!wait(*job.worker, Clock::now() + kGrace)) job.worker->Kill();
      ReadStats(job);
      continue;
    }
    ReadStats(job);
    // It may have found something just before.
    const WorkerFinding finding =
        ParseLog(ReadBytes(job.worker->log(), kMaxLogBytes).value_or(""));
    if (!finding.artifact.empty()) Record(finding, i, "at the end");
  }
}

FuzzResult FuzzRun::Summary() const {
  FuzzResult result;
  result.seconds = SecondsSince(begin_);
  result.by_target = finished_;
  for (std::size_t i = 0; i < jobs_.size(); ++i) {
    result.by_target[TargetOf(i)].Add(jobs_[i].current);
  }
  for (const WorkerStats& stats : result.by_target) result.stats.Add(stats);
  result.found = found_;
  for (const auto& [signature, count] : result.stats.Under("muted.")) {
    result.found[signature].count += static_cast<std::uint64_t>(count);
  }
  return result;
}

}  // namespace eptdiff
