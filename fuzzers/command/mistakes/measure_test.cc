// Mistakes that no list has, a few of them: how well they are named now. What
// is reached is not given up again.
#include "fuzzers/command/mistakes/measure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "fuzzers/command/mistakes/builder_mistake.h"
#include "fuzzers/command/mistakes/planted_mistake.h"

namespace eptdiff {
namespace {

using ::testing::AnyOf;
using ::testing::StartsWith;

TEST(MeasureTest, TheSameNumberIsTheSameMistake) {
  EXPECT_EQ(DrawMistake(7).words, DrawMistake(7).words);
  EXPECT_NE(DrawMistake(7).words, DrawMistake(8).words);
}

// How long it takes is no part of what is expected.
constexpr std::chrono::seconds kLong{3600};

TEST(MeasureTest, WhatMakesNoDifferenceIsNoFinding) {
  const MistakeResult result = Measure(3, 2000, kLong);
  EXPECT_EQ(result.findings, 0u) << result.words << "\n" << result.headline;
}

TEST(MeasureTest, MistakesThatNoListHasAreNamed) {
  constexpr std::uint64_t kMistakes = 10;
  constexpr std::uint64_t kCases = 10'000;
  std::vector<MistakeResult> results;
  std::string told;
  for (std::uint64_t i = 1; i <= kMistakes; ++i) {
    results.push_back(Measure(i, kCases, kLong));
    told += results.back().words + ": " + results.back().headline + "\n";
  }
  const MistakeTotals totals = TotalsOf(results);
  EXPECT_GE(totals.noticed, 9u) << told;
  EXPECT_GE(totals.one, 9u) << told;
  EXPECT_GE(totals.named, 9u) << told;
  EXPECT_GE(totals.whole, 8u) << told;
}

// Kinds of mistakes that came out as several findings once, by number.
TEST(MeasureTest, OneMistakeIsOneFinding) {
  constexpr struct {
    std::uint64_t number;
    const char* mistake;
    const char* told;
  } kMistakes[] = {
      // What is an address is learned, at any width.
      {66, "ADDRESS in descend() is 0x7ffff000, on a read",
       "takes bits 51:31 of the address in an EPT paging-structure entry that "
       "references a table for 0, if and only if the access is a read: "},
      // What is present is learned.
      {104, "EXECUTE in is_present() is 0x10",
       "takes an EPT paging-structure entry for present by bit 4 and not by "
       "bit 2: "},
      // Likewise what allows an access, and nothing else.
      {963, "READ in needed() is 0x400",
       "takes an EPT paging-structure entry for one that allows reads by bit "
       "10 and not by bit 0: "},
      // Bits of an index lead astray as well.
      {8, "bit 29 of PDPTE is taken for 1", "takes bit 29 of a PDPTE for 1: "},
      // Two known mistakes would explain it as well.
      {203, "bit 30 of CR0 is taken for 0", "takes bit 30 of CR0 (CD) for 0: "},
      // That it logs where there is no log is told under it.
      {21, "SECONDARY_PML in set_flags() is 0x20080",
       "takes bit 17 of the secondary controls (enable PML) for 1, if and only "
       "if bit 7 of the secondary controls "},
      // What depends on what is right.
      {111, "memory type 0 becomes 5, with bit 22 of the secondary controls",
       "gives the memory type as WP where the SDM has UC, if and only if bit "
       "22 of the secondary controls "},
  };
  for (const auto& [number, mistake, told] : kMistakes) {
    const MistakeResult result = Measure(number, 10'000, kLong);
    EXPECT_EQ(result.words, mistake);
    EXPECT_EQ(result.findings, 1u) << mistake << "\n" << result.headline;
    EXPECT_TRUE(result.headline.starts_with(told)) << mistake << "\n"
                                                   << result.headline;
  }
}

// It takes a step before it, in the same case.
TEST(MeasureTest, WhatIsAsItWasInTheStepBeforeIsNamed) {
  PlantedMistake mistake;
  mistake.kind = PlantedMistake::Kind::kKept;
  const MistakeResult result = MeasurePlanted(mistake, 10'000, kLong);
  EXPECT_EQ(result.findings, 1u) << result.headline;
  EXPECT_TRUE(result.headline.starts_with(
      "gives the guest-physical address of the exit as it was in the answer "
      "before, if and only if the access is a write"))
      << result.headline;
}

// A step that has nothing to do with it, as SDM 29.4 has it for who keeps
// nothing.
TEST(MeasureTest, WhatIsWrongAfterAnInvalidationIsNamed) {
  constexpr struct {
    unsigned kind, type;
    const char* words;
  } kMistakes[] = {{EPTDIFF_INVEPT, 1, "INVEPT comes before it"},
                   {EPTDIFF_INVVPID, 2, "INVVPID comes before it"}};
  for (const auto& [kind, type, words] : kMistakes) {
    PlantedMistake mistake;
    mistake.kind = PlantedMistake::Kind::kAfterInvalidation;
    mistake.word = kind;
    mistake.level = type;
    const MistakeResult result = MeasurePlanted(mistake, 10'000, kLong);
    EXPECT_EQ(result.findings, 1u) << result.headline;
    const std::string which =
        absl::StrCat("the type of the invalidation before it is ", type);
    const std::string lead =
        "answers EPT misconfiguration where the SDM has EPT violation, if and "
        "only if ";
    // Both, in either order, and nothing else.
    EXPECT_THAT(
        result.headline,
        AnyOf(StartsWith(absl::StrCat(lead, words, " and ", which, ":")),
              StartsWith(absl::StrCat(lead, which, " and ", words, ":"))));
  }
}

// Mistakes of builders that came out as several findings once, or without
// their condition, by number.
TEST(MeasureTest, OneMistakeOfABuilderIsOneFinding) {
  constexpr struct {
    std::uint64_t number;
    const char* mistake;
    const char* told;
  } kMistakes[] = {
      // A bit that has no name, under a control.
      {2,
       "bit 52 is 0 in entries of pages, where bit 18 of the secondary "
       "controls is 1",
       "pages lose bit 52 of their entry, if bit 18 of the secondary controls "
       "is 1"},
      // What is asked, in large regions: what has to be refused is another
      // thing then.
      {13, "bit 1 is 0 in what is asked, in regions of 2^22 bytes or more",
       "pages lose write permission"},
      {14,
       "a store to a linked entry is not made, where bit 30 of the GPA is 1",
       "pages stay as they were, if bit 30 of the guest-physical address is 1"},
      // Refused for want of frames, and said to be done.
      {18, "what is refused is said to be done",
       "an operation that has to be refused (for several reasons) is said to "
       "be done, and nothing changes"},
      // Some other page is mapped, or is not there.
      {26, "bit 43 of the GPA is 0",
       "an operation is done at another guest-physical address than the one "
       "that was asked for, which lacks bit 43"},
      {63, "regions have a page too many",
       "an operation is done to the page behind its region as well"},
  };
  for (const auto& [number, mistake, told] : kMistakes) {
    const MistakeResult result =
        MeasureBuilder(DrawBuilderMistake(number), 4000, kLong);
    EXPECT_EQ(result.words, mistake);
    EXPECT_EQ(result.findings, 1u) << mistake << "\n" << result.headline;
    EXPECT_TRUE(result.headline.starts_with(told)) << mistake << "\n"
                                                   << result.headline;
  }
}

// What no single condition sets apart: several are found by experiment.
TEST(MeasureTest, AConditionOfABuildersMistakeMayBeSeveral) {
  constexpr struct {
    std::uint64_t number;
    const char* mistake;
    const char* told;
  } kMistakes[] = {
      {8,
       "what is removed is shown without flags, in regions of 2^30 bytes or "
       "more, where bit 18 of the secondary controls is 1",
       "pages are shown as removed without accessed or dirty flags that "
       "processors had set, in regions of 1 GByte or more and if bit 18 of the "
       "secondary controls is 1"},
      {14,
       "a store to a linked entry is not made, where bit 30 of the GPA is 1, "
       "in regions of 2^30 bytes or more",
       "pages stay as they were, in operations on regions, in regions of 1 "
       "GByte or more and if bit 30 of the guest-physical address is 1"},
  };
  for (const auto& [number, mistake, told] : kMistakes) {
    const MistakeResult result =
        MeasureBuilder(DrawBuilderMistake(number, 2), 4000, kLong);
    EXPECT_EQ(result.words, mistake);
    EXPECT_EQ(result.findings, 1u) << mistake << "\n" << result.headline;
    EXPECT_EQ(result.headline, told) << mistake;
    EXPECT_TRUE(result.whole);
  }
}

}  // namespace
}  // namespace eptdiff
