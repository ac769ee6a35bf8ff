// The tree of tables that the engine's builder made, folded.
#include "fuzzers/command/page/lint_page.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "fuzzers/command/lint/test_tables.h"
#include "fuzzers/command/walk/walk_case.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

std::string PageOf(const TestTables& tables, std::size_t most = 100) {
  const std::string path = (std::filesystem::temp_directory_path() /
                            ("eptdiff-page-" + std::to_string(getpid())))
                               .string();
  std::ofstream(path, std::ios::binary) << tables.Image();
  const auto image = MemoryImage::Open(path, MemoryImage::Format::kRaw,
                                       Hpa{TestTables::kFirst});
  std::filesystem::remove(path);
  EXPECT_TRUE(image.ok()) << image.status();
  const Case c = CaseUnder(tables.eptp(), {});
  LintSubject subject;
  subject.image = image->words();
  subject.eptp = tables.eptp();
  return LintPage("a<b", subject, SweepTree(*image, c.processor, c.controls),
                  most);
}

TEST(LintPageTest, EntriesThatGoOnLikewiseAreOneLine) {
  const std::string html = PageOf(TestTables());
  EXPECT_THAT(html,
              AllOf(HasSubstr("<h1>a&lt;b</h1>"), HasSubstr("nothing wrong"),
                    Not(HasSubstr("What is wrong"))));
  // Down to the PTEs: 160 pages, the hole, the rest of the table.
  EXPECT_THAT(
      html,
      AllOf(
          HasSubstr(">0x0 to 0x9ffff</span> identity, 640 KBytes, read, write, "
                    "execute; WB, by 160 pages of 4 KBytes"),
          HasSubstr(">0xa0000 to 0xbffff</span> nothing, 128 KBytes"),
          HasSubstr(">0xc0000 to 0x1fffff</span> identity, 1280 KBytes, read, "
                    "write, execute; WB, by 320 pages of 4 KBytes"),
          HasSubstr(">0x200000 to 0x3fffff</span> identity, 2 MBytes, read, "
                    "write, execute; WB, a page of 2 MBytes"),
          HasSubstr(">0x400000 to 0x3fffffff</span> nothing, 1020 MBytes"),
          HasSubstr(">0xc0000000 to 0xffffffff</span> identity, 1 GByte, "),
          HasSubstr(">0x8000000000 to 0xffffffffffff</span> nothing, ")));
  // Three tables unfold below the root; their lines are within them.
  EXPECT_THAT(html, ContainsRegex("PDPTEs at 0x[0-9a-f]+: 1052544 KBytes in 3 "
                                  "ranges"));
  EXPECT_THAT(html, ContainsRegex("<details><summary>[^\n]*PTEs at 0x"));
}

TEST(LintPageTest, WhatIsWrongStandsFirstAndIsMarkedInTheTree) {
  TestTables tables;
  tables.EntryOf(0x5000, 1) &= ~std::uint64_t{1};  // W without R
  const std::string html = PageOf(tables);
  const std::size_t finding = html.find("Misconfigured entries (1)");
  ASSERT_NE(finding, html.npos);
  EXPECT_LT(finding, html.find("id=\"map\""));
  EXPECT_THAT(html,
              AllOf(HasSubstr("CFG-1"), HasSubstr("something is wrong"),
                    HasSubstr(">0x5000 to 0x5fff</span> nothing, 4 KBytes "
                              "<span class=\"bad\">\xe2\x97\x86 1 found"),
                    // The way there is unfolded.
                    Not(ContainsRegex("<details><summary>"))));
}

TEST(LintPageTest, ATreeThatIsTooLongSaysSo) {
  TestTables tables;
  for (std::uint64_t gpa = 0; gpa < 0xa0000; gpa += 0x2000) {
    tables.EntryOf(gpa, 1) = 0;
  }
  EXPECT_THAT(PageOf(tables, 5), HasSubstr("has more than 50 lines"));
  EXPECT_THAT(PageOf(tables, 50), Not(HasSubstr("has more than")));
}

}  // namespace
}  // namespace eptdiff
