// From libFuzzer's artifacts to regression cases: one for each cause.
//
// 1. Each artifact is decoded and put to the oracles, in a child process: a
//    crash or a hang is a result, too, with a signature (crash.h).
// 2. For each signature the smallest artifact is minimised. (What it was found
//    with is large; how often it was found does not matter.)
// 3. Findings of one oracle that have one cause (common_causes.h) are one: that
//    with the worst consequence is kept, or that of which there is a file, and
//    the others are named in it. Of a builder's one the cause is told as well.
// 4. The result is written as <signature>.textproto, with its explanation, in
//    place of a larger one of that name only.
// Thread-safety: only while the process has one thread.
#ifndef EPTDIFF_FUZZERS_COMMAND_FUZZ_TRIAGE_H_
#define EPTDIFF_FUZZERS_COMMAND_FUZZ_TRIAGE_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "fuzzers/command/panel/oracles.h"

namespace eptdiff {

struct TriagedSignature {
  std::string signature;
  std::vector<std::string> artifacts;  // that show it
  std::string file;                    // the regression case
  bool kept = false;                   // it was there, and no larger
  std::size_t records_before = 0;      // of the artifact
  std::size_t records = 0;             // of the regression case
  std::string explanation;             // of it
  // The signature that it has a cause in common with, whose file this is; "" if
  // it is by itself.
  std::string alike;
};

struct TriageResult {
  std::vector<TriagedSignature> signatures;  // in alphabetical order
  // Artifacts that could not be judged or minimised, and why.
  std::vector<std::pair<std::string, std::string>> crashes;
  // Artifacts on which nobody disagrees here, and those that are no case.
  std::vector<std::pair<std::string, std::string>> unreproduced;
};

// libFuzzer's artifacts in `directory`, by their names: crash-..., also after
// the name of a target, and what ClusterFuzz calls a testcase.
absl::StatusOr<std::vector<std::string>> ArtifactsIn(
    const std::string& directory);

// Writes into the directory `out`, which is made if it is not there. An error
// is one of writing; what was written before stays.
absl::StatusOr<TriageResult> Triage(const std::vector<std::string>& artifacts,
                                    const OracleOptions& options,
                                    const std::string& out);

// The result as people read it.
std::string TriageText(const TriageResult& result);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_FUZZ_TRIAGE_H_
