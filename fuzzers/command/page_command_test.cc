// --html of the subcommands that have it: what the pages say, and that they are
// written as other reports are. What they look like, page/browser_test
// measures.
#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "fuzzers/command/cases_testing.h"
#include "fuzzers/command/command_testing.h"
#include "fuzzers/command/lint/test_tables.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

// Nothing is fetched or run, and each place that is linked to is there.
void ExpectWhole(const std::string& page) {
  EXPECT_THAT(page, AllOf(HasSubstr("<!DOCTYPE html>"), HasSubstr("</html>\n"),
                          Not(HasSubstr("<script")), Not(HasSubstr("src=")),
                          Not(HasSubstr("url(")), Not(HasSubstr("@import"))));
  for (std::size_t at = 0; (at = page.find("href=\"#", at)) != page.npos;
       ++at) {
    const std::string name =
        page.substr(at + 7, page.find('"', at + 7) - at - 7);
    EXPECT_THAT(page, HasSubstr("id=\"" + name + "\""));
  }
}

TEST(PageCommandTest, ACheckIsFindingsByWhatFollowsFromThem) {
  const TestDirectory directory;
  const std::string file = directory.Path("check.html");
  const Ran ran = RunEptdiff(
      {"check", EPTDIFF_FAULTY_WALKER, "--cases", "20000", "--html", file},
      {"EPTDIFF_EXAMPLE_BUG=2-mbyte-reserved-unchecked,dirty-never-set"});
  EXPECT_EQ(ran.status, 1) << ran.err;
  const std::string page = ContentOf(file);
  ExpectWhole(page);
  const std::size_t through =
      page.find("accesses get through that the SDM forbids");
  const std::size_t flags =
      page.find("flags, logs or other memory end up wrong");
  ASSERT_NE(through, page.npos);
  ASSERT_NE(flags, page.npos);
  EXPECT_LT(through, flags);
  EXPECT_THAT(page, AllOf(HasSubstr("departs from the SDM"),
                          HasSubstr("<h4><a href=\"#rule-CFG-9\">CFG-9</a>"),
                          HasSubstr("CFG-9 is not checked: 2-MByte leaf"),
                          HasSubstr("<dt>expected</dt><dd>VM exit 49"),
                          HasSubstr("# proto-message: CaseFile"),
                          HasSubstr("decides: CFG-9 at the PDE"),  // the walk
                          HasSubstr("<td class=\"heat-bad\">!</td>"),
                          HasSubstr("<dt>not declared by its profile</dt>")));
}

TEST(PageCommandTest, ACheckOfABuilderHasItsFindings) {
  const TestDirectory directory;
  const std::string file = directory.Path("check.html");
  const Ran ran = RunEptdiff(
      {"check", EPTDIFF_SIMPLE_BUILDER, "--cases", "300", "--html", file});
  const std::string page = ContentOf(file);
  ExpectWhole(page);
  EXPECT_THAT(page, HasSubstr("builds tables: "));
  EXPECT_THAT(page, HasSubstr(ran.status == 0 ? "<p class=\"verdict\">"
                                              : "<p class=\"verdict bad\">"));
}

TEST(PageCommandTest, ARunHasItsCurvesAndWhatDisagreed) {
  const TestDirectory directory;
  const std::string target = directory.File(
      "a_fuzzer",
      "#!/bin/sh\nfor option; do case $option in\n"
      "  -artifact_prefix=*) prefix=${option#*=} ;;\nesac; done\n"
      "for i in 1 2 3 4 5 6 7 8; do printf '%s\\n' \"cases ${i}00\" "
      "'rule.CFG-8 1' 'oracle.bochs.cases 10' 'oracle.bochs.answered 5' "
      "'oracle.bochs.skipped.5-level_EPT_is_not_modelled 5' "
      "'muted.eptdiff-engine-event-CFG-9-PDE 2' > \"$EPTDIFF_STATS.new\"\n"
      "mv \"$EPTDIFF_STATS.new\" \"$EPTDIFF_STATS\"; sleep 0.3; done\n");
  chmod(target.c_str(), 0755);
  const Ran ran = RunEptdiff({"fuzz", "--target", target, "--seconds", "20",
                              "--jobs", "1", "--html", "run.html"},
                             {}, directory.path());
  EXPECT_EQ(ran.status, 1) << ran.err;
  const std::string page = ContentOf(directory.Path("run.html"));
  ExpectWhole(page);
  EXPECT_THAT(page,
              AllOf(HasSubstr("<h1>a_fuzzer</h1>"),
                    HasSubstr("<dt>cases</dt><dd>800</dd>"),
                    HasSubstr("1 disagreement<"),
                    HasSubstr("eptdiff-engine-event-CFG-9-PDE (2 times)"),
                    ContainsRegex("after [0-9.]+ seconds"),
                    HasSubstr("answered 50.0% of cases"),
                    HasSubstr("5-level EPT is not modelled"),
                    // A point for each moment that was seen.
                    ContainsRegex("points=\"4[0-9.]+,202.0( [0-9.]+,[0-9.]+)"
                                  "+\"")));
}

TEST(PageCommandTest, ACorpusIsAHeatMap) {
  const TestDirectory directory;
  std::filesystem::create_directory(directory.Path("cases"));
  directory.File("cases/a.textproto", kReadOnlyPage);
  const std::string file = directory.Path("rules.html");
  const Ran ran = RunEptdiff(
      {"rules", "--corpus", directory.Path("cases"), "--html", file});
  EXPECT_EQ(ran.status, 0) << ran.err;
  const std::string page = ContentOf(file);
  ExpectWhole(page);
  EXPECT_THAT(page,
              AllOf(HasSubstr("1 cases decide"),
                    HasSubstr("class=\"chip heat-1\" href=\"#rule-VIO-3\""),
                    HasSubstr("<td class=\"heat-1\">1</td>"),
                    ContainsRegex("undecided:</p><ul class=\"names\">.*"
                                  "<li>CFG-8</li>")));
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{},
        {"VIO-3", "--corpus", directory.Path("cases")}}) {
    std::vector<std::string> arguments = {"rules", "--html", file};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Ran refused = RunEptdiff(arguments);
    EXPECT_EQ(refused.status, 2);
    EXPECT_THAT(refused.err, HasSubstr("--html is of --corpus"));
  }
}

class LintPageCommandTest : public ::testing::Test {
 protected:
  // `eptdiff lint` of the tables as a raw image.
  Ran Lint(const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {
        "lint",     directory_.File("image", tables_.Image()),
        "--eptp",   absl::StrFormat("%#x", tables_.eptp()),
        "--offset", absl::StrFormat("%#x", TestTables::kFirst)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunEptdiff(arguments);
  }

  TestDirectory directory_;
  TestTables tables_;
};

TEST_F(LintPageCommandTest, ATreeIsFoldedBelowWhatIsWrong) {
  tables_.EntryOf(0x5000, 1) &= ~std::uint64_t{1};
  const std::string file = directory_.Path("lint.html");
  EXPECT_EQ(Lint({"--html", file}).status, 1);
  const std::string page = ContentOf(file);
  ExpectWhole(page);
  EXPECT_THAT(page, AllOf(HasSubstr("Misconfigured entries (1)"),
                          HasSubstr("<dt>assumed</dt>"),
                          HasSubstr("by 320 pages of 4 KBytes")));
}

TEST_F(LintPageCommandTest, MtrrsAreHeldAgainstTheTables) {
  const std::string mtrrs = directory_.File(
      "dmesg",
      "[    0.000000] MTRR default type: write-back\n"
      "[    0.000000] MTRR variable ranges enabled:\n"
      "[    0.000000]   0 base 0000380000 mask 3FFFFFFF0000 uncachable\n");
  const Ran ran = Lint({"--mtrrs", mtrrs});
  EXPECT_EQ(ran.status, 1);
  EXPECT_THAT(ran.out, AllOf(HasSubstr("MTRRs:"), HasSubstr("MIXED: PDE at"),
                             HasSubstr("1 variable range; WB elsewhere")));
  EXPECT_THAT(
      Lint({"--mtrrs", mtrrs, "--json"}).out,
      AllOf(HasSubstr("\"mtrrs\": \""), HasSubstr("\"mixed_types_count\": 1")));
  EXPECT_EQ(Lint({}).status, 0);
  const Ran bad = Lint({"--mtrrs", directory_.File("x", "nothing\n")});
  EXPECT_EQ(bad.status, 2);
  EXPECT_THAT(bad.err, HasSubstr("no line of it is about MTRRs"));
  EXPECT_EQ(Lint({"--mtrrs", directory_.Path("none")}).status, 2);
}

// As it is for JSON and the like: said before the work; a full disk after it.
TEST_F(LintPageCommandTest, APageThatCannotBeWrittenIsSaid) {
  std::filesystem::create_directory(directory_.Path("cases"));
  const std::string cases = directory_.File("cases/a.textproto", kReadOnlyPage);
  const std::vector<std::vector<std::string>> commands = {
      {"check", EPTDIFF_SIMPLE_WALKER, "--cases", "100"},
      {"rules", "--corpus", directory_.Path("cases")},
      {"explain", cases},
      {"lint", directory_.File("image", tables_.Image()), "--eptp",
       absl::StrFormat("%#x", tables_.eptp()), "--offset",
       absl::StrFormat("%#x", TestTables::kFirst)}};
  for (std::vector<std::string> arguments : commands) {
    arguments.insert(arguments.end(), {"--html", "/nowhere/at/all.html"});
    const Ran nowhere = RunEptdiff(arguments);
    EXPECT_EQ(nowhere.status, 4) << arguments[0];
    EXPECT_THAT(nowhere.err, HasSubstr("/nowhere/at/all.html"));
    EXPECT_EQ(nowhere.out, "") << arguments[0];
    arguments.back() = "/dev/full";
    const Ran full = RunEptdiff(arguments);
    EXPECT_EQ(full.status, 4) << arguments[0];
    EXPECT_THAT(full.err, HasSubstr("No space left on device"));
  }
  for (const char* command : {"fuzz", "power"}) {
    const Ran nowhere = RunEptdiff(
        {command, command == std::string("fuzz") ? "--target" : "--targets",
         command == std::string("fuzz") ? EPTDIFF_BINARY : "/", "--html",
         "/nowhere/at/all.html"},
        {}, directory_.path());
    EXPECT_EQ(nowhere.status, 4) << command;
    EXPECT_THAT(nowhere.err, HasSubstr("/nowhere/at/all.html"));
  }
}

}  // namespace
}  // namespace eptdiff
