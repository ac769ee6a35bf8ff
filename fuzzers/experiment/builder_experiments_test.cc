// Experiments on what a builder would answer: the condition that is found out
// is the one by which it goes wrong.
#include "fuzzers/experiment/builder_experiments.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "fuzzers/entries/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr std::uint64_t kIgnorePat = 1 << 6;

Symptom SymptomOf(const TableOperation& operation) {
  return Symptom()
      .With(Feature::kMistake, Mistake::kBits)
      .With(Feature::kDetail, PageBits::kWriteLost)
      .With(Feature::kWork, WorkOf(operation.kind))
      .With(Feature::kRegion, IsForRegion(operation.kind));
}

Circumstances CircumstancesOf(const Case& c, const TableOperation& operation) {
  Circumstances at;
  at[CircumstanceWord::kFlags] = operation.flags;
  at[CircumstanceWord::kHpa] = operation.hpa.value;
  at[CircumstanceWord::kGpa] = operation.gpa.value;
  at[CircumstanceWord::kSecondary] = c.controls.secondary;
  at[CircumstanceWord::kPage] = operation.flags | operation.hpa.value;
  return at;
}

using GoesWrong = std::function<bool(const Case&, const TableOperation&)>;

// A builder that goes wrong in the first operation of which this holds.
AskBuilder BuilderThat(const GoesWrong& goes_wrong) {
  return [=](std::span<const Case> cases, Mistake) {
    std::vector<BuilderAnswer> answers;
    for (const Case& c : cases) {
      BuilderAnswer& answer = answers.emplace_back();
      for (const Step& step : c.steps) {
        const TableOperation& operation = step.operation;
        const Symptom symptom = SymptomOf(operation);
        const Circumstances at = CircumstancesOf(c, operation);
        if (goes_wrong(c, operation)) {
          answer.wrong = {symptom};
          answer.at = at;
          break;
        }
        answer.right.push_back({symptom, at});
      }
    }
    return answers;
  };
}

Case CaseOf(const TableOperation& operation) {
  Case c;
  Step& step = c.steps.emplace_back();
  step.kind = StepKind::kTableOperation;
  step.operation = operation;
  return c;
}

constexpr TableOperation kSplitting = {.kind = TableOperationKind::kMap,
                                       .gpa = {0x200000},
                                       .hpa = {0x80000000},
                                       .flags = 7 | kIgnorePat};

// What is found out about a builder that goes wrong in kSplitting, and others.
std::optional<BuilderCause> Studied(const GoesWrong& goes_wrong,
                                    const PageDifference& difference = {}) {
  std::vector<Case> pool;
  Random random(1);
  for (int i = 0; i < 60; ++i) {
    Case c = CaseOf({.kind = static_cast<TableOperationKind>(random.Below(5)),
                     .gpa = {(random.Next() & 0xffff) << 12},
                     .hpa = {(random.Next() & 0xfffff) << 12},
                     .flags = random.Next() & 0x77f});
    c.controls.secondary = static_cast<std::uint32_t>(random.Next());
    pool.push_back(std::move(c));
  }
  BuilderCause unclear;
  constexpr std::uint64_t kWhat =
      Symptom::MaskOf(Feature::kMistake) | Symptom::MaskOf(Feature::kDetail);
  unclear.fixed = kWhat;
  unclear.value = {SymptomOf(kSplitting).bits & kWhat};
  unclear.right = 1;
  unclear.difference = difference;
  return StudyBuilder(unclear, CaseOf(kSplitting), pool,
                      BuilderThat(goes_wrong));
}

TEST(BuilderExperimentsTest, AConditionMayBeSeveralThings) {
  const auto found = Studied([](const Case&, const TableOperation& operation) {
    return (operation.flags & kIgnorePat) != 0 &&
           (operation.hpa.value >> 31 & 1) != 0 &&
           (operation.flags >> 9 & 1) == 0;
  });
  ASSERT_TRUE(found.has_value());
  EXPECT_THAT(found->when, UnorderedElementsAre(
                               Circumstance{CircumstanceWord::kFlags, 6, true},
                               Circumstance{CircumstanceWord::kFlags, 9, false},
                               Circumstance{CircumstanceWord::kHpa, 31, true}));
}

TEST(BuilderExperimentsTest, ItMayBeAKindOfOperationAndABit) {
  const auto found = Studied([](const Case&, const TableOperation& operation) {
    return operation.kind == TableOperationKind::kMap &&
           (operation.gpa.value >> 21 & 1) != 0;
  });
  ASSERT_TRUE(found.has_value());
  EXPECT_TRUE(found->IsFixed(Feature::kWork));
  EXPECT_EQ(found->value.Get(Feature::kWork), static_cast<int>(Work::kMap));
  EXPECT_THAT(found->when, UnorderedElementsAre(
                               Circumstance{CircumstanceWord::kGpa, 21, true}));
}

// A bit that is lost was there.
TEST(BuilderExperimentsTest, WhatFollowsFromTheMistakeIsNoCondition) {
  constexpr std::uint64_t kLost = std::uint64_t{1} << 31;
  const auto found = Studied(
      [](const Case&, const TableOperation& operation) {
        return ((operation.flags | operation.hpa.value) & kLost) != 0;
      },
      {.address = kLost, .address_lost = kLost});
  ASSERT_TRUE(found.has_value());
  for (const Circumstance& when : found->when) {
    EXPECT_NE(when.word, CircumstanceWord::kPage);
  }
}

TEST(BuilderExperimentsTest, WhereNothingSaysWhenNothingIsSaid) {
  int asked = 0;
  EXPECT_FALSE(Studied([&asked](const Case&, const TableOperation&) {
                 return asked++ % 3 == 0;
               }).has_value());
}

}  // namespace
}  // namespace eptdiff
