#include "oracle/judgement/consequence.h"

#include <gtest/gtest.h>

namespace eptdiff {
namespace {

Consequence Of(EventKind expected, EventKind given, Field field) {
  Disagreements disagreements;
  Disagreement disagreement;
  disagreement.field = field;
  disagreements.push_back(disagreement);
  return ConsequenceOf(expected, given, disagreements);
}

TEST(ConsequenceTest, WhatFollowsFromAWrongAnswer) {
  using C = Consequence;
  constexpr auto kCompleted = EventKind::kCompleted;
  constexpr auto kExit = EventKind::kVmExit;
  EXPECT_EQ(Of(kExit, kCompleted, Field::kEvent), C::kReaches);
  EXPECT_EQ(Of(kCompleted, kExit, Field::kEvent), C::kRefuses);
  EXPECT_EQ(Of(kExit, kExit, Field::kExitReason), C::kOtherEvent);
  EXPECT_EQ(Of(kCompleted, kCompleted, Field::kAddress), C::kElsewhere);
  EXPECT_EQ(Of(kCompleted, kCompleted, Field::kMemoryType), C::kMemoryType);
  EXPECT_EQ(Of(kExit, kExit, Field::kQualification), C::kTellsWrong);
  EXPECT_EQ(Of(kExit, kExit, Field::kGpa), C::kTellsWrong);
  EXPECT_EQ(Of(kCompleted, kCompleted, Field::kMemory), C::kEffects);
  EXPECT_EQ(ConsequenceOf(kExit, kExit, Disagreements()), C::kUnknown);
}

}  // namespace
}  // namespace eptdiff
