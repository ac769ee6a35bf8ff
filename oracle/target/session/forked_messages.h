// What ForkedSession and the child that it forks say to each other: requests
// and replies in memory that both see. Thread-safety: none; the two take turns,
// by a socket. What is atomic is looked at meanwhile, or was being written when
// the child died.
#ifndef EPTDIFF_ORACLE_TARGET_SESSION_FORKED_MESSAGES_H_
#define EPTDIFF_ORACLE_TARGET_SESSION_FORKED_MESSAGES_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "oracle/case.h"
#include "oracle/machine_state.h"
#include "oracle/target/eptdiff_target.h"
#include "oracle/target/object/edge_counters.h"
#include "oracle/target/process/channel.h"
#include "oracle/target/process/sanitizer_fault.h"
#include "oracle/target/session/session.h"

namespace eptdiff {

inline constexpr std::size_t kMaxPrepared = 256;
inline constexpr std::size_t kRequestBytes = 4 << 20;
// The largest case has as many replies as steps.
inline constexpr std::size_t kReplyBytes = 8 << 20;

// What a request asks for.
enum class Wanted : std::uint32_t { kEntry, kStep, kCases };

// What both processes see.
struct ForkedMemory {
  std::atomic<std::uint64_t> progress;      // questions begun
  std::atomic<std::uint32_t> cases;         // answered, or cut short
  std::atomic<std::uint32_t> replies;       // of the case after those
  std::atomic<bool> endless;                // a step makes too many callbacks
  bool unplugged;                           // the socket is gone
  std::uint32_t offsets[kMaxPrepared + 1];  // of the replies of each case
  std::uint32_t counts[kMaxPrepared];       // how many replies it has
  bool news[kMaxPrepared];                  // whether it found new edges
  bool loaded;
  FaultReport fault;
  eptdiff_profile profile;
  char error[1024];
  Wanted wanted;
  std::uint32_t repeats;
  std::uint32_t requested;  // kCases: how many
  alignas(64) std::byte request[kRequestBytes];
  alignas(64) std::byte reply[kReplyBytes];
  EdgeMap edges;
};

// Both ends' ways with requests and replies. A request is the state that is
// entered, then the step, or cases; a reply is one of session.h.
void PutState(const MachineState& state, ChannelWriter& out);
void PutCase(const Case& c, ChannelWriter& out);
// Either, up to the steps of a case.
void GetState(ChannelReader& in, MachineState& state);

void PutReply(const Reply& reply, ChannelWriter& out);
void GetReply(ChannelReader& in, Reply& reply);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_TARGET_SESSION_FORKED_MESSAGES_H_
