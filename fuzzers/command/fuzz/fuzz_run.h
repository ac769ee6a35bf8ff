// A fuzzing run: libFuzzer targets on several processors at once.
//
// 1. Each job is a worker process (worker.h); the targets take turns at being
//    given one. Jobs of one target share its corpus, with sanitizers and
//    without (job_plan.h).
// 2. A worker that finds a disagreement ends. Its signature is added to the
//    file that EPTDIFF_MUTED names, and the job starts anew: from then on this
//    signature is counted and no longer ends a worker, so that one bug does not
//    hide the next.
// 3. A worker that ends for any other reason is a finding too (a crash, a
//    hang), but nothing can mute it; a target that does nothing else ends the
//    run with an error.
// 4. When the time is up, a signal came, or the first finding was all that was
//    wanted, the workers are ended. One that does not end hangs in a case:
//    libFuzzer is made to write that down, for triage to try. A full disk ends
//    the run with an error while there is still room for the report.
//
// This folder drives libFuzzer's processes and sorts what they leave; it uses
// files/, distill/ and panel/. Begin here; worker.h is one process,
// worker_stats.h what it counts, fuzz_history.h how that grew, triage.h and
// crash.h what becomes of its artifacts, power_run.h is for `eptdiff power`.
//
// Thread-safety: thread-compatible; one run at a time in a process.
#ifndef EPTDIFF_FUZZERS_COMMAND_FUZZ_FUZZ_RUN_H_
#define EPTDIFF_FUZZERS_COMMAND_FUZZ_FUZZ_RUN_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "fuzzers/command/fuzz/job_plan.h"
#include "fuzzers/command/fuzz/worker.h"
#include "fuzzers/command/fuzz/worker_stats.h"

namespace eptdiff {

struct FuzzTarget {
  std::string path;    // the libFuzzer executable
  std::string corpus;  // a directory, which exists
  bool plain = false;  // the twin, without sanitizers, of another with it
};

struct FuzzOptions {
  std::vector<FuzzTarget> targets;  // at least one
  std::string artifacts;            // directories, which exist
  std::string work;                 // logs, statistics, the muted signatures
  std::uint64_t seconds = 60;
  std::vector<PlannedJob> jobs;  // at least one for each target
  std::uint64_t seed = 1;
  std::uint64_t max_length = 4096;  // of an encoded case, in bytes
  bool first = false;               // ends with the first finding
  std::vector<std::string> target_arguments;
  // Variables for the target beside those of this process.
  std::vector<std::pair<std::string, std::string>> environment;
};

// A finding of a run, by signature or, of a crash, by what the log says of it.
struct FoundByRun {
  std::uint64_t count = 0;             // how often, where it was muted included
  std::vector<std::string> artifacts;  // the files, those that were written
  bool crash = false;
  std::string target;  // which found it
};

struct FuzzResult {
  absl::Status status;       // not OK: the run ended early, and why
  std::string interruption;  // by a signal, in words; "" if none came
  double seconds = 0;
  WorkerStats stats;
  std::vector<WorkerStats> by_target;  // in the order of the options
  std::map<std::string, FoundByRun> found;
};

class FuzzRun {
 public:
  explicit FuzzRun(FuzzOptions options) : options_(std::move(options)) {}

  // Runs to the end. `progress` is called several times a second with what is
  // known so far.
  FuzzResult Run(const std::function<void(const FuzzResult&)>& progress);

 private:
  struct Job {
    std::optional<Worker> worker;
    std::string stats_path;
    WorkerStats current;  // of the running worker
    bool done = false;    // ended of its own accord
  };

  std::size_t TargetOf(std::size_t job) const {
    return options_.jobs[job].target;
  }
  absl::Status StartWorker(std::size_t number);
  absl::Status Collect(std::size_t number);
  absl::Status LookForRoom();
  void Record(const WorkerFinding& finding, std::size_t job,
              const std::string& how);
  void ReadStats(Job& job);
  void EndWorkers();
  FuzzResult Summary() const;

  const FuzzOptions options_;
  std::chrono::steady_clock::time_point begin_;
  std::vector<Job> jobs_;
  std::vector<WorkerStats> finished_;  // of the workers that ended, by target
  std::map<std::string, FoundByRun> found_;
  std::string muted_;  // the content of the file
  std::uint64_t started_ = 0;
  int early_ends_ = 0;  // in a row, without a signature
  std::chrono::steady_clock::time_point looked_for_room_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_FUZZ_FUZZ_RUN_H_
