// Faults planted on purpose, to see that the whole chain finds them: an oracle
// that passes every question on and spoils some answers.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_TARGETS_PLANTED_H_
#define EPTDIFF_FUZZERS_TARGETS_PLANTED_H_

#include <memory>
#include <span>
#include <string_view>

#include "oracle/oracle.h"

namespace eptdiff {

struct PlantedFault {
  std::string_view name;   // "large-leaf-bit-12"
  std::string_view words;  // what an implementation with it does
};
std::span<const PlantedFault> AllPlantedFaults();

// `oracle`, under its own name, with the fault of this name, or with what the
// alterations of this name describe (FindDialect() in dialect.h:
// "GW-13/reserved-first"); null if there is neither.
std::unique_ptr<Oracle> Plant(std::string_view fault,
                              std::unique_ptr<Oracle> oracle);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_TARGETS_PLANTED_H_
