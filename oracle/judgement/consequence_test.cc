#include "oracle/judgement/consequence.h"

#include <gtest/gtest.h>

#include <cstdint>

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

TEST(ConsequenceTest, WhichProtectionFallsIsThatWhichWouldHaveRefused) {
  const auto falls = [](EventKind kind, std::uint16_t reason,
                        AccessKind access) {
    Event expected;
    expected.kind = kind;
    expected.exit_reason = reason;
    return ProtectionThatFalls(expected, access);
  };
  using P = Protection;
  constexpr auto kExit = EventKind::kVmExit;
  EXPECT_EQ(falls(kExit, 48, AccessKind::kWrite), P::kEptWrite);
  EXPECT_EQ(falls(kExit, 49, AccessKind::kRead), P::kEptRead);
  EXPECT_EQ(falls(kExit, 66, AccessKind::kReadModifyWrite), P::kEptWrite);
  EXPECT_EQ(falls(EventKind::kVirtualizationException, 48, AccessKind::kFetch),
            P::kEptFetch);
  // An exception that exits is the guest's all the same.
  EXPECT_EQ(falls(kExit, 0, AccessKind::kFetch), P::kGuestFetch);
  EXPECT_EQ(falls(EventKind::kPageFault, 0, AccessKind::kShadowStackRead),
            P::kGuestRead);
  // The log is full, and an entry that fails: neither protects.
  EXPECT_EQ(falls(kExit, 62, AccessKind::kWrite), P::kNone);
  EXPECT_EQ(falls(EventKind::kVmEntryFailure, 0, AccessKind::kRead), P::kNone);
}

}  // namespace
}  // namespace eptdiff
