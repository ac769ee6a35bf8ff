// What a wrong answer does to those who rely on it: findings are ordered by it.
// Thread-safety: pure functions.
#ifndef EPTDIFF_ORACLE_JUDGEMENT_CONSEQUENCE_H_
#define EPTDIFF_ORACLE_JUDGEMENT_CONSEQUENCE_H_

#include <cstddef>
#include <cstdint>

#include "oracle/case.h"
#include "oracle/judgement/judge.h"
#include "oracle/outcome.h"

namespace eptdiff {

// The worst first.
enum class Consequence : std::uint8_t {
  kNoAnswer,    // it crashes, hangs, writes where it must not
  kReaches,     // an access completes that the SDM has fail
  kStale,       // what was taken away stays usable
  kElsewhere,   // an access reaches another address
  kRefuses,     // an access fails that the SDM has complete
  kOtherEvent,  // it fails otherwise
  kMemoryType,
  kTellsWrong,   // the event is right, and what is told of it is not
  kEffects,      // flags, the log, registers, other memory
  kMapping,      // of a builder: the tables are not what was asked for
  kBookkeeping,  // of a builder: frames, INVEPT without need, reports
  kUnknown,      // no case shows it any more
};
inline constexpr std::size_t kConsequenceCount = 12;

// What an access gets past that the SDM has fail: whose protection, and against
// which accesses. The worst first.
enum class Protection : std::uint8_t {
  kEptWrite,
  kEptFetch,
  kEptRead,
  kGuestWrite,
  kGuestFetch,
  kGuestRead,
  kNone,  // no such protection: VM entry, what is only told to software
};
inline constexpr std::size_t kProtectionCount = 6;

// What an access of this kind, which completes, gets past where the SDM has it
// end so.
Protection ProtectionThatFalls(const Event& expected, AccessKind kind);

// Of an answer that was held against an alternative with the event `expected`,
// and differs from it.
Consequence ConsequenceOf(EventKind expected, EventKind given,
                          const Disagreements& disagreements);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_JUDGEMENT_CONSEQUENCE_H_
