#include "fuzzers/command/import/logged_walk.h"

#include <sstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Logged Exit(std::uint16_t reason, std::uint64_t qualification,
            const std::vector<std::string>& entries) {
  Logged logged;
  logged.what = "something";
  logged.lines = {2, 3, 7};
  logged.reason = reason;
  logged.qualification = qualification;
  logged.gpa = 0x1234;
  logged.gla = 0x7f001234;
  for (const std::string& entry : entries) {
    logged.entries.push_back(*CopiedEntryIn(entry));
  }
  return logged;
}

ToldLog Tell(const Logged& logged, const BesideLog& beside = {}) {
  ToldLog told = TellLogged(logged, beside, Style(false));
  std::istringstream lines(told.text);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(line.size(), 80u) << line;
  }
  return told;
}

TEST(LoggedWalkTest, TheSdmIsHeldAgainstTheLog) {
  const ToldLog told = Tell(Exit(48, 0x18a, {"2007", "3007", "b1"}));
  EXPECT_THAT(told.text, AllOf(HasSubstr("lines 3 to 8: something"),
                               HasSubstr("missing (VIO-3)"),
                               HasSubstr("asked: write of 1 byte"),
                               HasSubstr("VIO-3 at the PDE forbids it"),
                               HasSubstr("\n  as logged\n")));
  EXPECT_EQ(told.as_logged, AsLogged::kYes);
  EXPECT_THAT(told.answer, HasSubstr("VM exit 48"));
  ASSERT_TRUE(told.text_case);
  EXPECT_THAT(told.text_case->explanation, HasSubstr("lines 3 to 8"));
}

TEST(LoggedWalkTest, AnotherAnswerThanTheLogsIsSaid) {
  // The rights that are reported are those of a page that may be written.
  const ToldLog told = Tell(Exit(48, 0x182, {"2007", "3007", "b1"}));
  EXPECT_EQ(told.as_logged, AsLogged::kNo);
  EXPECT_THAT(told.text, HasSubstr("NOT AS LOGGED:"));
  EXPECT_EQ(Tell(Exit(48, 0x18a, {"2007", "3007", "b3"})).as_logged,
            AsLogged::kNo);
}

TEST(LoggedWalkTest, WhereAMisconfigurationWouldBeOneIsLookedFor) {
  Logged logged = Exit(49, 0, {"2007", "3007", "1000000004007", "9037"});
  logged.qualification.reset();
  const ToldLog wide = Tell(logged);
  EXPECT_EQ(wide.as_logged, AsLogged::kNo);
  EXPECT_THAT(wide.text,
              HasSubstr("It would be as logged with MAXPHYADDR 48 or less"));
  EXPECT_THAT(wide.text, HasSubstr("the access is a read"));
  BesideLog beside;
  beside.machine.maxphyaddr = 46;
  EXPECT_EQ(Tell(logged, beside).as_logged, AsLogged::kYes);

  Logged execute = Exit(49, 0, {"2007", "3007", "b4"});
  EXPECT_THAT(Tell(execute).text, AllOf(HasSubstr("without execute-only"),
                                        HasSubstr("without 2-MByte pages")));
}

TEST(LoggedWalkTest, AnAccessToAGuestEntryIsAskedAsOne) {
  const ToldLog told = Tell(Exit(48, 0x8b, {"2007", "3007", "b1"}));
  EXPECT_THAT(told.text, HasSubstr("guest paging-structure entry"));
  EXPECT_EQ(told.text_case->c.steps[0].kind, StepKind::kPagingStructureUpdate);
}

TEST(LoggedWalkTest, WhatIsMissingForAWalkIsSaid) {
  const ToldLog few = Tell(Exit(48, 0x182, {"2007", "3007"}));
  EXPECT_THAT(few.no_walk, HasSubstr("the PDE is missing"));
  EXPECT_THAT(few.text, HasSubstr("0x3007: PTE = "));
  EXPECT_FALSE(few.text_case);
  Logged nowhere = Exit(48, 0x182, {"2007", "0"});
  nowhere.gpa.reset();
  EXPECT_THAT(Tell(nowhere).no_walk, HasSubstr("--gpa"));
  BesideLog beside;
  beside.gpa = 0x1000;
  EXPECT_THAT(Tell(nowhere, beside).no_walk, IsEmpty());
  EXPECT_THAT(Tell(Exit(48, 0x182, {"PDE=2012"})).wrong,
              Contains(HasSubstr("CFG-1")));
  EXPECT_THAT(Tell(Exit(48, 0x182, {})).no_walk, HasSubstr("no EPT entries"));
}

TEST(LoggedWalkTest, WhatTheLogSaysCountsMoreThanWhatStandsBeside) {
  BesideLog beside;
  beside.eptp = 0x7001e;
  beside.gpa = 0x5000;
  Logged logged = Exit(48, 0x182, {"2007", "0"});
  EXPECT_THAT(Tell(logged, beside).text, HasSubstr("PML4E at 0x70000"));
  logged.eptp = 0x6001e;
  EXPECT_THAT(
      Tell(logged, beside).text,
      AllOf(HasSubstr("PML4E at 0x60000"),
            HasSubstr("EPTP: 0x6001e: WB, 4 levels"), HasSubstr("GPA 0x1234")));
}

TEST(LoggedWalkTest, TheRootThatIsAssumedIsNoTableOfTheEntries) {
  EXPECT_THAT(Tell(Exit(48, 0x182, {"1007", "2007", "0"})).text,
              AllOf(HasSubstr("EPTP 0x301e (--eptp)"),
                    Not(HasSubstr("undefined from here"))));
  EXPECT_THAT(Tell(Exit(48, 0x182, {"PML5E=2007", "0"})).text,
              HasSubstr("EPTP 0x1026"));
}

TEST(LoggedWalkTest, WhatIsWrongIsCollected) {
  Logged logged = Exit(48, 0x192, {});
  logged.eptp = 0x101b;
  EXPECT_THAT(Tell(logged).wrong, AllOf(Contains(HasSubstr("CFG-1")),
                                        Contains(HasSubstr("EPTP-1"))));
}

TEST(LoggedWalkTest, GuestEntriesAreToldAsTheGuests) {
  Logged logged;
  logged.what = "something";
  logged.lines = {0};
  logged.guest_entries = {{0x5109063, EntryLevel{4, true}}};
  EXPECT_THAT(Tell(logged).text,
              AllOf(HasSubstr("line 1: something"),
                    HasSubstr("guest PML4E = 0x5109063: writable, supervisor"),
                    Not(HasSubstr("no walk"))));
}

}  // namespace
}  // namespace eptdiff
