// The engine's builder with faults in it, of the kinds that hypervisors have:
// what fuzzing has to find.
//
// This folder uses the engine's builder, through judge/engine_builder.h, and
// knows nothing of how it is judged. Begin with planted_builder.cc.
//
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_BUILDER_PLANTED_PLANTED_BUILDER_H_
#define EPTDIFF_ORACLE_BUILDER_PLANTED_PLANTED_BUILDER_H_

#include <memory>
#include <span>
#include <string_view>

#include "oracle/builder/builder_under_test.h"

namespace eptdiff {

struct BuilderFault {
  std::string_view name;   // "builder-split-drops-permission"
  std::string_view words;  // what is wrong, in a sentence
};

// In a fixed order.
std::span<const BuilderFault> AllBuilderFaults();

// A fault, or several with commas between them; null if there is no such fault.
std::unique_ptr<BuilderUnderTest> PlantInBuilder(std::string_view faults);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_PLANTED_PLANTED_BUILDER_H_
