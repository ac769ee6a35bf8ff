// One run of a libFuzzer target as a child process.
//
// The worker is in a process group of its own, so that a Ctrl-C at the
// terminal reaches the driver alone, which then ends the workers in order; the
// kernel sends it SIGTERM if the driver dies. What it prints goes to a log.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_COMMAND_FUZZ_WORKER_H_
#define EPTDIFF_FUZZERS_COMMAND_FUZZ_WORKER_H_

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace eptdiff {

struct WorkerCommand {
  std::vector<std::string> arguments;  // the program first
  // Variables set beside those of this process.
  std::vector<std::pair<std::string, std::string>> environment;
  int niceness = 0;  // added to this process's
  std::string log;   // the file that gets its output; replaced
};

class Worker {
 public:
  static absl::StatusOr<Worker> Start(const WorkerCommand& command);

  Worker(Worker&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)),
        status_(other.status_),
        log_(std::move(other.log_)),
        started_(other.started_) {}
  Worker& operator=(Worker&&) = delete;
  ~Worker();  // kills what still runs

  // Whether it has ended; does not wait.
  bool HasEnded();

  // Asks it to end (SIGINT, on which libFuzzer stops), makes it end with the
  // case that it is at as an artifact (SIGABRT), or ends it (SIGKILL), with all
  // that it has started.
  void Interrupt();
  void Abort();
  void Kill();

  // Once it has ended: "exit status 77", "signal 9".
  std::string HowItEnded() const;
  const std::string& log() const { return log_; }
  std::chrono::steady_clock::time_point started() const { return started_; }

 private:
  Worker(pid_t pid, std::string log)
      : pid_(pid),
        log_(std::move(log)),
        started_(std::chrono::steady_clock::now()) {}
  void Signal(int number);

  pid_t pid_;  // -1 once it has ended and was waited for
  int status_ = 0;
  std::string log_;
  std::chrono::steady_clock::time_point started_;
};

// What a worker's log says of why it ended.
struct WorkerFinding {
  std::string signature;  // "eptdiff-engine-event-CFG-8-PDPTE"; "" if none
  std::string artifact;   // the file that libFuzzer wrote; "" if none
  std::string summary;    // a sanitizer's or libFuzzer's SUMMARY; "" if none
};
WorkerFinding ParseLog(absl::string_view log);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_FUZZ_WORKER_H_
