#include "oracle/judgement/stale_use.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "oracle/judgement/dialect_oracle.h"
#include "oracle/judgement/trial.h"
#include "oracle/reference/dialects/known_dialects.h"
#include "oracle/reference/witnesses/cache_scenes.h"
#include "oracle/reference/witnesses/case_builder.h"
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// What becomes in `c` of whoever departs as `alteration` and keeps what it may.
Standings StandingsOf(std::string_view alteration, const Case& c) {
  DialectOracle oracle{*FindDialect(alteration), Manner::kKept};
  Trial trial;
  trial.Add(oracle, Dialect());
  return trial.Run(c)[0];
}

// What it uses too long; it disagrees.
std::optional<StaleUse> StaleUseIn(const Case& c, const Standings& standings) {
  return FindStaleUse(*standings.before, c.steps[standings.step - 1],
                      standings.outcome, kAllFields);
}

TEST(StaleUseTest, TellsTheEntryTheStoreAndTheInvalidation) {
  const Case c = Moved().Invept(1, kEptp).Read(0x1234).Build();
  const Standings standings = StandingsOf("CACHE-6/single-ends-nothing", c);
  ASSERT_TRUE(standings.disagrees);
  EXPECT_EQ(standings.step, 4u);
  const auto use = StaleUseIn(c, standings);
  ASSERT_TRUE(use.has_value());
  EXPECT_THAT(use->entries,
              ElementsAre(KeptEntry{
                  {Structure::kEpt, 1, 0, Hpa{0x4008}, 0x9037}, 0xa037, 2}));
  EXPECT_THAT(use->ends, ElementsAre(KeptEnd{3, Rule::kCache6}));
  EXPECT_THAT(use->never, IsEmpty());
}

// What was memory's before the first of two invalidations, neither of which
// ended it.
TEST(StaleUseTest, TellsEachStepThatWouldHaveDone) {
  const Case c = Moved()
                     .Invept(1, kEptp)
                     .Store(0x4008, 0xb037)
                     .Invept(2, 0)
                     .Read(0x1234)
                     .Build();
  Standings standings = StandingsOf("CACHE-6/all-ends-nothing", c);
  ASSERT_TRUE(standings.disagrees);
  standings.outcome.event.translations[0].address.value = 0x9234;
  const auto use = StaleUseIn(c, standings);
  ASSERT_TRUE(use.has_value());
  ASSERT_EQ(use->entries.size(), 1u);
  EXPECT_EQ(use->entries[0].until, 2u);
  EXPECT_THAT(use->ends, ElementsAre(KeptEnd{3, Rule::kCache6},
                                     KeptEnd{5, Rule::kCache6}));
}

TEST(StaleUseTest, WhatIsNotStaleHasNone) {
  DialectOracle oracle{Dialect(), Manner::kKept};
  const Case c = Reads().Build();
  MachineState state;
  state.records_history = true;
  state.Load(c);
  Outcome outcome;
  ASSERT_EQ(oracle.Perform(state, c.steps[0], outcome), Skip::kNone);
  // An address that no entry ever held.
  outcome.event.translations[0].address.value = 0xc234;
  EXPECT_FALSE(
      FindStaleUse(state, c.steps[0], outcome, kAllFields).has_value());
}

TEST(StaleUseTest, PastValuesAndWhatEndedThem) {
  // The PTE's first value ended; of its second there may be something left.
  const Case c =
      Moved().Invept(1, kEptp).Store(0x4008, 0xb037).Read(0x1234).Build();
  Trial trial;
  DialectOracle keeper{Dialect(), Manner::kKept};
  trial.Add(keeper, Dialect());
  std::vector<PastValue> values;
  trial.set_observer([&](const StepReport& report) {
    if (report.step != 5) return;
    values = PastValuesOf(report.before, c.steps[4], report.trace);
  });
  trial.Run(c);
  ASSERT_EQ(values.size(), 2u);
  EXPECT_EQ(values[0].entry.entry.value, 0x9037u);
  EXPECT_EQ(values[0].entry.until, 2u);
  EXPECT_THAT(values[0].ends, ElementsAre(KeptEnd{3, Rule::kCache6}));
  EXPECT_EQ(values[1].entry.entry.value, 0xa037u);
  EXPECT_EQ(values[1].entry.until, 4u);
  EXPECT_TRUE(values[1].usable());
}

// Of a value that memory had twice, the last time counts.
TEST(StaleUseTest, AValueThatCameAgain) {
  const Case c = Moved()
                     .Store(0x4008, 0x9037)
                     .Store(0x4008, 0xb037)
                     .Invept(1, kEptp)
                     .Read(0x1234)
                     .Build();
  Standings standings = StandingsOf("CACHE-6/single-ends-nothing", c);
  ASSERT_TRUE(standings.disagrees);
  standings.outcome.event.translations[0].address.value = 0x9234;
  const auto use = StaleUseIn(c, standings);
  ASSERT_TRUE(use.has_value());
  ASSERT_EQ(use->entries.size(), 1u);
  EXPECT_EQ(use->entries[0].until, 4u);
}

// What both pages of an access read is told once.
TEST(StaleUseTest, PastValuesOfBothPages) {
  const Case c = Walk4()
                     .Word(0x4010, 0xd037)
                     .Read(0x1234)
                     .Store(0x3000, 0x4027)
                     .Read(0x1ffc, 8)
                     .Build();
  Trial trial;
  DialectOracle keeper{Dialect(), Manner::kKept};
  trial.Add(keeper, Dialect());
  std::vector<PastValue> values;
  trial.set_observer([&](const StepReport& report) {
    if (report.step != 3) return;
    values = PastValuesOf(report.before, c.steps[2], report.trace);
  });
  trial.Run(c);
  ASSERT_EQ(values.size(), 1u);
  EXPECT_EQ(values[0].entry.entry.level, 2);
  EXPECT_TRUE(values[0].usable());
}

// Each alteration that keeps more than the SDM lets be kept, on its witnesses:
// its own rule is what is named.
class StaleUseByTest : public testing::TestWithParam<std::string_view> {};

std::vector<std::string_view> ThoseThatKeepMore() {
  std::vector<std::string_view> names;
  for (const Alteration& alteration : AllAlterations()) {
    const std::string_view name = alteration.name;
    const bool keeps_more =
        name.starts_with("CACHE-") &&
        (name.ends_with("ends-nothing") || name.ends_with("not-ended") ||
         name.ends_with("-kept") || name.ends_with("-ignored") ||
         name.find("-leaves-") != name.npos ||
         name.ends_with("one-part-of-a-large-page"));
    if (keeps_more) names.push_back(name);
  }
  return names;
}

TEST_P(StaleUseByTest, ItsRuleIsNamed) {
  const Rule rule = InfoOf(FindAlteration(GetParam())->slot).rule;
  std::size_t named = 0;
  for (const NamedCase& witness : Witnesses()) {
    const bool told = std::find(witness.tells.begin(), witness.tells.end(),
                                GetParam()) != witness.tells.end();
    if (!told || !witness.keeps()) continue;
    SCOPED_TRACE(witness.name);
    const Standings standings = StandingsOf(GetParam(), witness.c);
    if (!standings.disagrees) continue;  // it kept, and did not use it
    const auto use = StaleUseIn(witness.c, standings);
    ASSERT_TRUE(use.has_value());
    EXPECT_FALSE(use->ends.empty() && use->never.empty());
    for (const KeptEnd& end : use->ends) EXPECT_EQ(end.rule, rule);
    for (const Rule never : use->never) EXPECT_EQ(never, rule);
    ++named;
  }
  EXPECT_GT(named, 0u);
}

INSTANTIATE_TEST_SUITE_P(All, StaleUseByTest,
                         testing::ValuesIn(ThoseThatKeepMore()),
                         [](const auto& info) {
                           std::string name(info.param);
                           std::replace_if(
                               name.begin(), name.end(),
                               [](char c) { return !std::isalnum(c); }, '_');
                           return name;
                         });

}  // namespace
}  // namespace eptdiff
