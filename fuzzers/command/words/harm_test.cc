#include "fuzzers/command/words/harm.h"

#include <set>
#include <string_view>

#include "gtest/gtest.h"

namespace eptdiff {
namespace {

Harm Of(EventKind expected, EventKind given, Field field) {
  Alternative alternative;
  alternative.event.kind = expected;
  Outcome outcome;
  outcome.event.kind = given;
  Disagreements disagreements;
  Disagreement disagreement;
  disagreement.field = field;
  disagreements.push_back(disagreement);
  return HarmOf(alternative, outcome, disagreements);
}

TEST(HarmTest, WhatFollowsFromAWrongAnswer) {
  constexpr auto kCompleted = EventKind::kCompleted;
  constexpr auto kExit = EventKind::kVmExit;
  EXPECT_EQ(Of(kExit, kCompleted, Field::kEvent), Harm::kReaches);
  EXPECT_EQ(Of(kCompleted, kExit, Field::kEvent), Harm::kRefuses);
  EXPECT_EQ(Of(kExit, kExit, Field::kExitReason), Harm::kOtherEvent);
  EXPECT_EQ(Of(kCompleted, kCompleted, Field::kAddress), Harm::kElsewhere);
  EXPECT_EQ(Of(kCompleted, kCompleted, Field::kMemoryType), Harm::kMemoryType);
  EXPECT_EQ(Of(kExit, kExit, Field::kQualification), Harm::kTellsWrong);
  EXPECT_EQ(Of(kExit, kExit, Field::kGpa), Harm::kTellsWrong);
  EXPECT_EQ(Of(kCompleted, kCompleted, Field::kMemory), Harm::kEffects);
  EXPECT_EQ(HarmOf(Alternative(), Outcome(), Disagreements()), Harm::kUnknown);
}

TEST(HarmTest, WhatFollowsFromABuildersMistake) {
  EXPECT_EQ(HarmOf(BuilderRule::kMapsAsAsked), Harm::kMapping);
  EXPECT_EQ(HarmOf(BuilderRule::kInvept), Harm::kStale);
  EXPECT_EQ(HarmOf(BuilderRule::kStaleRight), Harm::kStale);
  EXPECT_EQ(HarmOf(BuilderRule::kInveptNeeded), Harm::kBookkeeping);
}

TEST(HarmTest, EachHasItsWords) {
  std::set<std::string_view> words;
  for (int i = 0; i < kHarmCount; ++i) {
    words.insert(HarmWords(static_cast<Harm>(i)));
  }
  EXPECT_EQ(words.size(), static_cast<std::size_t>(kHarmCount));
  EXPECT_FALSE(words.contains(""));
}

}  // namespace
}  // namespace eptdiff
