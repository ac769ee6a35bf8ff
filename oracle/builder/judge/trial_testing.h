// What tests put to a BuilderTrial, and what they ask of it.
// Thread-safety: pure functions.
#ifndef EPTDIFF_ORACLE_BUILDER_JUDGE_TRIAL_TESTING_H_
#define EPTDIFF_ORACLE_BUILDER_JUDGE_TRIAL_TESTING_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "oracle/builder/builder_finding.h"
#include "oracle/builder/builder_under_test.h"
#include "oracle/builder/judge/builder_trial.h"
#include "oracle/builder/waivers.h"
#include "oracle/case.h"

namespace eptdiff {

inline constexpr std::uint64_t kAll = 0x37;  // read, write, execute; WB
inline constexpr std::uint64_t kNoWrite = 0x35;
inline constexpr std::uint64_t kFlags = 0x10005e;  // EPTP: accessed and dirty

// "leak at step 2": what `builder` is found out by; "" if it is not.
inline std::string Found(const Case& c,
                         std::unique_ptr<BuilderUnderTest> builder,
                         WaiverSet allowed = 0,
                         BuilderStandings* all = nullptr) {
  BuilderTrial trial(std::move(builder));
  trial.Allow(allowed);
  const BuilderStandings& standings = trial.Run(c);
  if (all != nullptr) *all = standings;
  if (!standings.finding.has_value()) return "";
  return std::string(NameOf(standings.finding->rule)) + " at step " +
         std::to_string(standings.step);
}

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_JUDGE_TRIAL_TESTING_H_
