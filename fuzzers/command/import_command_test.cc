// `eptdiff import`: a log becomes explanations and cases.

#include <filesystem>
#include <string>

#include "fuzzers/command/command_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kMisconfiguration[] =
    "kernel: usb 1-1: new high-speed USB device\n"
    "kernel: EPT: Misconfiguration.\n"
    "kernel: EPT: GPA: 0x1234a5538\n"
    "kernel: ept_misconfig_inspect_spte: spte 0x91c236107 level 4\n"
    "kernel: ept_misconfig_inspect_spte: spte 0x9515c7107 level 3\n"
    "kernel: ept_misconfig_inspect_spte: spte 0xce4657107 level 2\n"
    "kernel: ept_misconfig_inspect_spte: spte 0x1028125d76 level 1\n"
    "kernel: ept_misconfigured in a way \x1b[31m that nobody knows\n";

TEST(ImportCommandTest, ALogIsExplained) {
  const TestDirectory directory;
  const Ran ran =
      RunEptdiff({"import", directory.File("log", kMisconfiguration)});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(
      ran.out,
      AllOf(HasSubstr("lines 2 to 7: EPT misconfiguration (KVM)"),
            HasSubstr("CFG-1 at the PTE forbids it"), HasSubstr("as logged"),
            HasSubstr("Assumed of the machine: MAXPHYADDR 52"),
            HasSubstr("line 8: kernel: ept_misconfigured in a way ?[31m"),
            HasSubstr("1 line is about something else")));
}

TEST(ImportCommandTest, WalksBecomeCases) {
  const TestDirectory directory;
  const std::string out = directory.Path("new/cases");
  const Ran ran = RunEptdiff({"import", "--out", out, "--maxphyaddr", "46",
                              directory.File("log", kMisconfiguration)});
  EXPECT_EQ(ran.status, 0) << ran.err;
  const std::string file = out + "/line-2.textproto";
  EXPECT_THAT(ran.out, AllOf(HasSubstr("case: " + file),
                             Not(HasSubstr("MAXPHYADDR 52"))));
  EXPECT_EQ(RunEptdiff({"run", "--oracles", "engine", file}).status, 0);
  EXPECT_THAT(RunEptdiff({"explain", "--oracles", "engine", file}).out,
              AllOf(HasSubstr("From a log, lines 2 to 7"),
                    HasSubstr("CFG-1 at the PTE forbids it")));
}

TEST(ImportCommandTest, JsonHasTheSame) {
  const TestDirectory directory;
  const Ran ran = RunEptdiff(
      {"import", "--json", directory.File("log", kMisconfiguration)});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(
      ran.out,
      AllOf(HasSubstr("\"lines\": [2, 3, 4, 5, 6, 7]"),
            HasSubstr("\"exit_reason\": 49"),
            HasSubstr("{\"level\": 1, \"value\": \"0x1028125d76\"}"),
            HasSubstr("\"as_logged\": true"),
            HasSubstr("\"answer\": \"VM exit 49"), HasSubstr("\"line\": 8"),
            HasSubstr("MAXPHYADDR 52"), HasSubstr("\"other_lines\": 1")));
}

TEST(ImportCommandTest, BadInputIsExitStatusTwoAndSaysWhat) {
  const TestDirectory directory;
  struct Bad {
    std::vector<std::string> arguments;
    std::string says;
  };
  for (const auto& [arguments, says] : {
           Bad{{}, "missing: FILE"},
           Bad{{directory.Path("nowhere")}, "No such file"},
           Bad{{directory.path()}, "is a directory"},
           Bad{{directory.File("empty", "")}, "it is empty"},
           Bad{{directory.File("blank", "\n \n")}, "it is empty"},
           Bad{{"--eptp", "x", "y"}, "\"x\" is no number of 64 bits"},
           Bad{{"--secondary", "0x100000000", "y"}, "no number of 32 bits"},
           Bad{{"--maxphyaddr", "53", "y"}, "a number from 32 to 52"},
       }) {
    std::vector<std::string> all = {"import"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const Ran ran = RunEptdiff(all);
    EXPECT_EQ(ran.status, 2) << says;
    EXPECT_THAT(ran.err, HasSubstr(says));
    EXPECT_EQ(ran.out, "") << says;
  }
}

TEST(ImportCommandTest, WhereNothingIsUnderstoodItSaysSo) {
  const TestDirectory directory;
  const Ran ran = RunEptdiff(
      {"import", directory.File("log", std::string("a\0b\nspte?\n", 10))});
  EXPECT_EQ(ran.status, 2);
  EXPECT_THAT(ran.out, AllOf(HasSubstr("Nothing was found"),
                             HasSubstr("line 2: spte?")));
}

TEST(ImportCommandTest, ACaseThatCannotBeWrittenIsExitStatusFour) {
  const TestDirectory directory;
  const std::string log = directory.File("log", kMisconfiguration);
  const Ran ran = RunEptdiff({"import", "--out", log, log});
  EXPECT_EQ(ran.status, 4);
  EXPECT_THAT(ran.err, HasSubstr(log));
  std::filesystem::create_directories(directory.Path("d/line-2.textproto"));
  EXPECT_EQ(RunEptdiff({"import", "--out", directory.Path("d"), log}).status,
            4);
}

}  // namespace
}  // namespace eptdiff
