// `eptdiff rules` and `eptdiff dialect`: what is known, and what a corpus
// decides.

#include <string>
#include <utility>

#include "fuzzers/command/cases_testing.h"
#include "fuzzers/command/command_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(CommandTest, RulesAreListedWithTheirSections) {
  const Ran ran = RunEptdiff({"rules"});
  EXPECT_EQ(ran.status, 0);
  EXPECT_THAT(ran.out,
              AllOf(HasSubstr("CFG-8     SDM table 29-3; 2026: table 31-3\n"),
                    HasSubstr("1-GByte leaf: any of bits 29:12")));
}

TEST(CommandTest, SilencesAreListedWithBothReadings) {
  const Ran ran = RunEptdiff({"rules", "--silences"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(ran.out,
              AllOf(HasSubstr("eptp-bit-7\n    SDM: table 25-9, 27.2.1.1; "
                              "2026: table 27-9, 29.2.1.1\n"),
                    HasSubstr("\n    either: EPTP bit 7 enables"),
                    HasSubstr("\n    or: bits 11:7 are reserved"),
                    HasSubstr("\n    rules: EPTP-4\n")));
  EXPECT_EQ(RunEptdiff({"rules", "--silences", "CFG-8"}).status, 2);
}

// By whatever name it was met: in a report, in a signature, as a family.
TEST(CommandTest, OneRuleIsToldWithItsMistakes) {
  for (const char* name : {"VIO-8", "vio-8", "VIO-8/walk-updates-unchecked",
                           "eptdiff-bochs-event-VIO-8-PTE"}) {
    const Ran ran = RunEptdiff({"rules", name});
    EXPECT_EQ(ran.status, 0) << ran.err;
    EXPECT_THAT(
        ran.out,
        AllOf(StartsWith("VIO-8     SDM 29.3.3.2; 2026: 31.3.3.2\n"),
              HasSubstr("          VIO-8/walk-updates-unchecked: the walk"),
              HasSubstr("in bochs-3.0,"), Not(HasSubstr("VIO-9"))));
  }
  EXPECT_THAT(RunEptdiff({"rules", "SPP"}).out,
              AllOf(StartsWith("SPP-1 "), HasSubstr("\nSPP-8 ")));
}

TEST(CommandTest, CasesThatDecideARuleAreNamed) {
  const TestDirectory directory;
  const std::string file = directory.File("a.textproto", kReadOnlyPage);
  for (const auto& [rule, says] :
       {std::pair("VIO-3", "decided by 1 case, the smallest first:\n  " + file),
        std::pair("SPP-3", std::string("decided by 0 cases\n"))}) {
    const Ran ran = RunEptdiff({"rules", rule, "--corpus", directory.path()});
    EXPECT_EQ(ran.status, 0);
    EXPECT_THAT(ran.out, HasSubstr(says));
  }
}

TEST(CommandTest, RulesSayWhatACorpusDecides) {
  const TestDirectory directory;
  directory.File("a.textproto", kReadOnlyPage);
  const Ran ran = RunEptdiff({"rules", "--corpus", directory.path()});
  EXPECT_EQ(ran.status, 0);
  // The write is refused by VIO-3; nothing here has to do with CFG-8.
  EXPECT_THAT(ran.out, ::testing::ContainsRegex("VIO-3 +1  "));
  EXPECT_THAT(ran.out, ::testing::ContainsRegex("CFG-8 +0  "));
  EXPECT_THAT(ran.out, AllOf(HasSubstr("1 cases decide"),
                             ::testing::ContainsRegex("undecided:.* CFG-8")));
  // ... in the only situation there is: no paging, a 2-MByte leaf.
  EXPECT_THAT(ran.out,
              HasSubstr("VIO-3     none     - - - - - -     . . . 1 ."));
  EXPECT_THAT(ran.out, HasSubstr("guest paging, undecided: GW-1 in none"));
}

TEST(CommandTest, DialectsAreListedInWords) {
  const Ran bochs = RunEptdiff({"dialect", "bochs-3.0"});
  EXPECT_EQ(bochs.status, 0);
  EXPECT_THAT(bochs.out,
              AllOf(HasSubstr("WALK-2/off (SDM 29.3.2, table 28-7; 2026: "),
                    HasSubstr("instead of QUAL-6: ")));
  EXPECT_THAT(RunEptdiff({"dialect"}).out,
              AllOf(HasSubstr("CFG-8/off"), HasSubstr("silicon-skylake-sp")));
  EXPECT_THAT(RunEptdiff({"dialect", "silicon-skylake-sp"}).out,
              AllOf(HasSubstr("VE-1/update-despite-suppress"),
                    HasSubstr("Cascade Lake: kernel bug 220631")));
  EXPECT_THAT(RunEptdiff({"dialect", "sdm"}).out, HasSubstr("0 departures"));
}

}  // namespace
}  // namespace eptdiff
