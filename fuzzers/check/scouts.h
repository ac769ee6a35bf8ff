// Scouts in processes of their own, each with a target of its own: it may not
// be entered by two threads, and what it does to its process is no other's
// affair.
//
//   whoever decides --- order: batches, what is kept by now, dialect --> scouts
//                  <-- what became of each batch --------------------
//
// A scout whose process ends leaves its batches to whoever decides, as does one
// that is told to stop. Orders and answers pass over sockets.
// Thread-safety: thread-compatible; only in a process with one thread, which
// forks.
#ifndef EPTDIFF_FUZZERS_CHECK_SCOUTS_H_
#define EPTDIFF_FUZZERS_CHECK_SCOUTS_H_

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "fuzzers/check/new_cases.h"
#include "fuzzers/check/rule_answers.h"
#include "fuzzers/check/scout.h"
#include "oracle/reference/dialect.h"
#include "oracle/reference/rule_places.h"
#include "oracle/target/session/target_oracle.h"

namespace eptdiff {

// Opens the target once more; null if it cannot be had.
using TargetOpener = std::function<std::unique_ptr<TargetOracle>()>;

// What scouts have to tell in the end, all together.
struct ScoutTotals {
  RuleAnswers answers;
  std::chrono::nanoseconds worked{0};  // not counting the target's time
  unsigned leaks = 0;
};

class Scouts {
 public:
  // So many processes, that know what is known now.
  Scouts(const TargetOpener& open, unsigned count, const NewCases& cases,
         const Dialect& dialect, const RulePlaces& seen);
  ~Scouts();
  Scouts(const Scouts&) = delete;
  Scouts& operator=(const Scouts&) = delete;

  // For the next order: what is kept since (NewCases::Advance()), or another
  // dialect.
  void Tell(std::span<const std::uint8_t> news);
  void Tell(const Dialect& dialect);

  // Deals out the batches from number `first` on, one for each result, the last
  // of `last_count` cases. They stop where they are once `goes_on`, which is
  // asked now and then, says so.
  void Go(std::uint64_t first, std::size_t last_count,
          std::span<ScoutedBatch> results,
          const std::function<bool()>& goes_on);

  // Whether a scout has been lost: who has not done its batches will not.
  bool any_lost() const { return any_lost_; }

  // Ends them.
  ScoutTotals Finish();

 private:
  struct Member {
    pid_t process = -1;
    int socket = -1;
  };
  struct Order;

  [[noreturn]] void Serve(int socket, const TargetOpener& open, NewCases cases,
                          Dialect dialect, const RulePlaces& seen);
  void Lose(Member& member);
  void Await(const Member& member, const std::function<bool()>& goes_on);

  std::vector<Member> members_;
  std::atomic<bool>* stop_ = nullptr;  // all of them see it
  std::vector<std::uint8_t> news_;
  std::vector<const Alteration*> dialect_;
  bool new_dialect_ = false;
  bool any_lost_ = false;
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_CHECK_SCOUTS_H_
