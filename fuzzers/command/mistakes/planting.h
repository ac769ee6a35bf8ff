// Where mistakes can be planted in the example walker, and the walker that
// makes one. Thread-safety: one thread; one mistake is planted at a time.
#ifndef EPTDIFF_FUZZERS_COMMAND_MISTAKES_PLANTING_H_
#define EPTDIFF_FUZZERS_COMMAND_MISTAKES_PLANTING_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fuzzers/command/mistakes/planted_mistake.h"
#include "oracle/target/eptdiff_target.h"
#include "oracle/target/session/session.h"

namespace eptdiff {

// PlantedMistake::other of a bit that is taken for 1.
inline constexpr std::uint64_t kTakenForOne = ~std::uint64_t{0};

// A place where the walker names a bit.
struct Site {
  std::string name;
  std::string function;
  std::uint64_t bits = 0;
};

// Those that some of many questions comes by.
const std::map<int, Site>& NamedSites();

// The machine's words that a mistake may be about.
struct MachineWord {
  const char* words;  // as a headline names it, a regular expression
  std::uint64_t (*get)(const eptdiff_question&);
  void (*set)(eptdiff_question&, std::uint64_t);
  std::vector<unsigned> bits;
};
const std::vector<MachineWord>& MachineWords();

// Parts of an answer that a mistake may be about.
enum AnswerPart : unsigned {
  kQualificationBit,
  kGpaOffset,
  kGlaLost,
  kMemoryType,
  kPageShift,
  kReason,
  kPmlIndex,
  kAnswerParts,
};

// The walker that makes the mistake, or none; in this process.
std::unique_ptr<TargetSession> PlantedWalker(const PlantedMistake* mistake);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_MISTAKES_PLANTING_H_
