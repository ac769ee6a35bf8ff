// How well a check names mistakes that no list has: each is planted alone, the
// walker or the builder that makes it is checked, and whoever planted it reads
// the report.
// Thread-safety: one thread.
#ifndef EPTDIFF_FUZZERS_COMMAND_MISTAKES_MEASURE_H_
#define EPTDIFF_FUZZERS_COMMAND_MISTAKES_MEASURE_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "fuzzers/command/mistakes/builder_mistake.h"
#include "fuzzers/command/mistakes/planted_mistake.h"

namespace eptdiff {

// What came of one mistake.
struct MistakeResult {
  std::uint64_t number = 0;
  std::string words;          // the mistake
  std::size_t findings = 0;   // departures and further ones; 0: not noticed
  std::size_t explained = 0;  // of them, by alterations or by experiment
  std::string headline;       // the first
  bool named = false;         // what was changed
  bool whole = false;         // and under which condition
  std::uint64_t cases = 0;    // disagreeing
  std::size_t questions = 0;  // that experiments asked
  double seconds = 0;
};

// Checks the walker that makes mistake `number`, with so many new cases, and as
// many seconds at most to conclude.
MistakeResult Measure(std::uint64_t number, std::uint64_t cases,
                      std::chrono::seconds conclude);

// The same of this one, which has no number.
MistakeResult MeasurePlanted(const PlantedMistake& mistake, std::uint64_t cases,
                             std::chrono::seconds conclude);

// The same of a mistake of builders (DrawBuilderMistake()).
MistakeResult MeasureBuilder(const BuilderMistake& mistake, std::uint64_t cases,
                             std::chrono::seconds conclude);

struct MistakeTotals {
  std::size_t planted = 0;
  std::size_t noticed = 0;
  std::size_t one = 0;    // of those noticed, told as one finding
  std::size_t three = 0;  // as at most three
  std::size_t named = 0;
  std::size_t whole = 0;
  std::size_t questions = 0;  // the median
};
MistakeTotals TotalsOf(const std::vector<MistakeResult>& results);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_MISTAKES_MEASURE_H_
