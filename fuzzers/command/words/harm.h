// What a wrong answer does to those who rely on it: findings are ordered by it.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_WORDS_HARM_H_
#define EPTDIFF_FUZZERS_COMMAND_WORDS_HARM_H_

#include <cstdint>
#include <string_view>

#include "oracle/builder/builder_finding.h"
#include "oracle/judgement/judge.h"
#include "oracle/outcome.h"
#include "oracle/verdict.h"

namespace eptdiff {

// The worst first.
enum class Harm : std::uint8_t {
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
inline constexpr int kHarmCount = 12;

// Of an answer that was held against `expected` and differs from it.
Harm HarmOf(const Alternative& expected, const Outcome& given,
            const Disagreements& disagreements);
// Of a builder that breaks a rule.
Harm HarmOf(BuilderRule broken);

// "accesses get through that the SDM forbids".
std::string_view HarmWords(Harm harm);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_WORDS_HARM_H_
