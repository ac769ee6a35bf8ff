#include "fuzzers/command/page/chart.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(ChartTest, AxesEndAtRoundNumbers) {
  EXPECT_EQ(LinearAxis("", 0).last, 1);
  EXPECT_EQ(LinearAxis("", 17).last, 20);
  EXPECT_EQ(LinearAxis("", 21).last, 24);
  EXPECT_EQ(LinearAxis("", 60).last, 60);
  EXPECT_EQ(LinearAxis("", 90000).last, 100000);
  EXPECT_EQ(CountAxis("", 1).last, 4);
  EXPECT_EQ(CountAxis("", 6).last, 8);
  EXPECT_EQ(CountAxis("", 17).last, 20);
  EXPECT_EQ(CountAxis("", 170).last, 200);
  const Axis axis = LogarithmicAxis("", 1, 3000);
  EXPECT_EQ(axis.first, 1);
  EXPECT_EQ(axis.last, 10000);
  EXPECT_EQ(LogarithmicAxis("", 1e-4, 1e-4).last, 1e-3);
}

Chart TwoCurves() {
  Chart chart;
  chart.title = "a<b";
  chart.words = "what it shows";
  chart.x = LinearAxis("seconds", 10);
  chart.y = LinearAxis("", 2000);
  chart.curves = {{"one", {{0, 0}, {5, 2000}}, true}, {"two", {{0, 1000}}}};
  return chart;
}

TEST(ChartTest, ACurveIsDrawnWhereItsNumbersAre) {
  const std::string html = ChartHtml(TwoCurves());
  // From the lower left corner; a step holds until the next.
  EXPECT_THAT(html, HasSubstr("points=\"46.0,202.0 217.0,202.0 217.0,10.0\""));
  EXPECT_THAT(html, HasSubstr("points=\"46.0,106.0\""));
  EXPECT_THAT(html,
              AllOf(HasSubstr("role=\"img\" aria-label=\"what it shows\""),
                    HasSubstr("a&lt;b"), HasSubstr(">two</li>"),
                    HasSubstr(">2k</text>"), HasSubstr(">seconds</text>")));
}

TEST(ChartTest, OneCurveNeedsNoKeyAndAnImageStandsAlone) {
  Chart chart = TwoCurves();
  chart.curves.pop_back();
  EXPECT_THAT(ChartHtml(chart), Not(HasSubstr("class=\"key\"")));
  EXPECT_THAT(ChartsSvg({chart, chart}),
              AllOf(HasSubstr("xmlns="), HasSubstr("translate(420 40)"),
                    Not(HasSubstr("var(--"))));
}

}  // namespace
}  // namespace eptdiff
