// Generated cases about builders: the engine's breaks no rule, and each fault
// that is planted in it is noticed, by the rule that it breaks.
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "fuzzers/canonical.h"
#include "fuzzers/encoding.h"
#include "fuzzers/table_generation.h"
#include "oracle/builder/builder_trial.h"
#include "oracle/builder/engine_builder.h"
#include "oracle/builder/planted_builder.h"

namespace eptdiff {
namespace {

// Calls f(case) with generated cases and mutations of them.
template <typename F>
void ForEachCase(int count, F f) {
  Case c;
  for (int i = 0; i < count; ++i) {
    const auto seed = static_cast<std::uint64_t>(i);
    if (i % 4 == 0) {
      GenerateTableCase(seed, c);
    } else {
      MutateTableCase(seed, c);
    }
    f(c);
  }
}

TEST(TableTrialTest, TheEnginesBuilderBreaksNoRule) {
  BuilderTrial trial(std::make_unique<EngineBuilder>());
  int judged = 0;
  ForEachCase(4000, [&](const Case& c) {
    const BuilderStandings& standings = trial.Run(c);
    judged += static_cast<int>(standings.compared);
    ASSERT_FALSE(standings.finding.has_value())
        << standings.finding->sentence << " at step " << standings.step;
  });
  EXPECT_GT(judged, 16000);
}

TEST(TableTrialTest, EachPlantedFaultIsNoticed) {
  for (const BuilderFault& fault : AllBuilderFaults()) {
    BuilderTrial trial(PlantInBuilder(fault.name));
    std::map<std::string, int> found;
    ForEachCase(2000, [&](const Case& c) {
      const BuilderStandings& standings = trial.Run(c);
      if (standings.finding.has_value()) {
        ++found[SignatureOf("builder", *standings.finding)];
      }
    });
    EXPECT_FALSE(found.empty()) << fault.name;
    std::string all;
    for (const auto& [signature, count] : found) {
      all += signature + " " + std::to_string(count) + " ";
    }
    std::printf("%s: %s\n", std::string(fault.name).c_str(), all.c_str());
  }
}

}  // namespace
}  // namespace eptdiff
