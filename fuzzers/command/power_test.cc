// `eptdiff power`: what it makes of the targets' files, and a short run.
#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "fuzzers/command/command_testing.h"
#include "fuzzers/command/fuzz/power_run.h"
#include "fuzzers/command/page/power_page.h"
#include "fuzzers/command/report/power_report.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;

PowerResult Parsed(const std::string& text) {
  auto result = ParsePowerFile(text);
  EXPECT_TRUE(result.ok()) << result.status();
  return result.ok() ? *result : PowerResult();
}

TEST(PowerTest, AFileThatIsNotWholeIsNoResult) {
  for (const char* text :
       {"", "A 1 0.5\n", "A 1\nall 2 1\n", "A one 0.5\nall 2 1\n",
        "all 2 1\nA 1 0.5\n", "A 1 0.5 x\nall 2 1\n"}) {
    EXPECT_FALSE(ParsePowerFile(text).ok()) << text;
  }
  EXPECT_EQ(Parsed("A 1 0.5\nall 2 1\n").noticed.at("A").executions, 1u);
}

TEST(PowerTest, AllTargetsCostAsOftenWhatTheFirstToNoticeHasDone) {
  PowerResult ept = Parsed("A 100 1\nB 7 0.1\nall 1000 9\n");
  PowerResult linear = Parsed("A 30 2\nC 50 3\nall 900 10\n");
  ept.cap = linear.cap = 1000;
  const PowerResult both = Together(std::vector{ept, linear});
  EXPECT_EQ(both.noticed.at("A").executions, 60u);
  EXPECT_EQ(both.noticed.at("A").seconds, 2);
  EXPECT_EQ(both.noticed.at("B").executions, 14u);
  EXPECT_EQ(both.noticed.at("C").executions, 100u);
  EXPECT_EQ(both.cap, 2000u);
  EXPECT_EQ(both.executions, 1900u);
  EXPECT_EQ(both.seconds, 10);

  PowerResult caches = Parsed("A 20 5\nall 10 6\n");
  caches.cap = 10;
  const PowerResult three = Together(std::vector{ept, linear, caches});
  EXPECT_EQ(three.noticed.at("A").executions, 60u);
  EXPECT_EQ(three.noticed.at("B").executions, 21u);
  EXPECT_EQ(three.cap, 2010u);
}

TEST(PowerTest, WhatIsNotNoticedCountsAsTheCap) {
  PowerResult result = Parsed("A 10 1\nB 40 2\nall 1000 9\n");
  result.cap = 5000;
  const PowerSummary some = Summarise({"A", "B", "C"}, result);
  EXPECT_EQ(some.noticed, 2u);
  EXPECT_EQ(some.median, 40u);
  EXPECT_EQ(some.worst, 5000u);
  const PowerSummary most = Summarise({"C", "D", "A"}, result);
  EXPECT_EQ(most.noticed, 1u);
  EXPECT_EQ(most.median, 5000u);
  EXPECT_THAT(PowerText({"A", "C"}, {result, result}, 5),
              AllOf(HasSubstr("1 of 2"), HasSubstr(">5,000"),
                    ContainsRegex("C +not noticed"), HasSubstr("AD-6/never:")));
}

TEST(PowerTest, ThePlotHasACurveForEachWay) {
  PowerResults results;
  results.structured = Parsed("A 10 0.01\nB 1000 0.5\nall 1000 0.5\n");
  results.baseline = Parsed("A 100 0.02\nall 10000 2\n");
  const std::string svg = PowerSvg(2, results);
  EXPECT_THAT(svg,
              AllOf(testing::StartsWith("<svg"), testing::EndsWith("</svg>\n"),
                    HasSubstr("Share of 2 alterations")));
  std::size_t curves = 0;
  for (std::size_t at = 0; (at = svg.find("<polyline", at)) != svg.npos; ++at) {
    ++curves;
  }
  EXPECT_EQ(curves, 4u);  // executions and seconds, twice
  // On an axis of 10^0 to 10^4 executions, ten are a quarter of the way; then
  // half of all are noticed.
  EXPECT_THAT(svg, HasSubstr("131.5,202.0 131.5,106.0"));
}

TEST(PowerTest, ThePageHasAlterationsByFamily) {
  PowerResults results;
  results.structured =
      Parsed("CFG-9/off 10 0.01\nCFG-8/off 1000 0.5\nall 1000 0.5\n");
  results.baseline = Parsed("CFG-9/off 100 0.02\nall 10000 2\n");
  const std::string page =
      PowerPage({"CFG-8/off", "CFG-9/off", "VIO-3/off"}, results);
  EXPECT_THAT(page,
              AllOf(HasSubstr("2 of 3 alterations noticed"),
                    HasSubstr("<summary>CFG <span class=\"quiet\">2 of 2"),
                    HasSubstr("<summary>VIO <span class=\"bad\">0 of 1"),
                    HasSubstr("<ul class=\"names\"><li>VIO-3/off</li></ul>"),
                    HasSubstr("AD-6/never"), HasSubstr("is not checked"),
                    HasSubstr("role=\"img\"")));
  // What took longest first.
  EXPECT_LT(page.find("CFG-8/off<p"), page.find("CFG-9/off<p"));
}

#ifdef EPTDIFF_POWER_TARGETS
TEST(PowerCommandTest, MostAlterationsAreNoticedSoonAndTheRestNamed) {
  const TestDirectory directory;
  const std::vector<std::string> arguments = {"power",
                                              "--runs",
                                              "40000",
                                              "--baseline-runs",
                                              "2000",
                                              "--targets",
                                              EPTDIFF_POWER_TARGETS,
                                              "--seed",
                                              "3",
                                              "--out",
                                              directory.Path("power")};
  const Ran ran = RunEptdiff(arguments);
  EXPECT_THAT(ran.status, testing::AnyOf(0, 1)) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("executions, median"),
                             HasSubstr("GW-15/other-sizes-as-1")));
  const std::string json = ContentOf(directory.Path("power/report.json"));
  EXPECT_THAT(json, AllOf(HasSubstr("\"name\": \"CFG-9/off\""),
                          ContainsRegex("\"noticed\": [67][0-9][0-9],"),
                          ContainsRegex("\"median_executions\": "
                                        "[0-9][0-9]?[0-9]?,")));
  EXPECT_TRUE(std::filesystem::exists(directory.Path("power/power.svg")));

  // One seed, the same executions.
  const auto executions = [&] {
    return ContentOf(directory.Path("power/structured-ept.noticed"));
  };
  const auto without_seconds = [](const std::string& text) {
    std::string rest;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text.find('\n', at);
      const std::string line = text.substr(at, end - at);
      rest += line.substr(0, line.rfind(' ')) + "\n";
      at = end + 1;
    }
    return rest;
  };
  const std::string first = without_seconds(executions());
  RunEptdiff(arguments);
  EXPECT_EQ(without_seconds(executions()), first);
  EXPECT_THAT(first, HasSubstr("\nall 20000\n"));
}
#endif

TEST(PowerCommandTest, WithoutItsEndARunHasNoResult) {
  const TestDirectory directory;
  // One of the three processes sends the signal.
  const std::string sleep = "exec sleep 100\n";
  for (const auto& [name, begin] :
       {std::pair("power_fuzzer", "#!/bin/sh\n"),
        std::pair("power_bytes_fuzzer", "#!/bin/sh\nkill -TERM $PPID\n")}) {
    chmod(directory.File(name, begin + sleep).c_str(), 0755);
  }
  const Ran ran = RunEptdiff(
      {"power", "--targets", directory.path(), "--out", directory.Path("out")});
  EXPECT_EQ(ran.status, 4);
  EXPECT_THAT(ran.err, HasSubstr("ended early, by SIGTERM"));
  EXPECT_FALSE(std::filesystem::exists(directory.Path("out/report.json")));
}

TEST(PowerCommandTest, ATargetThatIsNotThereIsNamed) {
  const TestDirectory directory;
  const Ran ran = RunEptdiff({"power", "--targets", directory.Path("none"),
                              "--out", directory.Path("out")});
  EXPECT_EQ(ran.status, 2);
  EXPECT_THAT(ran.err, HasSubstr("none/power_fuzzer"));
}

}  // namespace
}  // namespace eptdiff
