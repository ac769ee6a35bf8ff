// The report of `eptdiff check`: by rule and situation, in each format.
#include <cstddef>
#include <string>

#include "absl/strings/str_cat.h"
#include "fuzzers/command/check_testing.h"
#include "fuzzers/command/command_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

// The number after `key` in the line of `json` that follows `line`.
double NumberAfter(const std::string& json, const std::string& line,
                   const std::string& key) {
  const std::size_t from = json.find(line);
  const std::size_t at = json.find("\"" + key + "\": ", from);
  if (from == std::string::npos || at == std::string::npos) return -1;
  return std::stod(json.substr(at + key.size() + 4));
}

TEST(CheckCommandTest, AnswersAreCountedByRuleAndSituation) {
  const TestDirectory directory;
  const Ran ran =
      RunEptdiff({"check", EPTDIFF_FAULTY_WALKER, "--cases", "20000", "--json",
                  directory.Path("report.json")},
                 {"EPTDIFF_EXAMPLE_BUG=2-mbyte-reserved-unchecked"});
  EXPECT_EQ(ran.status, 1);
  const std::string json = ContentOf(directory.Path("report.json"));
  const std::string broken = "\"rule\": \"CFG-9\"";
  const double wrong = NumberAfter(json, broken, "disagreeing");
  EXPECT_GT(wrong, 50);
  EXPECT_EQ(NumberAfter(json, broken, "agreeing"), 0);
  EXPECT_EQ(NumberAfter(json, "\"rule\": \"CFG-8\"", "disagreeing"), 0);
  EXPECT_GT(NumberAfter(json, "\"rule\": \"CFG-8\"", "agreeing"), 50);
  // All cases that showed it, not those alone that it was diagnosed by.
  const double shown = NumberAfter(json, "\"departures\"", "cases");
  const double disagreeing = NumberAfter(json, "{", "disagreeing_cases");
  EXPECT_GT(shown, disagreeing / 2);
  EXPECT_LE(disagreeing, wrong);
  EXPECT_THAT(json, HasSubstr("\"consequence\": \"reaches\""));
  EXPECT_THAT(json, HasSubstr("{\"paging\": \"4-level\", \"access\": "
                              "\"other\", \"level\": \"PDE\""));
  EXPECT_THAT(ran.out, AllOf(HasSubstr("    CFG-9: "),
                             HasSubstr(" at PDE, 4-level guest"),
                             Not(HasSubstr("CFG-8: "))));
}

TEST(CheckCommandTest, EachRuleIsShownInEachSituationIfWanted) {
  const Ran ran = RunEptdiff(
      {"check", EPTDIFF_FAULTY_WALKER, "--cases", "20000", "--verbose"},
      {"EPTDIFF_EXAMPLE_BUG=2-mbyte-reserved-unchecked"});
  EXPECT_THAT(
      ran.out,
      AllOf(HasSubstr("  CFG-8    none    - - - - - -     - - + - - -"),
            HasSubstr("  CFG-9    none    - - - - - -     - - - ! - -")));
}

TEST(CheckCommandTest, ReportsTellTheSame) {
  const TestDirectory directory;
  const Ran ran = RunEptdiff(
      {"check", EPTDIFF_FAULTY_WALKER, "--cases", "20000", "--junit",
       directory.Path("report.xml"), "--sarif", directory.Path("report.sarif"),
       "--out", directory.Path("cases")},
      {"EPTDIFF_EXAMPLE_BUG=2-mbyte-reserved-unchecked"});
  EXPECT_EQ(ran.status, 1);
  EXPECT_THAT(ran.out,
              AllOf(HasSubstr("CFG-9 (SDM table 29-5; 2026: table 31-5)"),
                    HasSubstr("expected: VM exit 49"),
                    HasSubstr("memory { address: ")));
  const std::string xml = ContentOf(directory.Path("report.xml"));
  EXPECT_THAT(xml,
              AllOf(HasSubstr("failures=\"1\""), HasSubstr("name=\"CFG-9: "),
                    HasSubstr("<failure type=\"reaches\" "),
                    HasSubstr("consequence: accesses get through"),
                    HasSubstr("<skipped message=\"the profile does not"
                              " declare what it is about\"/>")));
  const std::string sarif = ContentOf(directory.Path("report.sarif"));
  EXPECT_THAT(sarif, AllOf(HasSubstr("\"version\": \"2.1.0\""),
                           HasSubstr("\"ruleId\": \"CFG-9\""),
                           HasSubstr("\"id\": \"CFG-8\""),
                           HasSubstr("\"consequence\": \"reaches\""),
                           HasSubstr("\"declared\": true")));
  // The case, given to those that are right, agrees.
  const std::string file = directory.Path("cases") +
                           "/eptdiff-faulty_walker-event-CFG-9-PDE.textproto";
  EXPECT_EQ(RunEptdiff({"run", "--oracles", "engine", file}).status, 0)
      << ran.out;
}

TEST(CheckCommandTest, DeparturesAreRankedWithEverythingElse) {
  const TestDirectory directory;
  const Ran ran = RunEptdiff(
      {"check", EPTDIFF_FAULTY_WALKER, "--cases", "4000", "--json",
       directory.Path("report.json"), "--sarif",
       directory.Path("report.sarif")},
      {"EPTDIFF_EXAMPLE_BUG=2-mbyte-reserved-unchecked,stray-store"});
  EXPECT_THAT(Unwrapped(ran.out),
              ContainsRegex("1. stray-store: .*2. CFG-9 .SDM"));
  const std::string json = ContentOf(directory.Path("report.json"));
  EXPECT_EQ(NumberAfter(json, "\"departures\"", "rank"), 2);
  EXPECT_EQ(NumberAfter(json, "\"findings\"", "rank"), 1);
  const std::string sarif = ContentOf(directory.Path("report.sarif"));
  EXPECT_LT(sarif.find("\"ruleId\": \"stray-store\""),
            sarif.find("\"ruleId\": \"CFG-9\""));
}

// What experiments find out is named by its effect, and ranked by what follows
// from it: what a handler is told, before the log.
TEST(CheckCommandTest, WhatExperimentsFindOutIsNamedByItsEffectInEachReport) {
  const TestDirectory directory;
  const Ran ran = RunEptdiff(
      {"check", EPTDIFF_FAULTY_WALKER, "--cases", "20000", "--json",
       directory.Path("report.json"), "--junit", directory.Path("report.xml"),
       "--sarif", directory.Path("report.sarif"), "--html",
       directory.Path("report.html"), "--out", directory.Path("cases")},
      {"EPTDIFF_EXAMPLE_BUG="
       "pml-logs-gla,qualification-20-of-misconfiguration"});
  EXPECT_EQ(ran.status, 1);
  EXPECT_THAT(Unwrapped(ran.out),
              ContainsRegex("1. tells-wrong-qualification20: gives bit 20 of "
                            ".*its case breaks: CFG-[0-9]+ .SDM .*2. PML-2 "
                            ".SDM 29.3.6; 2026: 31.3.6.: the guest-linear"));
  const std::string json = ContentOf(directory.Path("report.json"));
  EXPECT_EQ(
      NumberAfter(json, "\"rule\": \"tells-wrong-qualification20\"", "rank"),
      1);
  EXPECT_EQ(NumberAfter(json, "\"rule\": \"PML-2\",\n      \"rank\"", "rank"),
            2);
  EXPECT_THAT(json, AllOf(HasSubstr("\"breaks\": \"CFG-"),
                          HasSubstr("\"experiment\": [")));
  const char* const kName = "eptdiff-faulty_walker-tells-wrong-qualification20";
  const std::string xml = ContentOf(directory.Path("report.xml"));
  const std::size_t cause = xml.find(absl::StrCat(" name=\"", kName, "\">"));
  EXPECT_NE(cause, xml.npos);
  const std::size_t log = xml.find(" name=\"eptdiff-faulty_walker-PML-2\">");
  EXPECT_LT(cause, log);
  EXPECT_LT(log, xml.find(" name=\"CFG-9: "));
  const std::string sarif = ContentOf(directory.Path("report.sarif"));
  EXPECT_THAT(
      sarif, AllOf(HasSubstr("\"text\": \"what a handler is told is wrong\""),
                   HasSubstr(absl::StrCat("\"eptdiff/v1\": \"", kName, "\""))));
  const std::size_t result =
      sarif.find("\"ruleId\": \"tells-wrong-qualification20\"");
  EXPECT_LT(result, sarif.find("\"ruleId\": \"PML-2\""));
  const std::string page = ContentOf(directory.Path("report.html"));
  EXPECT_LT(page.find("<h4>tells-wrong-qualification20</h4>"),
            page.find("<a href=\"#rule-PML-2\">PML-2</a>"));
  const std::string file =
      absl::StrCat(directory.Path("cases"), "/", kName, ".textproto");
  EXPECT_EQ(RunEptdiff({"run", "--oracles", "engine", file}).status, 0)
      << ran.out;
}

// Against which accesses protection falls is asked.
TEST(CheckCommandTest, WhatLetsAccessesThroughSaysWhichProtectionFalls) {
  const struct {
    const char* bug;
    const char* falls;
  } kBugs[] = {
      {"2-mbyte-reserved-unchecked",
       "what falls: EPT's against writes and fetches and reads"},
      {"write-permission-of-leaf-only", "what falls: EPT's against writes "},
  };
  for (const auto& [bug, falls] : kBugs) {
    const Checked checked = Check(EPTDIFF_FAULTY_WALKER, bug);
    EXPECT_THAT(Unwrapped(checked.ran.out), HasSubstr(falls));
  }
}

}  // namespace
}  // namespace eptdiff
