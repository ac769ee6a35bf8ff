#include "fuzzers/command/page/heat_map.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

HeatRule Broken() {
  HeatRule rule;
  rule.rule = Rule::kCfg9;
  rule.cell = {Heat::kBad, "!"};
  rule.counts = {"7 wrong & more"};
  HeatRule::Row& row = rule.rows.emplace_back();
  row.mode = GuestPagingMode::kFourLevel;
  row.cells[PositionOf(Dimension::kGuestEntry, 5)] = {Heat::kNever, "."};
  row.cells[PositionOf(Dimension::kFinal, 2)] = {Heat::kBad, "!"};
  row.cells[PositionOf(Dimension::kFinal, 0)] = {Heat::kGood4, "+"};
  return rule;
}

TEST(HeatMapTest, ASituationStandsInItsColumn) {
  const std::string html = HeatMap({Broken()}, {});
  // Levels 5 to 1 and none of the guest's entries, then of other accesses.
  EXPECT_THAT(html,
              ContainsRegex("4-level</th><td class=\"heat-never\">\\.</td>"
                            "(<td class=\"heat-none\"></td>){5}"
                            "<td class=\"heat-none apart\"></td>"
                            "(<td class=\"heat-none\"></td>){2}"
                            "<td class=\"heat-bad\">!</td>"
                            "<td class=\"heat-none\"></td>"
                            "<td class=\"heat-4\">\\+</td></tr>"));
  EXPECT_THAT(html, HasSubstr("7 wrong &amp; more"));
}

TEST(HeatMapTest, EachRuleAtAGlanceLeadsToItsTable) {
  HeatRule fine;
  fine.rule = Rule::kVio3;
  fine.cell = {Heat::kGood1, "+"};
  const std::string html =
      HeatMap({Broken(), fine}, {{{Heat::kBad, "!"}, "x"}});
  EXPECT_THAT(html, AllOf(HasSubstr("href=\"#rule-CFG-9\""),
                          HasSubstr("id=\"rule-CFG-9\""),
                          HasSubstr("<span class=\"said\">CFG-</span>9</a>"),
                          HasSubstr("id=\"rule-VIO-3\"")));
  // What is wrong is unfolded, what is right is not.
  EXPECT_THAT(html,
              AllOf(HasSubstr("<details class=\"fold\" open><summary>CFG "),
                    HasSubstr("<details class=\"fold\"><summary>VIO ")));
  EXPECT_THAT(html, Not(HasSubstr("VIO-3 by guest paging")));
  EXPECT_EQ(RuleLink(Rule::kCfg9), "<a href=\"#rule-CFG-9\">CFG-9</a>");
}

TEST(HeatMapTest, APictureHasASquareForEachSituation) {
  HeatRule other = Broken();
  other.rule = Rule::kVio3;
  const std::string html = HeatMap({Broken(), other}, {});
  // The first band is of guest entries, from 16 on; in the second one level 2
  // is the fourth line. The second rule stands where there is room for the name
  // of the first one's family.
  EXPECT_THAT(html, HasSubstr("<path class=\"heat-bad\" d=\"M84 70h5v5h-5z"
                              "M112 70h5v5h-5z\"/>"));
  EXPECT_THAT(
      html, AllOf(HasSubstr(">4-level</text>"), Not(HasSubstr(">PAE</text>"))));
  EXPECT_THAT(html, HasSubstr("a square for each of 2 rules"));
}

TEST(HeatMapTest, MoreIsHotter) {
  EXPECT_EQ(HeatOf(0), Heat::kNever);
  EXPECT_EQ(HeatOf(1), Heat::kGood1);
  EXPECT_EQ(HeatOf(3), Heat::kGood2);
  EXPECT_EQ(HeatOf(8), Heat::kGood3);
  EXPECT_EQ(HeatOf(9), Heat::kGood4);
}

}  // namespace
}  // namespace eptdiff
