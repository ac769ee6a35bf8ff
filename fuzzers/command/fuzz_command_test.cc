// `eptdiff fuzz` with targets of our own, which behave as libFuzzer's do: what
// the driver does must not depend on what a real one happens to find.
#include <signal.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "fuzzers/command/command_testing.h"
#include "fuzzers/encoding/encoding.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

// Takes libFuzzer's options, counts 100 cases, then does as `rest` says.
std::string Target(const std::string& rest) {
  return "#!/bin/sh\n"
         "for option; do case $option in\n"
         "  -artifact_prefix=*) prefix=${option#*=} ;;\n"
         "esac; done\n"
         "counters() {\n"
         "  printf '%s\\n' 'cases 100' 'steps 250' 'accesses 200' 'leaves 150' "
         "'alias 3' 'seconds 1' 'oracle.engine.cases 100' "
         "'oracle.engine.answered 100' 'oracle.engine.compared 250' "
         "'oracle.bochs.cases 100' 'oracle.bochs.answered 80' "
         "'oracle.bochs.compared 160' "
         "'oracle.bochs.skipped.5-level_EPT_is_not_modelled 20' "
         "'rule.CFG-8 4' \"$@\" > \"$EPTDIFF_STATS.new\"\n"
         "  mv \"$EPTDIFF_STATS.new\" \"$EPTDIFF_STATS\"\n"
         "}\n"
         "found() {\n"
         "  printf '\\001' > \"${prefix}crash-1\"\n"
         "  echo \"$1\"\n"
         "  echo \"artifact_prefix='$prefix'; Test unit written to "
         "${prefix}crash-1\"\n"
         "  kill -ABRT $$\n"
         "}\n" +
         rest;
}

constexpr char kSignature[] = "eptdiff-engine-event-CFG-9-PDE";

class FuzzCommandTest : public ::testing::Test {
 protected:
  std::string MakeTarget(const std::string& rest) {
    const std::string path = directory_.File("target", Target(rest));
    chmod(path.c_str(), 0755);
    return path;
  }
  Ran Fuzz(const std::string& rest, const std::string& seconds) {
    return RunEptdiff({"fuzz", "--target", MakeTarget(rest), "--seconds",
                       seconds, "--jobs", "2"},
                      {}, directory_.path());
  }
  std::string Report() {
    return ContentOf(directory_.Path("build/fuzz/report.json"));
  }

  TestDirectory directory_;
};

TEST_F(FuzzCommandTest, WorkersAreSummedInTheReport) {
  const Ran ran = Fuzz("counters\nexec sleep 100\n", "2");
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(Report(),
              AllOf(HasSubstr("\"cases\": 200,"), HasSubstr("\"jobs\": 2,"),
                    HasSubstr("\"leaf_share\": 0.75,"),
                    HasSubstr("\"alias_share\": 0.012,"),
                    ContainsRegex("\"seconds\": [0-9.]+,"),
                    ContainsRegex("\"cases_per_second\": [0-9.]+,"),
                    HasSubstr("\"comparisons\": 500,"),
                    HasSubstr("\"5-level_EPT_is_not_modelled\": 40"),
                    ContainsRegex("\"rules_total\": [1-9][0-9]+,"),
                    HasSubstr("\"rules_decided\": 0,"),
                    HasSubstr("\"rules_asked\": 1,"),
                    HasSubstr("\"interrupted\": false"),
                    HasSubstr("\"disagreements\": []")));
  EXPECT_THAT(ran.err, HasSubstr("200 cases"));
  EXPECT_THAT(ran.err, HasSubstr("leaf 75%"));
  EXPECT_THAT(ran.err, HasSubstr("skips 10.0%"));
  EXPECT_THAT(ran.out, HasSubstr("skipped 40: 5-level EPT is not modelled\n"));
}

// One job is not enough for two targets: there are two, each over a corpus of
// its own.
TEST_F(FuzzCommandTest, TargetsShareTheJobsAndTheReport) {
  const std::string rest =
      "for corpus; do :; done\necho \"$corpus\" > \"$0.asked\"\n"
      "counters\nexec sleep 100\n";
  std::string targets;
  for (const char* name : {"first", "second"}) {
    const std::string path = directory_.File(name, Target(rest));
    chmod(path.c_str(), 0755);
    targets += path + ",";
  }
  const Ran ran =
      RunEptdiff({"fuzz", "--target", targets, "--seconds", "2", "--jobs", "1"},
                 {}, directory_.path());
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ContentOf(directory_.Path("first.asked")),
            "build/fuzz/corpus/first\n");
  EXPECT_EQ(ContentOf(directory_.Path("second.asked")),
            "build/fuzz/corpus/second\n");
  EXPECT_THAT(Report(), AllOf(HasSubstr("\"jobs\": 2,"),
                              ContainsRegex("first\",\n *\"cases\": 100,"),
                              ContainsRegex("second\",\n *\"cases\": 100,"),
                              HasSubstr("\"cases\": 200,")));
}

// Before the time is spent.
TEST_F(FuzzCommandTest, WhereNothingCanBeWrittenNothingIsAsked) {
  const std::string target = MakeTarget("echo > \"$0.asked\"\ncounters\n");
  for (const char* option : {"--report", "--out", "--artifacts", "--work"}) {
    const std::string place = option == std::string("--report")
                                  ? directory_.path()
                                  : target + "/below/a/file";
    const Ran ran = RunEptdiff({"fuzz", "--target", target, option, place}, {},
                               directory_.path());
    EXPECT_EQ(ran.status, 4) << option;
    EXPECT_THAT(ran.err, HasSubstr(place));
    EXPECT_FALSE(std::filesystem::exists(target + ".asked")) << option;
  }
}

TEST_F(FuzzCommandTest, EveryTargetMustBeThere) {
  const Ran ran = RunEptdiff(
      {"fuzz", "--target", MakeTarget("exit 0\n") + ",no-such-target"}, {},
      directory_.path());
  EXPECT_EQ(ran.status, 2);
  EXPECT_THAT(ran.err, HasSubstr("no fuzz target at no-such-target"));
}

TEST_F(FuzzCommandTest, FoundSignatureIsMutedAndCounted) {
  const Ran ran = Fuzz(std::string("if grep -qx ") + kSignature +
                           " \"$EPTDIFF_MUTED\"; then\n"
                           "  counters 'muted." +
                           kSignature +
                           " 7'\n"
                           "  exec sleep 100\n"
                           "fi\n"
                           "counters\n"
                           "found 'ASSERTION FAILED: " +
                           kSignature + "'\n",
                       "3");
  EXPECT_EQ(ran.status, 1) << ran.err;
  // Each job found it once, or the second began after it was muted.
  EXPECT_THAT(Report(),
              AllOf(HasSubstr(std::string("\"signature\": \"") + kSignature),
                    ContainsRegex("\"count\": 1[56],"),
                    HasSubstr("\"reproduced\": false")));
  EXPECT_THAT(ran.out, HasSubstr("does not reproduce: nobody disagrees"));
}

TEST_F(FuzzCommandTest, FirstFindingMayEndTheRun) {
  const std::string target =
      MakeTarget(std::string("echo >> \"$0.starts\"\ncounters\n"
                             "found 'ASSERTION FAILED: ") +
                 kSignature + "'\n");
  const Ran ran = RunEptdiff(
      {"fuzz", "--target", target, "--seconds", "2", "--jobs", "1", "--first"},
      {}, directory_.path());
  EXPECT_EQ(ran.status, 1) << ran.err;
  EXPECT_EQ(ContentOf(directory_.Path("target.starts")), "\n");
  EXPECT_THAT(Report(), HasSubstr("\"count\": 1,"));
}

TEST_F(FuzzCommandTest, SeedsAreEncodedIntoTheCorpus) {
  std::filesystem::create_directory(directory_.Path("seeds"));
  directory_.File("seeds/a.textproto", "step { pdpte_load {} }");
  directory_.File("seeds/b", std::string("\x01\x02", 2));
  directory_.File("seeds/README.md", "no case");
  const std::string target = MakeTarget("counters\n");
  const std::vector<std::string> command = {"fuzz", "--target", target,
                                            "--seeds", "seeds"};
  EXPECT_EQ(RunEptdiff(command, {}, directory_.path()).status, 0);
  for (const char* name : {"seed-0", "seed-1"}) {
    const std::string seed =
        ContentOf(directory_.Path("build/fuzz/corpus/target/") + name);
    ASSERT_FALSE(seed.empty()) << name;
    EXPECT_EQ(seed[0], kEncodingVersion);
  }
  EXPECT_FALSE(std::filesystem::exists(
      directory_.Path("build/fuzz/corpus/target/seed-2")));

  directory_.File("seeds/c.textproto", "processor { maxphyaddr: 99 }");
  const Ran bad = RunEptdiff(command, {}, directory_.path());
  EXPECT_EQ(bad.status, 2);
  EXPECT_THAT(bad.err, HasSubstr("c.textproto:1:13"));
}

TEST_F(FuzzCommandTest, OraclesAndDialectReachTheTarget) {
  const std::string target = MakeTarget(
      "counters\n"
      "echo \"$EPTDIFF_ORACLES $EPTDIFF_DIALECT $EPTDIFF_PLANT\" > asked\n");
  EXPECT_EQ(
      RunEptdiff({"fuzz", "--target", target, "--oracles", "engine",
                  "--dialect", "sdm"},
                 {"EPTDIFF_PLANT=dirty-flag-forgotten"}, directory_.path())
          .status,
      0);
  EXPECT_EQ(ContentOf(directory_.Path("asked")),
            "engine sdm dirty-flag-forgotten\n");
}

TEST_F(FuzzCommandTest, CrashOfTheTargetIsAFinding) {
  const Ran ran = Fuzz(
      "counters\nfound 'SUMMARY: AddressSanitizer: SEGV walk.cc:1'\n", "60");
  EXPECT_EQ(ran.status, 1) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("keeps ending (signal 6)"));
  EXPECT_THAT(Report(),
              AllOf(HasSubstr("AddressSanitizer: SEGV walk.cc:1"),
                    HasSubstr("artifacts/crash-1"), HasSubstr("\"error\": ")));
}

// libFuzzer would notice after 20 seconds; there may be fewer.
TEST_F(FuzzCommandTest, HangAtTheEndIsAFinding) {
  const std::string hangs = "eptdiff-engine-hang-time";
  const std::string text = directory_.File(
      "a.textproto",
      "processor { ept_vpid_cap: 0x6334141 }\n"
      "controls { primary: 0x80000000 secondary: 0x82 eptp: 0x101e }\n"
      "guest { cr0: 0x21 cr4: 0x2000 rflags: 0x2 }\n"
      "memory { address: 0x1000 value: 0x2007 }\n"
      "memory { address: 0x2000 value: 0x3007 }\n"
      "memory { address: 0x3000 value: 0x2010b7 }\n"
      "step { guest_physical_access { kind: READ gpa: 0x0 } }\n");
  const std::string target = MakeTarget(
      "trap '' INT\ncounters\n"
      "trap 'cp \"$0.case\" \"${prefix}crash-1\"; exit 77' ABRT\n"
      "while :; do sleep 0.05; done\n");
  ASSERT_EQ(RunEptdiff({"convert", text, "-o", target + ".case"}).status, 0);
  const Ran ran =
      RunEptdiff({"fuzz", "--target", target, "--seconds", "1", "--jobs", "1"},
                 {"EPTDIFF_PLANT=hang"}, directory_.path());
  EXPECT_EQ(ran.status, 1) << ran.err;
  EXPECT_THAT(Report(), AllOf(HasSubstr("\"signature\": \"" + hangs + "\""),
                              HasSubstr("\"reproduced\": true")));
  EXPECT_THAT(
      ContentOf(directory_.Path("corpus/regressions/" + hangs + ".textproto")),
      HasSubstr("it hangs"));
}

// Whoever fuzzes with the wrong program is not told that all is well.
TEST_F(FuzzCommandTest, RunThatAskedNothingIsExitStatusThree) {
  const Ran ran = Fuzz("exit 0\n", "60");
  EXPECT_EQ(ran.status, 3) << ran.out;
  EXPECT_THAT(ran.err, HasSubstr("nothing was asked"));
}

TEST_F(FuzzCommandTest, TargetThatCannotRunEndsTheRun) {
  const Ran ran = Fuzz("echo 'no such option'\nexit 1\n", "60");
  EXPECT_EQ(ran.status, 4);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("keeps ending (exit status 1)"),
                             HasSubstr("no such option")));
  EXPECT_THAT(Report(), HasSubstr("\"disagreements\": []"));
}

TEST_F(FuzzCommandTest, SignalEndsARunInOrder) {
  for (const int signal : {SIGINT, SIGTERM}) {
    const std::string target = MakeTarget(
        "counters\necho $$ > \"$EPTDIFF_STATS.pid\"\nexec sleep 100\n");
    std::filesystem::remove_all(directory_.Path("build"));
    const pid_t driver =
        StartEptdiff({"fuzz", "--target", target, "--seconds", "600", "--jobs",
                      "1", "--html", "run.html"},
                     directory_.path());
    const std::string pid_file = directory_.Path("build/fuzz/logs/stats-0.pid");
    const auto patience =
        std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (ContentOf(pid_file).empty() &&
           std::chrono::steady_clock::now() < patience) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    const pid_t worker = std::atoi(ContentOf(pid_file).c_str());
    ASSERT_GT(worker, 0);
    kill(driver, signal);
    EXPECT_EQ(Wait(driver), 0);
    EXPECT_EQ(kill(worker, 0), -1) << "the worker lives on";
    EXPECT_THAT(Report(), AllOf(HasSubstr("\"interrupted\": true"),
                                HasSubstr("\"cases\": 100,")));
    EXPECT_THAT(ContentOf(directory_.Path("run.html")),
                AllOf(HasSubstr("ended early, by SIG"),
                      HasSubstr("<dt>cases</dt><dd>100</dd>")));
  }
}

// They would take each other's logs and statistics for their own.
TEST_F(FuzzCommandTest, TwoRunsDoNotShareAFolder) {
  const std::string target =
      MakeTarget("counters\necho > \"$0.runs\"\nexec sleep 100\n");
  const std::vector<std::string> command = {
      "fuzz", "--target", target, "--seconds", "1", "--jobs", "1"};
  std::vector<std::string> long_command = command;
  long_command[4] = "600";
  const pid_t first = StartEptdiff(long_command, directory_.path());
  for (int i = 0; i < 1000 && ContentOf(target + ".runs").empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  const Ran second = RunEptdiff(command, {}, directory_.path());
  EXPECT_EQ(second.status, 4) << second.out;
  EXPECT_THAT(second.err, HasSubstr("another run has build/fuzz/logs"));
  std::vector<std::string> elsewhere = command;
  elsewhere.insert(elsewhere.end(), {"--work", "work", "--report", "report"});
  EXPECT_EQ(RunEptdiff(elsewhere, {}, directory_.path()).status, 0);
  kill(first, SIGKILL);
  Wait(first);
  EXPECT_EQ(RunEptdiff(command, {}, directory_.path()).status, 0);
}

TEST_F(FuzzCommandTest, RunThatASignalEndedSaysSo) {
  const Ran ran =
      Fuzz("counters\nmkdir \"$0.first\" && kill -TERM $PPID\nexec sleep 100\n",
           "600");
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("ended early, by SIGTERM, after "));
}

TEST_F(FuzzCommandTest, WorkersDieWithTheDriver) {
  const std::string target = MakeTarget(
      "counters\necho $$ > \"$EPTDIFF_STATS.pid\"\nexec sleep 100\n");
  const pid_t driver = StartEptdiff(
      {"fuzz", "--target", target, "--seconds", "600", "--jobs", "1"},
      directory_.path());
  const std::string pid_file = directory_.Path("build/fuzz/logs/stats-0.pid");
  for (int i = 0; i < 1000 && ContentOf(pid_file).empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  const pid_t worker = std::atoi(ContentOf(pid_file).c_str());
  ASSERT_GT(worker, 0);
  kill(driver, SIGKILL);
  EXPECT_EQ(Wait(driver), 128 + SIGKILL);
  bool gone = false;
  for (int i = 0; i < 500 && !gone; ++i) {
    gone = kill(worker, 0) == -1 && errno == ESRCH;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_TRUE(gone);
}

}  // namespace
}  // namespace eptdiff
