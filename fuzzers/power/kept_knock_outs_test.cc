#include "fuzzers/power/kept_knock_outs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "oracle/engine/engine_cache_oracle.h"
#include "oracle/judgement/dialect_oracle.h"
#include "oracle/judgement/trial.h"
#include "oracle/reference/witnesses/case_builder.h"
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

// What shows in `c`, by name.
std::vector<std::string> Shown(const Case& c) {
  const std::vector<Alteration> alterations = AlterationsOfCaches();
  KeptKnockOuts knock_outs(alterations);
  std::vector<std::string> shown;
  for (const std::size_t i : knock_outs.Run(c)) {
    shown.emplace_back(alterations[i].name);
  }
  EXPECT_EQ(knock_outs.remaining(), alterations.size() - shown.size());
  EXPECT_TRUE(knock_outs.Run(c).empty()) << "it showed already";
  return shown;
}

bool Has(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

TEST(KeptKnockOutsTest, WhoKeepsMoreIsJudgedByTheSdm) {
  const auto shown = Shown(Walk4()
                               .Read(0x1234)
                               .Store(0x4008, 0xa037)
                               .Invept(2)
                               .Read(0x1234)
                               .Build());
  EXPECT_TRUE(Has(shown, "CACHE-6/all-ends-nothing"));
  EXPECT_FALSE(Has(shown, "CACHE-6/single-ends-nothing"));
  EXPECT_FALSE(Has(shown, "CACHE-3/never"));
}

// The engine uses what it has kept.
TEST(KeptKnockOutsTest, ByTheReferenceThatLetsLessBeKeptTheEngineIsJudged) {
  const auto shown =
      Shown(Walk4().Read(0x1234).Store(0x4008, 0xa037).Read(0x1234).Build());
  EXPECT_TRUE(Has(shown, "CACHE-3/never"));
  EXPECT_FALSE(Has(shown, "CACHE-6/all-ends-nothing"));
}

// The engine never refuses by what it has kept, and keeps no sub-page
// permissions; others may.
TEST(KeptKnockOutsTest, SomebodyWhoKeepsAllIsJudgedLikewise) {
  const auto right_added = Shown(Walk4()
                                     .Pte(0x9031)
                                     .Read(0x1234)
                                     .Store(0x4008, 0x9037)
                                     .Write(0x1234)
                                     .Build());
  EXPECT_TRUE(Has(right_added, "CACHE-9/never"));
  EXPECT_FALSE(Has(right_added, "CACHE-15/never"));
}

// So that whatever is not noticed was not asked about.
TEST(KeptKnockOutsTest, EachShowsInAWitness) {
  const std::vector<Alteration> alterations = AlterationsOfCaches();
  KeptKnockOuts knock_outs(alterations);
  std::set<std::string_view> shown;
  for (const NamedCase& witness : Witnesses()) {
    if (!witness.name.starts_with("cache-")) continue;
    for (const std::size_t i : knock_outs.Run(witness.c)) {
      shown.insert(alterations[i].name);
    }
  }
  for (const Alteration& alteration : alterations) {
    EXPECT_TRUE(shown.contains(alteration.name)) << alteration.name;
  }
}

TEST(KeptKnockOutsTest, NothingShowsWhereNothingChanges) {
  EXPECT_TRUE(Shown(Walk4().Read(0x1234).Read(0x1234).Build()).empty());
}

// What does not matter to a case is not tried: nothing of it would have shown.
TEST(KeptKnockOutsTest, WhatIsNotTriedDoesNotShow) {
  const std::vector<Alteration> alterations = AlterationsOfCaches();
  EngineCacheOracle engine;
  DialectOracle keeps_all(Dialect(), Manner::kKept);
  std::size_t shown_at_all = 0;
  std::size_t cases = 0;
  for (const NamedCase& witness : Witnesses()) {
    if (!witness.name.starts_with("cache-") || ++cases % 4 != 0) continue;
    SCOPED_TRACE(std::string(witness.name));
    const std::vector<std::string> shown = Shown(witness.c);
    shown_at_all += shown.size();
    for (const Alteration& alteration : alterations) {
      DialectOracle keeper(Dialect().With(alteration), Manner::kKept);
      Trial more;
      more.Add(keeper, Dialect());
      Trial less;
      less.Add(engine, Dialect().With(alteration));
      less.Add(keeps_all, Dialect().With(alteration));
      const auto& standings = less.Run(witness.c);
      EXPECT_EQ(Has(shown, alteration.name), more.Run(witness.c)[0].disagrees ||
                                                 standings[0].disagrees ||
                                                 standings[1].disagrees)
          << alteration.name;
    }
  }
  EXPECT_GT(cases, 80u);
  EXPECT_GT(shown_at_all, 20u);
}

}  // namespace
}  // namespace eptdiff
