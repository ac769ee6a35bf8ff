// What people write of hypervisors of their own, in sentences too, and of VM
// entries that fail; with numbers of our own.
#include <string>

#include "fuzzers/command/import/log_testing.h"
#include "fuzzers/command/import/read_log.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

TEST(OwnLogTest, AnExitByItsNumberAlone) {
  const ReadLogResult result = Read(
      "[  7.1] mine: CPU 0: vcpu_handle_exit: exit 48 prev=0\n"
      "[  7.2] mine: CPU 0: vcpu_handle_exit: exit 48 prev=48\n"
      "[  7.3] mine: CPU 0: vcpu_handle_exit: exit 2 prev=48\n"
      "make: *** exit 48\n");
  ASSERT_THAT(result.found, SizeIs(1));
  EXPECT_EQ(result.found[0].reason, 48);
  EXPECT_THAT(result.found[0].again, ElementsAre(1));
  EXPECT_EQ(result.others, 2u);
  EXPECT_THAT(Told(result.found[0]),
              AllOf(HasSubstr("missing: the exit qualification"),
                    HasSubstr("no walk:")));
  const ReadLogResult named =
      Read("stopped: bad vmexit 0x31 (EXIT_REASON_EPT_MISCONFIG)\n");
  ASSERT_THAT(named.found, SizeIs(1));
  EXPECT_EQ(named.found[0].reason, 49);
  // Without a number it is talk.
  EXPECT_THAT(Read("I get an EPT violation all the time\n").found, IsEmpty());
}

TEST(OwnLogTest, WhatAMisconfigurationMayBeIsSaidWhereNoEntryIs) {
  const std::string told = Told(Read("EPT misconfig gpa=0x1234\n").found[0]);
  EXPECT_THAT(told, AllOf(HasSubstr("may be: CFG-1 (SDM 29.3.3.1"),
                          HasSubstr("may be: CFG-11"), HasSubstr("lint"),
                          Not(HasSubstr("CFG-3 "))));
  const std::string walked =
      Told(Read("EPT misconfig gpa=0x1234\nPML4E: 0x2002\n").found[0]);
  EXPECT_THAT(walked, AllOf(HasSubstr("CFG-1"), Not(HasSubstr("may be:"))));
}

TEST(OwnLogTest, NumbersInSentences) {
  const ReadLogResult result = Read(
      "I read the exit qualification with `get()`, and the output is `0x182`.\n"
      "The `EPT violation` comes at guest physical address `0x40201000`, "
      "which\n"
      "is beyond 1G.\n");
  ASSERT_THAT(result.found, SizeIs(1));
  const Logged& logged = result.found[0];
  EXPECT_EQ(logged.qualification, 0x182u);
  EXPECT_EQ(logged.gpa, 0x40201000u);
  EXPECT_THAT(logged.notes,
              Contains("\"exit qualification\" is taken from a sentence: "
                       "0x182"));
  // Of GPA it may be anything; a digit before it may be of something else.
  EXPECT_THAT(Read("ept violation: the GPA access type is `0x83` too\n").found,
              IsEmpty());
  EXPECT_THAT(
      Read("ept violation, exit qualification of vcpu 3 has 0x5 in it\n").found,
      IsEmpty());
}

TEST(OwnLogTest, EntriesByTheNamesOfSmallHypervisors) {
  const ReadLogResult result = Read(
      "hook: no PML1 entry core=0 pa=0x1234000 ept=FFFFF57BE7800000 "
      "pml2=0x4086 large=0 split_pa=0x4000\n"
      "[DEBUG] &Split->PML1[0] = FFFFAE8F2C966000\n"
      "[DEBUG] EPT PML4Entry is 0000000000002007\n"
      "[DEBUG] EPT PML2Pointer is FFFFD87FB58020B8 PML2->LargePage = "
      "00000000\n");
  ASSERT_THAT(result.found, SizeIs(2));
  EXPECT_THAT(ValuesOf(result.found[0].entries), ElementsAre(0x4086));
  EXPECT_THAT(LevelsOf(result.found[0].entries), ElementsAre(2));
  EXPECT_THAT(Told(result.found[0]), HasSubstr("WRONG: EPT misconfiguration: "
                                               "CFG-1"));
  EXPECT_THAT(ValuesOf(result.found[1].entries), ElementsAre(0x2007));
  EXPECT_THAT(LevelsOf(result.found[1].entries), ElementsAre(4));
}

TEST(OwnLogTest, VmEntriesThatFail) {
  struct Failed {
    const char* line;
    const char* says;
  };
  for (const auto& [line, says] : {
           Failed{"(XEN) d3v1 vmentry failure (reason 0x80000021): Invalid "
                  "guest state (2)",
                  "the guest's PDPTEs are refused (27.3.1.6)"},
           Failed{"KVM: entry failed, hardware error 0x80000021",
                  "the guest's state is refused (27.3.1)"},
           Failed{"mine: CPU 0: Failed to enter VM, reason 34, code 3",
                  "MSR 3 of the VM-entry MSR-load area"},
           Failed{"KVM: entry failed, hardware error 0x7", "EPTP-2"},
           Failed{"vmlaunch: VM_INSTRUCTION_ERROR = 7", "CTL-1"},
           Failed{"vmresume: instruction error 8", "host-state"},
           Failed{"invept: VM-instruction error: 28", "INVEPT"},
       }) {
    const ReadLogResult result = Read(std::string(line) + "\n");
    ASSERT_THAT(result.found, SizeIs(1)) << line;
    EXPECT_FALSE(result.found[0].reason) << line;
    const std::string told = Told(result.found[0]);
    EXPECT_THAT(result.found[0].notes, ElementsAre(HasSubstr(says))) << line;
    EXPECT_THAT(told, Not(HasSubstr("no walk"))) << line;
  }
  for (const char* line :
       {"KVM: entry failed, hardware error 0x30", "instruction error 13",
        "vm entry failed, reason unknown"}) {
    EXPECT_THAT(Read(std::string(line) + "\n").found, IsEmpty()) << line;
  }
}

}  // namespace
}  // namespace eptdiff
