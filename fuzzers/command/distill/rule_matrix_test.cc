#include "fuzzers/command/distill/rule_matrix.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using Mode = GuestPagingMode;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

bool Applies(Rule rule, Mode mode, Dimension dimension, std::uint8_t level) {
  return CanApply(rule, {mode, dimension, level});
}

TEST(RuleMatrixTest, TheWordsOfARuleSayWhereItCannotApply) {
  constexpr Dimension kGuest = Dimension::kGuestEntry;
  constexpr Dimension kFinal = Dimension::kFinal;
  // A 1-GByte leaf is of level 3; with CR0.PG = 0 there is no guest entry.
  EXPECT_TRUE(Applies(Rule::kCfg8, Mode::kNone, kFinal, 3));
  EXPECT_TRUE(Applies(Rule::kCfg8, Mode::kPae, kGuest, 3));
  EXPECT_FALSE(Applies(Rule::kCfg8, Mode::kPae, kGuest, 2));
  EXPECT_FALSE(Applies(Rule::kCfg8, Mode::kNone, kGuest, 3));
  // Each mode has its levels, and some rules are of one mode.
  EXPECT_TRUE(Applies(Rule::kGw6, Mode::k32Bit, kGuest, 2));
  EXPECT_FALSE(Applies(Rule::kGw6, Mode::k32Bit, kGuest, 3));
  EXPECT_FALSE(Applies(Rule::kGw6, Mode::kNone, kGuest, 1));
  EXPECT_TRUE(Applies(Rule::kGw2, Mode::k32Bit, kGuest, 2));
  EXPECT_FALSE(Applies(Rule::kGw2, Mode::kFourLevel, kGuest, 2));
  EXPECT_FALSE(Applies(Rule::kGw10, Mode::kPae, kGuest, 1));
  // Nobody fetches a guest entry.
  EXPECT_FALSE(Applies(Rule::kVio4, Mode::kFiveLevel, kGuest, 1));
}

TEST(RuleMatrixTest, CellsTellDecidedFromAskedFromNeverAsked) {
  RuleMatrix matrix;
  const std::size_t pdpte = PositionOf(Dimension::kFinal, 3);
  for (int i = 0; i < 12; ++i) matrix.Decide(Rule::kCfg8, Mode::kPae, pdpte);
  matrix.Decide(Rule::kCfg8, Mode::kNone, pdpte);
  matrix.Ask(Rule::kCfg8, Mode::k32Bit, pdpte);
  const std::string text = matrix.Text();
  EXPECT_THAT(text,
              HasSubstr("CFG-8     none     - - - - - -     - - 1 - - -"));
  EXPECT_THAT(text,
              HasSubstr("CFG-8     32-bit   - - . - - -     - - ? - - -"));
  EXPECT_THAT(text,
              HasSubstr("CFG-8     PAE      - - . - - -     - - 9 - - -"));
  EXPECT_THAT(text, HasSubstr("2 of 3 situations"));
}

TEST(RuleMatrixTest, AGuestRuleIsDecidedInAModeByAnyOfItsCells) {
  RuleMatrix matrix;
  EXPECT_THAT(matrix.UndecidedGuestRules(),
              ::testing::IsSupersetOf(
                  {"GW-10 in 4-level", "GW-10 in 5-level", "GW-2 in 32-bit"}));
  matrix.Decide(Rule::kGw10, Mode::kFourLevel,
                PositionOf(Dimension::kGuestEntry, 1));
  EXPECT_TRUE(matrix.DecidedIn(Rule::kGw10, Mode::kFourLevel));
  EXPECT_THAT(matrix.UndecidedGuestRules(),
              AllOf(::testing::Contains("GW-10 in 5-level"),
                    Not(::testing::Contains("GW-10 in 4-level")),
                    Not(::testing::Contains("GW-10 in PAE"))));
}

}  // namespace
}  // namespace eptdiff
