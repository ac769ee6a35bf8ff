// What the child of a ForkedSession runs: it answers requests until it is
// killed, or its parent is.
// Thread-safety: none; one in a process.
#ifndef EPTDIFF_ORACLE_TARGET_SESSION_FORKED_SERVER_H_
#define EPTDIFF_ORACLE_TARGET_SESSION_FORKED_SERVER_H_

#include "oracle/case.h"
#include "oracle/machine_state.h"
#include "oracle/target/object/edge_counters.h"
#include "oracle/target/process/channel.h"
#include "oracle/target/session/direct_session.h"
#include "oracle/target/session/forked_messages.h"
#include "oracle/target/session/session.h"

namespace eptdiff {

class ForkedServer {
 public:
  ForkedServer(ForkedMemory& shared, const TargetFunctions& functions);

  const eptdiff_profile& profile() const { return session_.profile(); }

  // Answers the request that lies in the memory.
  void Work();

 private:
  [[noreturn]] static void Endless();
  // Each whether there is more to ask in this case.
  bool Enter(ChannelWriter& out);
  bool Perform(const Step& step, ChannelWriter& out);
  bool Say(ChannelWriter& out);
  void Look();
  // False if there is no room for its replies; then it counts as not answered.
  bool AnswerCase(ChannelReader& in, ChannelWriter& out);
  bool IsModelled(const Step& step) const;

  static inline ForkedMemory* ending_ = nullptr;
  ForkedMemory& shared_;
  EdgeCounters& edges_ = EdgeCounters::Get();
  DirectSession session_;
  MachineState state_;
  Reply reply_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_TARGET_SESSION_FORKED_SERVER_H_
