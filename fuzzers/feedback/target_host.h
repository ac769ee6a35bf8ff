// What libFuzzer targets have in common around the questions that they ask:
// environment, muted signatures, the statistics file, the end by a signal.
//
// Environment:
//   EPTDIFF_MUTED=FILE  signatures that are counted and not fatal, a line each
//   EPTDIFF_STATS=FILE  gets the statistics (statistics.h) once a second, at
//                       the end, and before a finding ends the process
// Thread-safety: none; one for each process.
#ifndef EPTDIFF_FUZZERS_FEEDBACK_TARGET_HOST_H_
#define EPTDIFF_FUZZERS_FEEDBACK_TARGET_HOST_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>

namespace eptdiff {

// The variable's value; `otherwise` if there is none.
std::string Environment(const char* name, const char* otherwise = "");

class TargetHost {
 public:
  // `statistics` says what the file is to hold now. Never destroyed: it
  // reports at exit.
  explicit TargetHost(std::function<std::string()> statistics);

  // Before each case: ends the process if a signal asked for it.
  void BeginCase();
  // After each case.
  void EndCase();

  // Whether the finding is only to be counted.
  bool IsMuted(std::string_view signature) const {
    return muted_.contains(signature);
  }
  // Ends the process by a finding that is not: "ASSERTION FAILED: <signature>"
  // and `details`.
  [[noreturn]] void Fail(const std::string& signature,
                         const std::string& details);

 private:
  void Report() const;

  const std::function<std::string()> statistics_;
  const std::string stats_path_ = Environment("EPTDIFF_STATS");
  std::set<std::string, std::less<>> muted_;
  std::uint64_t cases_ = 0;
  std::chrono::steady_clock::time_point reported_;
};

// Writes the file beside `path` and then puts it in its place, so that a reader
// never sees half of it. False if that fails.
bool ReplaceFile(const std::string& path, const std::string& text);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_FEEDBACK_TARGET_HOST_H_
