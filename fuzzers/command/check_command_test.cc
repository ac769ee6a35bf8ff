// How `eptdiff check` begins and ends: targets of each kind, what cannot be
// loaded or written, signals, and a case that is put to a target once more.
#include <signal.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>
#include <vector>

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

// Neither "agrees" nor "differs" may be taken from a check that did not end.
TEST(CheckCommandTest, CheckThatASignalEndedIsExitStatusFour) {
  const TestDirectory directory;
  const std::string target =
      directory.File("target", "#!/bin/sh\nkill -INT $PPID\nexec \"$1\"\n");
  chmod(target.c_str(), 0755);
  const Ran ran =
      RunEptdiff({"check", "--seconds", "600", "--html",
                  directory.Path("page.html"), target, EPTDIFF_PIPE_WALKER});
  EXPECT_EQ(ran.status, 4) << ran.out << ran.err;
  EXPECT_THAT(ContentOf(directory.Path("page.html")),
              HasSubstr("it ended before "));
  EXPECT_THAT(ran.err, HasSubstr("ended early, by SIGINT, after "));
}

// As `timeout`, systemd and cancelled CI jobs send it: what the target would do
// about it is no finding.
TEST(CheckCommandTest, SignalToTheWholeGroupIsNoCrash) {
  const TestDirectory directory;
  for (const char* target : {EPTDIFF_SIMPLE_WALKER, EPTDIFF_PIPE_WALKER}) {
    const pid_t check =
        StartEptdiff({"check", target, "--seconds", "600"}, directory.path());
    const std::string children_file =
        absl::StrCat("/proc/", check, "/task/", check, "/children");
    pid_t child = 0;
    for (int i = 0; i < 1000 && child == 0; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      child = std::atoi(ContentOf(children_file).c_str());
    }
    ASSERT_GT(child, 0);
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    kill(child, SIGTERM);
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    kill(check, SIGTERM);
    EXPECT_EQ(Wait(check), 4) << target;
  }
}

// The first case that `check` writes for this mistake, as a path in
// `directory`.
std::string FirstCaseOf(const std::string& target, const std::string& bug,
                        const TestDirectory& directory) {
  const Ran ran = RunEptdiff({"check", target, "--cases", "2000", "--limit",
                              "300", "--out", directory.path()},
                             {"EPTDIFF_EXAMPLE_BUG=" + bug});
  EXPECT_EQ(ran.status, 1);
  EXPECT_THAT(ran.out, HasSubstr("explain --target " + target + " " +
                                 directory.path() + "/CASE\n"));
  for (const auto& entry :
       std::filesystem::directory_iterator(directory.path())) {
    return entry.path();
  }
  return "no case";
}

struct Replayed {
  std::string target;
  std::string bug;
  std::string says;
};

// With the mistake it is seen again; once that is mended, all is well.
TEST(CheckCommandTest, CaseIsPutToTheTargetOnceMore) {
  const Replayed kReplayed[] = {
      {EPTDIFF_FAULTY_WALKER, "2-mbyte-reserved-unchecked", "CFG-9 at the PDE"},
      {EPTDIFF_FAULTY_WALKER, "stray-store", "no answer: it stores"},
      {EPTDIFF_ENGINE_BUILDER, "invept-missing-for-write", "no INVEPT follows"},
      // Its table is there still when the process ends.
      {EPTDIFF_ENGINE_BUILDER, "dirty-lost", "lost its accessed or dirty flag"},
  };
  for (const auto& [target, bug, says] : kReplayed) {
    const TestDirectory directory;
    const std::string file = FirstCaseOf(target, bug, directory);
    for (const auto& [subcommand, status] :
         {std::pair("run", 1), std::pair("explain", 0)}) {
      const Ran wrong = RunEptdiff({subcommand, "--target", target, file},
                                   {"EPTDIFF_EXAMPLE_BUG=" + bug});
      EXPECT_EQ(wrong.status, status) << bug << wrong.err;
      EXPECT_THAT(wrong.out, AllOf(HasSubstr("DISAGREES"), HasSubstr(says)));
    }
    const Ran smaller = RunEptdiff({"minimize", "--target", target, file},
                                   {"EPTDIFF_EXAMPLE_BUG=" + bug});
    EXPECT_EQ(smaller.status, 0) << bug << smaller.err;
    const Ran right = RunEptdiff({"run", "--target", target, file});
    EXPECT_EQ(right.status, 0) << right.out << right.err;
  }
}

// Before the time is spent.
TEST(CheckCommandTest, WhereNothingCanBeWrittenNothingIsAsked) {
  const TestDirectory directory;
  for (const char* option : {"--json", "--junit", "--sarif", "--out"}) {
    const std::string place = directory.File("file", "") + "/below/a/file";
    const Ran ran = RunEptdiff(
        {"check", EPTDIFF_SIMPLE_WALKER, "--seconds", "600", option, place});
    EXPECT_EQ(ran.status, 4) << option;
    EXPECT_THAT(ran.err, AllOf(HasSubstr("cannot write " + place),
                               Not(HasSubstr("cases"))));
  }
}

TEST(CheckCommandTest, WhatIsNoTargetCannotBeAskedAgain) {
  const TestDirectory directory;
  const std::string file = directory.File("case.textproto", "step {}");
  for (const auto& [target, says] :
       {std::pair(directory.Path("none.so"), "none.so"),
        std::pair(file, "neither a shared object"),
        std::pair(std::string(EPTDIFF_UNFIT_NO_ANSWER),
                  "does not define eptdiff_target_answer")}) {
    const Ran ran = RunEptdiff({"run", "--target", target, file});
    EXPECT_EQ(ran.status, 2);
    EXPECT_THAT(ran.err, HasSubstr(says));
  }
}

TEST(CheckCommandTest, AnObjectThatWalksAndBuildsIsCheckedAsBoth) {
  const TestDirectory directory;
  const Ran ran = RunEptdiff({"check", EPTDIFF_WALKER_AND_BUILDER, "--cases",
                              "2000", "--json", directory.Path("report.json"),
                              "--junit", directory.Path("report.xml"),
                              "--sarif", directory.Path("report.sarif")});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("agrees with the SDM in all"),
                             HasSubstr("builds tables: ")));
  EXPECT_THAT(ContentOf(directory.Path("report.json")),
              HasSubstr("\n  \"builder\": {\n"));
  const std::string xml = ContentOf(directory.Path("report.xml"));
  EXPECT_NE(xml.find("<testsuite "), xml.rfind("<testsuite "));
  const std::string sarif = ContentOf(directory.Path("report.sarif"));
  EXPECT_NE(sarif.find("\"driver\""), sarif.rfind("\"driver\""));
  EXPECT_THAT(sarif, AllOf(ContainsRegex("\"id\": \"eptdiff/.*/walker/\""),
                           ContainsRegex("\"id\": \"eptdiff/.*/builder/\"")));
}

TEST(CheckCommandTest, AProgramAnswersOverAPipe) {
  struct Piped {
    std::string bug;
    std::vector<std::string> departures;
    std::vector<std::string> findings;
  };
  const Piped kPiped[] = {
      {"", {}, {}},
      {"write-only-accepted", {"CFG-1"}, {}},
      {"die", {}, {"crash-exit5"}},
      {"sleep", {}, {"hang-time"}},
      {"babble", {}, {"protocol-syntax"}},
  };
  for (const Piped& piped : kPiped) {
    const Checked checked = Check(EPTDIFF_PIPE_WALKER, piped.bug, "2000");
    EXPECT_EQ(checked.ran.status, piped.bug.empty() ? 0 : 1)
        << piped.bug << checked.ran.out << checked.ran.err;
    EXPECT_EQ(checked.departures, piped.departures) << piped.bug;
    EXPECT_EQ(checked.findings, piped.findings) << piped.bug;
  }
}

// ... not on the terminal, for each death anew.
TEST(CheckCommandTest, WhatAProgramPrintedIsInTheReport) {
  const Checked checked = Check(EPTDIFF_PIPE_WALKER, "die", "2000");
  EXPECT_THAT(checked.ran.out, HasSubstr("pipe_walker: gives up"));
  EXPECT_THAT(checked.ran.err, Not(HasSubstr("gives up")));
}

TEST(CheckCommandTest, WhatIsPrintedBeforeAnythingIsSaidIsShown) {
  const TestDirectory directory;
  const std::string program =
      directory.File("fails", "#!/bin/sh\necho no licence >&2\nexit 3\n");
  ASSERT_EQ(chmod(program.c_str(), 0755), 0);
  const Ran ran = RunEptdiff({"check", program});
  EXPECT_EQ(ran.status, 2);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("before it has described itself"),
                             HasSubstr("no licence")));
}

// The corpus alone would take hours, and what it describes itself in is more
// time than it is asked in.
TEST(CheckCommandTest, SecondsBoundTheCorpusToo) {
  const TestDirectory directory;
  const std::string program = directory.File(
      "slow",
      "#!/bin/sh\nsleep 4\nprintf 'eptdiff_target 1\\nname slow\\n"
      "models 4_levels\\nend\\n'\n"
      "while read line; do\n"
      "  [ \"$line\" = end ] && sleep 0.2 && printf 'not_modelled\\nend\\n'\n"
      "done\n");
  ASSERT_EQ(chmod(program.c_str(), 0755), 0);
  const Ran ran = RunEptdiff({"check", program, "--seconds", "1", "--limit",
                              "9000", "--json", directory.Path("report.json")});
  EXPECT_THAT(ran.out, HasSubstr("it ended before"));
  EXPECT_THAT(ran.out, Not(HasSubstr("took -")));
  EXPECT_THAT(ContentOf(directory.Path("report.json")),
              Not(HasSubstr("_per_case\": -")));
}

TEST(CheckCommandTest, ATargetThatCannotBeLoadedIsBadInput) {
  const TestDirectory directory;
  struct Misuse {
    std::vector<std::string> arguments;
    std::string says;
  };
  const Misuse kMisuses[] = {
      {{"check"}, "missing: TARGET"},
      {{"check", "/nowhere/at/all.so"}, "/nowhere/at/all.so: No such file"},
      {{"check", directory.File("empty.so", "")}, "file too short"},
      {{"check", "/dev/null"}, "neither a shared object (.so) nor a program"},
      {{"check", "/bin/true"}, "before it has described itself"},
      {{"check", EPTDIFF_SIMPLE_WALKER, "x"}, "takes no arguments"},
      {{"check", EPTDIFF_UNFIT_NO_ANSWER},
       "does not define eptdiff_target_answer"},
      {{"check", EPTDIFF_UNFIT_OLD_VERSION},
       "with version 0 of eptdiff_target.h"},
      {{"check", EPTDIFF_UNFIT_NO_VERSION},
       "does not define eptdiff_target_abi"},
      {{"check", EPTDIFF_EXAMPLES "/libunfit_unresolved.so"},
       "(it calls __tsan_announces_something_new)"},
      {{"check", EPTDIFF_UNFIT_BUILDER},
       "does not define eptdiff_builder_create"},
      {{"check", EPTDIFF_SIMPLE_BUILDER, "x"}, "takes no arguments"},
      {{"check", EPTDIFF_SIMPLE_WALKER, "--corpus", "/nowhere"}, "/nowhere"},
  };
  for (const Misuse& misuse : kMisuses) {
    const Ran ran = RunEptdiff(misuse.arguments);
    EXPECT_EQ(ran.status, 2) << misuse.says;
    EXPECT_THAT(ran.err, HasSubstr(misuse.says));
    EXPECT_EQ(ran.out, "") << misuse.says;
  }
}

TEST(CheckCommandTest, AReportThatCannotBeWrittenIsSaid) {
  const Ran ran = RunEptdiff({"check", EPTDIFF_SIMPLE_WALKER, "--cases", "100",
                              "--json", "/nowhere/at/all.json"});
  EXPECT_EQ(ran.status, 4);
  EXPECT_THAT(ran.err, HasSubstr("/nowhere/at/all.json"));
}

}  // namespace
}  // namespace eptdiff
