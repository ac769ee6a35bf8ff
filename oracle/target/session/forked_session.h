// A target in a child process that this one forks: a crash or a hang costs the
// child, and the next question goes to a new one.
//
// Questions and answers lie in shared memory. A batch of cases (Prepare())
// costs one change of processes; a single question costs one as well. The child
// meets each step of a prepared case in the state that its own answers have
// left, which is the state in which it would be asked: who stops listening to
// it does not look at what it says afterwards. If the target counts the edges
// of its code (edge_counters.h), so does the child, for prepared cases.
//
// Meanwhile this process looks at the child's memory, now and then: too much of
// it ends the child, and slow growth gets a new one between two batches. What a
// sanitizer finds comes back by its kind (sanitizer_fault.h).
// Thread-safety: thread-compatible; only in a process with one thread, since it
// forks.
#ifndef EPTDIFF_ORACLE_TARGET_SESSION_FORKED_SESSION_H_
#define EPTDIFF_ORACLE_TARGET_SESSION_FORKED_SESSION_H_

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "oracle/target/process/child_process.h"
#include "oracle/target/process/sanitizer_fault.h"
#include "oracle/target/session/direct_session.h"
#include "oracle/target/session/session.h"

namespace eptdiff {

struct ForkedMemory;

class ForkedSession final : public TargetSession {
 public:
  // Finds the functions, in the child; false, and why in `error`, if it cannot.
  using Loader = std::function<bool(TargetFunctions&, std::string& error)>;

  struct Options {
    // Without an answer for so long, and not for want of a processor, a target
    // hangs. Once it has, an eighth of it will do.
    std::chrono::milliseconds limit{2000};
    // So much more memory, in bytes, it may take than it had to begin with.
    // Once it has taken more, half of it will do.
    std::int64_t memory = kMemoryLimit;
  };

  // Null, with the reason in `error`, if the target cannot be loaded, or does
  // not live to describe itself, or describes nonsense.
  static std::unique_ptr<ForkedSession> Make(Loader loader,
                                             const Options& options,
                                             std::string& error);
  ~ForkedSession() override;

  const eptdiff_profile& profile() const override { return profile_; }
  void Enter(const MachineState& state, Reply& reply) override;
  void Perform(const MachineState& state, const Step& step,
               Reply& reply) override;
  void Prepare(std::span<const Case> cases) override;
  void Expect(const Case* c) override { expected_ = c; }
  void set_digresses(bool digresses) override { digresses_ = digresses; }
  void set_repeats(unsigned repeats) override { repeats_ = repeats; }
  std::string LastOutput() override;
  bool reached_new_edges() const override {
    return entered_ < prepared_.size() && news_[entered_];
  }
  EdgeCount edges() const override;

  std::chrono::nanoseconds waited() const override { return waited_; }
  unsigned leaks() const override { return leaks_; }

 private:
  explicit ForkedSession(Loader loader, const Options& options);
  bool Start(std::string& error);
  void Stop();
  [[noreturn]] void Serve(int socket);
  // Lets the child work off the request; what became of it if it did not.
  Incident Run();
  Incident Await();
  bool IsStuck(std::chrono::milliseconds waited, std::int64_t cpu_before) const;
  // The child has ended, or is to end for a reason: what became of it.
  Incident Bury(Incident killed_for);
  Incident Hangs() const;
  // Memory, in bytes.
  std::int64_t TakenSinceStart() const;
  void AskOne(const MachineState& state, const Step* step, Reply& reply);
  void SendPrepared();
  bool TakePrepared(Reply& reply);

  const Loader loader_;
  std::chrono::milliseconds limit_;
  ForkedMemory* const shared_;
  const int output_;  // the child's standard output and error
  FaultTexts faults_;
  eptdiff_profile profile_;
  unsigned repeats_ = 0;
  pid_t child_ = -1;
  int socket_ = -1;
  std::chrono::nanoseconds waited_{0};
  std::int64_t memory_at_start_ = 0;  // of the child
  std::int64_t memory_limit_;
  unsigned requests_ = 0;  // to it
  unsigned leaks_ = 0;

  std::span<const Case> prepared_;
  const Case* expected_ = nullptr;
  bool digresses_ = false;
  unsigned prepared_repeats_ = 0;
  std::size_t next_ = 0;  // of prepared_ that may be entered
  std::size_t answered_from_ =
      0;                         // the case that the shared replies begin with
  std::size_t answered_to_ = 0;  // those before it have been answered
  Incident cut_;                 // what ended the last answered one
  bool one_by_one_ = false;
  // The prepared case that was entered last; or none.
  std::size_t entered_ = std::size_t{0} - 1;
  std::vector<bool> news_;         // of prepared_: found new edges
  const Case* current_ = nullptr;  // the prepared case that was entered
  std::size_t step_ = 0;           // of it, that comes next
  std::uint32_t reply_ = 0;        // of it, that comes next
  const std::byte* at_ = nullptr;  // where that lies
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_TARGET_SESSION_FORKED_SESSION_H_
