// Generated cases about builders: the engine's breaks no rule, and each fault
// that is planted in it is noticed, by the rule that it breaks.
#include <gtest/gtest.h>

#include <cstdint>
#include <iterator>
#include <memory>
#include <set>
#include <string_view>

#include "fuzzers/encoding/canonical.h"
#include "fuzzers/encoding/encoding.h"
#include "fuzzers/generation/table_generation.h"
#include "oracle/builder/judge/builder_trial.h"
#include "oracle/builder/judge/engine_builder.h"
#include "oracle/builder/planted/planted_builder.h"

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
  std::uint64_t judged = 0;
  ForEachCase(6000, [&](const Case& c) {
    const BuilderStandings& standings = trial.Run(c);
    judged += standings.compared;
    EXPECT_FALSE(standings.finding.has_value())
        << standings.finding->sentence << " at step " << standings.step;
  });
  EXPECT_GT(judged, 40'000u);
}

TEST(TableTrialTest, EachPlantedFaultIsNoticedByTheRuleThatItBreaks) {
  constexpr struct {
    std::string_view fault;
    BuilderRule rule;
  } kBroken[] = {
      {"builder-split-drops-permission", BuilderRule::kOldOrNew},
      {"builder-split-not-stored", BuilderRule::kMapsAsAsked},
      {"builder-unmap-clears-large-page", BuilderRule::kOldOrNew},
      {"builder-invept-missing-for-write", BuilderRule::kStaleRight},
      {"builder-invept-never", BuilderRule::kStaleTable},
      {"builder-freed-before-invept", BuilderRule::kFreedEarly},
      {"builder-freed-by-first-entry", BuilderRule::kOldOrNew},
      {"builder-linked-before-filled", BuilderRule::kEntry},
      {"builder-address-32-bits", BuilderRule::kOldOrNew},
      {"builder-protect-skips-large-pages", BuilderRule::kMapsAsAsked},
      {"builder-hole-ends-region", BuilderRule::kMapsAsAsked},
      {"builder-overlap-accepted", BuilderRule::kRefused},
      {"builder-refused-after-change", BuilderRule::kUntouched},
      {"builder-iteration-skips-last", BuilderRule::kIteration},
      {"builder-linked-twice", BuilderRule::kTree},
      {"builder-empty-table-stays", BuilderRule::kEmptyTable},
      {"builder-ignored-bits-lost", BuilderRule::kIgnoredBits},
      {"builder-unreported-store", BuilderRule::kReported},
      {"builder-store-after-free", BuilderRule::kOwnFrames},
      {"builder-end-keeps-root", BuilderRule::kLeak},
      {"builder-end-without-invept", BuilderRule::kInvept},
      {"builder-removed-skips-last", BuilderRule::kTakenOut},
      {"builder-removed-flags-early", BuilderRule::kTakenOut},
  };
  ASSERT_EQ(std::size(kBroken), AllBuilderFaults().size());
  for (const auto& [fault, rule] : kBroken) {
    BuilderTrial trial(PlantInBuilder(fault));
    std::set<BuilderRule> broken;
    ForEachCase(10'000, [&](const Case& c) {
      if (broken.contains(rule)) return;
      const BuilderStandings& standings = trial.Run(c);
      if (standings.finding.has_value()) broken.insert(standings.finding->rule);
    });
    EXPECT_TRUE(broken.contains(rule)) << fault;
  }
}

TEST(TableGenerationTest, CasesAreCanonicalAndOfBoundedLength) {
  Case other, child;
  GenerateTableCase(7, other);
  std::uint64_t seed = 0;
  ForEachCase(3000, [&](const Case& c) {
    ASSERT_TRUE(IsCanonical(c));
    ASSERT_LE(c.steps.size(), kMaxTableSteps);
    CrossOverTableCases(c, other, ++seed, child);
    ASSERT_TRUE(IsCanonical(child));
    ASSERT_LE(child.steps.size(), kMaxTableSteps);
    other = c;
  });
}

TEST(TableGenerationTest, ASeedIsTheSameCaseOnEveryMachine) {
  std::uint64_t hash = 0xcbf29ce484222325;
  ForEachCase(2000, [&](const Case& c) {
    for (const std::uint8_t byte : EncodeCase(c)) {
      hash = (hash ^ byte) * 0x100000001b3;
    }
  });
  EXPECT_EQ(hash, 498258909102019643u);
}

// Most operations are done, each kind of them, and what may happen in them
// happens; most accesses reach a page.
TEST(TableGenerationTest, TheMixIsAsIntended) {
  BuilderTrial trial(std::make_unique<EngineBuilder>());
  int operations = 0, done = 0, accesses = 0, reached = 0, stale = 0;
  std::set<TableOperationKind> kinds;
  std::set<TableError> errors;
  HappeningSet happenings = 0;
  trial.set_observer([&](const BuilderStepReport& report) {
    if (report.step == nullptr) return;
    if (report.verdict != nullptr) {
      ++accesses;
      reached += report.trace->reached_leaf ? 1 : 0;
      stale += report.stale > 0 ? 1 : 0;
      return;
    }
    ++operations;
    errors.insert(report.result.error);
    if (!report.result.ok()) return;
    ++done;
    kinds.insert(report.step->operation.kind);
    happenings |= report.happenings;
  });
  ForEachCase(4000, [&](const Case& c) { trial.Run(c); });
  EXPECT_GT(done * 100, operations * 50);
  EXPECT_LT(done * 100, operations * 95);
  EXPECT_GT(reached * 100, accesses * 35);
  EXPECT_GT(stale, 20);  // a right that was added, mostly
  EXPECT_EQ(kinds.size(), static_cast<std::size_t>(kTableOperationKindCount));
  EXPECT_EQ(happenings, (HappeningSet{1} << kHappeningCount) - 1);
  for (const TableError error :
       {TableError::kMisaligned, TableError::kOutOfRange, TableError::kOverlap,
        TableError::kNotMapped, TableError::kNoFrames, TableError::kUnsupported,
        TableError::kNoAccess, TableError::kMisconfigured}) {
    EXPECT_TRUE(errors.contains(error)) << TableErrorText(error);
  }
}

}  // namespace
}  // namespace eptdiff
