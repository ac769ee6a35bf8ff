// Two operations of a builder at once, each in a thread of its own: one of them
// runs at a time, and a schedule says which.
//
//   the one    ----.              .-----------.  a store of the one
//   the other      '----.    .----'           '----
//                       '----'     before its n-th load or store
//
// The same schedule gives the same run each time, whatever the machine does.
// Who waits for a lock that the other one has says so (Pause).
// Thread-safety: Run() by one thread at a time; the rest is called by whichever
// of the two it runs.
#ifndef EPTDIFF_ORACLE_BUILDER_JUDGE_TURNS_H_
#define EPTDIFF_ORACLE_BUILDER_JUDGE_TURNS_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

namespace eptdiff {

class Turns {
 public:
  // In 7 bits, as TableOperation::meanwhile has them for an operation beside
  // another one.
  struct Schedule {
    int store = 0;   // of the one, from 1 to 8: the other begins before it
    int access = 0;  // of the other, from 1 to 15: the one goes on before it,
                     // to its end; 0: the other runs to its end
    static constexpr Schedule Of(std::uint8_t bits) {
      return {1 + (bits & 7), bits >> 3 & 15};
    }
  };

  // Runs `one` here, and `other` as the schedule says, and returns when both
  // are over. False if `one` was over before the other was to begin: then that
  // has not begun, and will not.
  bool Run(const Schedule& schedule, const std::function<void()>& one,
           std::function<void()> other);
  bool running() const { return running_; }
  // `changed` is called at each change, by whom goes on; may be empty.
  void set_observer(std::function<void()> changed) {
    changed_ = std::move(changed);
  }

  // Whoever runs is about to load, or to store to, a word of a table in use.
  void BeforeLoad() { Access(); }
  void BeforeStore();
  // ... or waits for the other.
  void Pause();

  // Whose turn was over before its end, the last time: the one's, unless the
  // other's.
  bool other_was_stopped() const { return stopped_; }

 private:
  enum Thread : int { kOne, kOther };

  void Access();
  void PassTo(Thread to);
  void Await(Thread thread);
  void End(Thread thread);

  std::function<void()> changed_;
  std::function<void()> other_;
  std::mutex mutex_;
  std::condition_variable passed_;
  std::thread thread_;
  Schedule schedule_;
  bool running_ = false;
  // What follows belongs to whose turn it is.
  Thread turn_ = kOne;
  bool over_[2] = {};
  bool begun_ = false;    // the other
  bool stopped_ = false;  // likewise
  int stores_ = 0;        // of the one
  int accesses_ = 0;      // of the other
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_JUDGE_TURNS_H_
