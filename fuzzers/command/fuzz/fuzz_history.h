// How a fuzzing run went, from its beginning: a few hundred moments of it,
// however long it was. Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_COMMAND_FUZZ_FUZZ_HISTORY_H_
#define EPTDIFF_FUZZERS_COMMAND_FUZZ_FUZZ_HISTORY_H_

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "fuzzers/command/fuzz/fuzz_run.h"

namespace eptdiff {

// How many rules had a say in some answer.
std::size_t RulesMet(const WorkerStats& stats);

class FuzzHistory {
 public:
  struct Moment {
    double seconds = 0;
    std::vector<double> cases;  // so far, by target
    std::size_t rules_met = 0;
    std::size_t found = 0;  // signatures, and crashes
  };

  // With what is known by now, as FuzzRun tells it.
  void Add(const FuzzResult& result);

  // In the order of time; the last one is that which was added last.
  const std::vector<Moment>& moments() const { return moments_; }
  // When a finding was known first, in seconds; -1 if it never was.
  double FirstSeen(const std::string& finding) const;

 private:
  static constexpr std::size_t kMost = 600;

  std::vector<Moment> moments_;
  std::map<std::string, double> first_seen_;
  double spacing_ = 0.5;        // seconds between two moments; doubles
  bool last_is_early_ = false;  // closer than that to the one before
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_FUZZ_FUZZ_HISTORY_H_
