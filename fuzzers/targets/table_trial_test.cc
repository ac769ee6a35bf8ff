// Generated cases about builders: the engine's breaks no rule, and each fault
// that is planted in it is noticed, by the rule that it breaks.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <iterator>
#include <memory>
#include <set>
#include <string_view>
#include <vector>

#include "fuzzers/encoding/canonical.h"
#include "fuzzers/encoding/encoding.h"
#include "fuzzers/generation/table_generation.h"
#include "fuzzers/generation/table_insertions.h"
#include "fuzzers/generation/table_steps.h"
#include "fuzzers/generation/table_views.h"
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
      {"builder-flags-raced", BuilderRule::kFlagsRaced},
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

// Nearly every case that has room has operations on several views, and one in
// three or more a processor that uses one after the other.
TEST(TableGenerationTest, CasesSpreadOverViews) {
  int cases = 0, on_several = 0, on_all = 0, changing = 0;
  std::uint64_t seed = 0;
  ForEachCase(2000, [&](const Case& made) {
    Random random(++seed);
    Case c = made;
    SpreadOverViews(random, {2, true}, c);
    ASSERT_TRUE(IsCanonical(c));
    ASSERT_LE(c.steps.size(), kMaxTableSteps);
    ++cases;
    std::set<std::uint8_t> views;
    std::set<std::uint32_t> used;
    for (const Step& step : c.steps) {
      if (step.kind == StepKind::kTableOperation) {
        views.insert(step.operation.view);
        ASSERT_TRUE(step.operation.view < 3 ||
                    step.operation.view == kAllViews);
      } else if (step.kind == StepKind::kEptpSwitch) {
        used.insert(step.index);
        ASSERT_LT(step.index, 3u);
      }
    }
    on_several += views.size() > 1;
    on_all += views.contains(kAllViews);
    changing += used.size() > 1;
  });
  EXPECT_GE(on_several, cases * 3 / 4);
  EXPECT_GE(on_all, cases / 2);
  EXPECT_GE(changing, cases / 2);
}

// ... and of those with a log some write in another view while it is on.
TEST(TableGenerationTest, WritesInSeveralViewsAreLogged) {
  int cases = 0, written = 0;
  std::uint64_t seed = 0;
  ForEachCase(2000, [&](const Case& made) {
    Random random(++seed);
    Case c = made;
    InsertLog(random, c);
    SpreadOverViews(random, {2, true}, c);
    ASSERT_TRUE(IsCanonical(c));
    ++cases;
    bool on = false, writes = false;
    std::array<std::uint32_t, kLogicalProcessors> views = {};
    for (const Step& step : c.steps) {
      if (step.kind == StepKind::kTableOperation) {
        on |= step.operation.kind == TableOperationKind::kLogOn;
      } else if (step.kind == StepKind::kEptpSwitch) {
        views[step.processor] = step.index;
      } else {
        writes |= on && views[step.processor] != 0 &&
                  step.access.kind == AccessKind::kWrite;
      }
    }
    written += writes;
  });
  EXPECT_GE(written, cases / 3);
}

TEST(TableGenerationTest, ASeedIsTheSameCaseOnEveryMachine) {
  std::uint64_t hash = 0xcbf29ce484222325;
  ForEachCase(2000, [&](const Case& c) {
    std::vector<std::uint8_t> bytes = EncodeCase(c);
    bytes[0] = 6;  // whatever the encoding's version is
    for (const std::uint8_t byte : bytes) {
      hash = (hash ^ byte) * 0x100000001b3;
    }
  });
  EXPECT_EQ(hash, 10409807144173986389u);
}

// What code keeps too few bits of shows where these are not 0: of pages, in
// entries that stay, of tables, and of the guest.
TEST(TableGenerationTest, AddressesAreDrawnOverTheWholeWidth) {
  constexpr int kCases = 8000;
  BuilderTrial trial(std::make_unique<EngineBuilder>());
  struct {
    int page_above_36, page_above_48, protected_above_48, table_above_36,
        table_above_48, gpa_above_39, gpa_above_48;
  } seen = {}, in_case;
  trial.set_observer([&](const BuilderStepReport& report) {
    if (report.step == nullptr || report.verdict != nullptr) return;
    if (!report.result.ok()) return;
    const TableOperation& operation = report.step->operation;
    in_case.gpa_above_39 |= operation.gpa.value >> 39 != 0 ? 1 : 0;
    in_case.gpa_above_48 |= operation.gpa.value >> 48 != 0 ? 1 : 0;
    for (const TableEvent& event : report.events) {
      if (event.kind != TableEvent::Kind::kStore || event.level == 0) continue;
      const std::uint64_t page = AddressIn(event.after);
      const bool stays = AddressIn(event.before) == page;
      const bool protects =
          operation.kind == TableOperationKind::kProtect ||
          operation.kind == TableOperationKind::kProtectRegion;
      in_case.page_above_36 |= page >> 36 != 0 ? 1 : 0;
      in_case.page_above_48 |= page >> 48 != 0 ? 1 : 0;
      in_case.protected_above_48 |=
          protects && stays && page >> 48 != 0 ? 1 : 0;
      in_case.table_above_36 |= event.address.value >> 36 != 0 ? 1 : 0;
      in_case.table_above_48 |= event.address.value >> 48 != 0 ? 1 : 0;
    }
  });
  ForEachCase(kCases, [&](const Case& c) {
    in_case = {};
    trial.Run(c);
    seen.page_above_36 += in_case.page_above_36;
    seen.page_above_48 += in_case.page_above_48;
    seen.protected_above_48 += in_case.protected_above_48;
    seen.table_above_36 += in_case.table_above_36;
    seen.table_above_48 += in_case.table_above_48;
    seen.gpa_above_39 += in_case.gpa_above_39;
    seen.gpa_above_48 += in_case.gpa_above_48;
  });
  EXPECT_GT(seen.page_above_36, kCases / 5);
  EXPECT_GT(seen.page_above_48, kCases / 40);
  EXPECT_GT(seen.protected_above_48, kCases / 200);
  EXPECT_GT(seen.table_above_36, kCases / 10);
  EXPECT_GT(seen.table_above_48, kCases / 50);
  EXPECT_GT(seen.gpa_above_39, kCases / 5);
  EXPECT_GT(seen.gpa_above_48, kCases / 100);
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
  EXPECT_EQ(kinds.size(), static_cast<std::size_t>(TableOperationKind::kLogOn));
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
