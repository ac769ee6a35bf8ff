#include "fuzzers/command/page/html.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::AllOf;
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

TEST(HtmlTest, PartsOfAPage) {
  EXPECT_EQ(NamesOf({"a&b"}), "<ul class=\"names\"><li>a&amp;b</li></ul>");
  EXPECT_EQ(NamesOf({}), "");
  EXPECT_THAT(
      TableOf("x", "a<b", {{"a"}, {"b", "number"}}, {{{"1"}, {"2", "number"}}}),
      AllOf(HasSubstr("aria-label=\"a&lt;b\""),
            HasSubstr("<th scope=\"col\" role=\"columnheader\" "
                      "class=\"number\">b</th>"),
            HasSubstr("<th scope=\"row\" role=\"rowheader\">1</th>"
                      "<td role=\"cell\" class=\"number\">2</td>")));
  EXPECT_EQ(ArticleOf("x", "\"a\"", "b"),
            "<article class=\"x\" aria-label=\"&quot;a&quot;\">b</article>");
  EXPECT_THAT(Bar(0.5), HasSubstr("width:50.0%"));
  EXPECT_THAT(Bar(7, true), HasSubstr("width:100.0%"));
  PageHead head;
  head.title = "<t>";
  head.verdict = "wrong";
  head.bad = true;
  head.figures = {{"7", "cases"}};
  EXPECT_THAT(HeadHtml(head),
              AllOf(HasSubstr("<h1>&lt;t&gt;</h1>"),
                    HasSubstr("<p class=\"verdict bad\">wrong</p>"),
                    HasSubstr("<dt>cases</dt><dd>7</dd>")));
  // What has nothing in it is not there.
  EXPECT_EQ(SectionsHtml({{"a", "A", "x"}, {"b", "B", ""}}),
            "<nav aria-label=\"on this page\"><ul><li><a href=\"#a\">A</a></li>"
            "</ul></nav><section id=\"a\"><h2>A</h2>x</section>");
  EXPECT_THAT(Fold("s", "c", true), HasSubstr("<details class=\"fold\" open>"));
}

TEST(HtmlTest, APageFetchesNothingAndRunsNothing) {
  const std::string page = HtmlPage("title", "<p>body</p>");
  EXPECT_THAT(page, HasSubstr("<main><p>body</p></main>"));
  EXPECT_THAT(page, HasSubstr("<html lang=\"en\">"));
  EXPECT_THAT(page, Not(ContainsRegex("//|@import|url\\(|<script|src=")));
}

}  // namespace
}  // namespace eptdiff
