// A target in this process: its functions are called. If it crashes, so does
// the process.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_TARGET_DIRECT_SESSION_H_
#define EPTDIFF_ORACLE_TARGET_DIRECT_SESSION_H_

#include "oracle/target/guarded_memory.h"
#include "oracle/target/session.h"

namespace eptdiff {

// The functions of eptdiff_target.h, found by whatever means.
struct TargetFunctions {
  decltype(&eptdiff_target_describe) describe = nullptr;
  decltype(&eptdiff_target_answer) answer = nullptr;
  decltype(&eptdiff_target_enter) enter = nullptr;  // may be null
};

class DirectSession final : public TargetSession {
 public:
  // `endless` is called where a step takes more than
  // GuardedMemory::kMaxCallbacks loads and stores; it does not return.
  DirectSession(const TargetFunctions& functions,
                GuardedMemory::Endless endless);

  const eptdiff_profile& profile() const override { return profile_; }
  void Enter(const MachineState& state, Reply& reply) override;
  void Perform(const MachineState& state, const Step& step,
               Reply& reply) override;
  void set_repeats(unsigned repeats) override { repeats_ = repeats; }

 private:
  using Function = decltype(TargetFunctions::answer);

  void Ask(const MachineState& state, const Step* step, Reply& reply);
  void AskOnce(Function function, const MachineState& state, const Step* step,
               Reply& reply);

  const TargetFunctions functions_;
  eptdiff_profile profile_;
  unsigned repeats_ = 0;
  GuardedMemory memory_;
  eptdiff_question question_;  // the machine's part is that of the last state
  Reply again_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_TARGET_DIRECT_SESSION_H_
