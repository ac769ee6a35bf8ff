// A target in this process: its functions are called. If it crashes, so does
// the process.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_TARGET_SESSION_DIRECT_SESSION_H_
#define EPTDIFF_ORACLE_TARGET_SESSION_DIRECT_SESSION_H_

#include "oracle/target/process/guarded_memory.h"
#include "oracle/target/session/session.h"

namespace eptdiff {

// The functions of eptdiff_target.h, found by whatever means.
struct TargetFunctions {
  decltype(&eptdiff_target_describe) describe = nullptr;
  decltype(&eptdiff_target_answer) answer = nullptr;
  decltype(&eptdiff_target_enter) enter = nullptr;  // may be null
};

class DirectSession final : public DirectlyAsked {
 public:
  // `endless` is called where a step takes more than
  // GuardedMemory::kMaxCallbacks loads and stores; it does not return.
  DirectSession(const TargetFunctions& functions,
                GuardedMemory::Endless endless);

  const eptdiff_profile& profile() const override { return profile_; }

 private:
  bool HearsEntry() const override { return functions_.enter != nullptr; }
  void AskOnce(const MachineState& state, const Step* step,
               Reply& reply) override;

  const TargetFunctions functions_;
  eptdiff_profile profile_;
  GuardedMemory memory_;
  eptdiff_question question_;  // the machine's part is that of the last state
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_TARGET_SESSION_DIRECT_SESSION_H_
