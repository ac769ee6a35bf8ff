#include "fuzzers/command/page/html.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(HtmlTest, WhatIsSaidIsNoMarkup) {
  EXPECT_EQ(Escaped("a<b> & \"c\""), "a&lt;b&gt; &amp; &quot;c&quot;");
  EXPECT_EQ(ListOf({"<i>", "2"}), "<ul><li>&lt;i&gt;</li><li>2</li></ul>");
  EXPECT_EQ(ListOf({}), "");
  EXPECT_EQ(Element("td class=\"x\"", "y"), "<td class=\"x\">y</td>");
  EXPECT_THAT(HtmlPage("<t>", "body"), HasSubstr("<title>&lt;t&gt;</title>"));
}

TEST(HtmlTest, APageFetchesNothingAndRunsNothing) {
  const std::string page = HtmlPage("title", "<p>body</p>");
  EXPECT_THAT(page, HasSubstr("<main><p>body</p></main>"));
  EXPECT_THAT(page, HasSubstr("<html lang=\"en\">"));
  EXPECT_THAT(page, Not(ContainsRegex("//|@import|url\\(|<script|src=")));
}

}  // namespace
}  // namespace eptdiff
