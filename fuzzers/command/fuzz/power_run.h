// Runs the power targets (fuzzers/power/power_fuzzer.cc) and reads what they
// noticed.
//
// The fuzzers are three, one for EPT alone, one for linear accesses and one for
// caches, and share the machine as they do in `eptdiff fuzz`: an alteration
// costs what all have done when the first of them notices it, three times the
// executions of that one.
// Thread-safety: as Worker.
#ifndef EPTDIFF_FUZZERS_COMMAND_FUZZ_POWER_RUN_H_
#define EPTDIFF_FUZZERS_COMMAND_FUZZ_POWER_RUN_H_

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace eptdiff {

// When an alteration was noticed: after so many executions and seconds.
struct Noticed {
  std::uint64_t executions = 0;
  double seconds = 0;
};

// What became of one way to fuzz.
struct PowerResult {
  std::map<std::string, Noticed> noticed;  // by the name of the alteration
  std::uint64_t cap = 0;                   // executions, of all its targets
  std::uint64_t executions = 0;            // that were used
  double seconds = 0;
};

struct PowerOptions {
  std::string targets = "build/release/fuzzers";  // the folder
  std::string out = "build/power";                // results and logs
  std::uint64_t runs = 5'000'000;                 // executions
  std::uint64_t baseline_runs = 1'000'000;
  std::uint64_t seed = 1;
};

struct PowerResults {
  PowerResult structured;
  PowerResult baseline;
};

// Both ways, each from an empty corpus. kNotFound for a target that was not
// built, kCancelled if a signal came.
absl::StatusOr<PowerResults> RunPower(const PowerOptions& options);

// A target's file: lines "NAME EXECUTIONS SECONDS", "all" for the whole run.
// kDataLoss if it is not whole.
absl::StatusOr<PowerResult> ParsePowerFile(absl::string_view text);

// Of targets that run side by side, with equal shares.
PowerResult Together(std::span<const PowerResult> targets);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_FUZZ_POWER_RUN_H_
