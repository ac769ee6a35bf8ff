// `eptdiff explain`: a case told entry by entry, operation by operation.

#include <sstream>
#include <string>

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

TEST(CommandTest, ExplainTellsTheWalk) {
  const TestDirectory directory;
  const std::string file = directory.File("a.textproto", kReadOnlyPage);
  const Ran ran = RunEptdiff({"explain", file});
  EXPECT_EQ(ran.status, 0);
  EXPECT_THAT(
      ran.out,
      AllOf(HasSubstr("MAXPHYADDR 46"), HasSubstr("WB, 4 levels"),
            HasSubstr("PML4E at 0x1000 = 0x2007: read, write, execute, table "
                      "at 0x2000"),
            HasSubstr("PDE at 0x3000 = 0x2000b1: read, 2-MByte page at "
                      "0x200000, WB"),
            HasSubstr("completes at 0x201234 (2-MByte page, WB"),
            HasSubstr("VIO-3 at the PDE forbids it: data write, bit 1 clear"),
            HasSubstr("=> VM exit 48 (EPT violation)"),
            HasSubstr("undefined bits: 6, 9,"),
            HasSubstr("engine agrees: VM exit 48"), Not(HasSubstr("\x1b["))));
  std::istringstream lines(ran.out);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(line.size(), 80u) << line;
  }
}

// 32-bit paging with a page directory at guest-physical 0x5000 and a page table
// at 0x6000: a page that EPT does not map, and a read-only one.
TEST(CommandTest, ExplainTellsTheGuestsEntriesAndTheWayToThem) {
  constexpr char kGuest[] =
      "processor { ept_vpid_cap: 0x6334141 }\n"
      "controls { primary: 0x80000000 secondary: 0x2 eptp: 0x101e }\n"
      "guest { cr0: 0x80010021 cr3: 0x5000 cr4: 0x2000 rflags: 2 cpl: 3 }\n"
      "memory { address: 0x1000 value: 0x2007 }\n"
      "memory { address: 0x2000 value: 0x3007 }\n"
      "memory { address: 0x3000 value: 0x4007 }\n"
      "memory { address: 0x4028 value: 0x9037 }\n"
      "memory { address: 0x4030 value: 0xa037 }\n"
      "memory { address: 0x9000 value: 0x600500006007 }\n"
      "memory { address: 0xa000 value: 0x200700000000 }\n"
      "step { linear_access { kind: WRITE gla: 0x1234 } }\n"
      "step { linear_access { kind: WRITE gla: 0x401234 } }\n";
  const TestDirectory directory;
  const Ran ran = RunEptdiff({"explain", "--oracles", "engine",
                              directory.File("a.textproto", kGuest)});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(
      ran.out,
      AllOf(HasSubstr("guest: CPL 3, 32-bit paging, CR3 0x5000, WP"),
            HasSubstr("\n        PTE at 0x4028 = 0x9037: read, write"),
            HasSubstr("\n    guest PDE at 0x9000 = 0x6007: writable, user, "
                      "table at 0x6000"),
            HasSubstr("\n    guest PTE at 0xa004 = 0x2007: writable, user, "
                      "4-KByte page at 0x2000"),
            HasSubstr("VIO-1 at the PTE forbids it"),
            HasSubstr("GW-7 at the guest PTE forbids it"),
            HasSubstr("its flags are set the same way"),
            HasSubstr("#PF, error code 0x7 (P, W/R, U/S), CR2 0x401234")));
  // Each way once, though the flags of an entry take it again.
  const std::string first = ran.out.substr(0, ran.out.find("step 2"));
  const std::string way = "\n        PTE at 0x4028";
  EXPECT_EQ(first.find(way), first.rfind(way));
}

// The flags of two entries may be refused first, in any order with the accessed
// flags above them.
TEST(CommandTest, ExplainTellsEachAlternativeOnce) {
  const Ran ran = RunEptdiff({"explain", "--oracles", "engine",
                              EPTDIFF_SOURCE_DIR
                              "/corpus/deviations/bochs-3.0/vio-8.textproto"});
  const std::string last = ran.out.substr(ran.out.find("step 1"));
  const std::string first = "undefined bits: 0, 6, 9, 10, 11, 14, GPA 0x3000";
  EXPECT_EQ(last.find(first), last.rfind(first)) << last;
  EXPECT_THAT(last, HasSubstr("14, GPA 0x4000"));
}

TEST(CommandTest, SeveralCasesAreExplained) {
  const TestDirectory directory;
  const std::string a = directory.File("a.textproto", kReadOnlyPage);
  const std::string b = directory.File("b.textproto", kFiveLevels);
  const Ran ran = RunEptdiff({"explain", a, b});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(StartsWith(a + "\n"), HasSubstr("\n\n" + b)));
}

TEST(CommandTest, CasesAboutBuildersAreRunAndExplained) {
  const TestDirectory directory;
  const std::string file = directory.File("a.textproto", kTableCase);
  const Ran good = RunEptdiff({"run", file});
  EXPECT_EQ(good.status, 0) << good.out;
  EXPECT_THAT(good.out, HasSubstr("builder   agrees (7 answers compared)"));
  const Ran bad = RunEptdiff({"run", file}, kNoInvept);
  EXPECT_EQ(bad.status, 1);
  EXPECT_THAT(bad.out,
              AllOf(HasSubstr("DISAGREES at step 5"),
                    HasSubstr("eptdiff-builder-stale-right-CACHE-9-PTE"),
                    HasSubstr("CACHE-9 (SDM 29.4.3.4; 2026: 31.4.3.4)")));
  EXPECT_THAT(
      RunEptdiff({"explain", file}).out,
      AllOf(HasSubstr("step 4: protect the page at guest-physical 0x3000"),
            HasSubstr("stores PTE at 0x"), HasSubstr("INVEPT with EPTP"),
            HasSubstr("VIO-3 at the PTE")));
  EXPECT_THAT(RunEptdiff({"explain", file}, kNoInvept).out,
              HasSubstr("may go by 1 cached path instead"));
}

// As copied from a log: the root's entry first.
TEST(CommandTest, ExplainMakesAWalkOfEntries) {
  const TestDirectory directory;
  const std::string file = directory.Path("walk.textproto");
  const Ran ran = RunEptdiff({"explain", "--walk", "0x101e:0x1234", "0x2007",
                              "3007H", "0x2010b1", "--save", file});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("PDE at 0x3000 = 0x2010b1"),
                             HasSubstr("CFG-9 at the PDE forbids it")));
  EXPECT_THAT(RunEptdiff({"explain", file}).out,
              HasSubstr("CFG-9 at the PDE forbids it"));
  EXPECT_THAT(RunEptdiff({"explain", "--walk", "0x101e:0x1234", "0x2007",
                          "0x3007", "0x2000b1", "--access", "write"})
                  .out,
              HasSubstr("VIO-3"));
}

TEST(CommandTest, ExplainAsksForTheEntryThatIsMissing) {
  const Ran missing = RunEptdiff(
      {"explain", "--walk", "0x101e:0x40201234", "0x2007", "0x3007"});
  EXPECT_EQ(missing.status, 2);
  EXPECT_THAT(missing.err, HasSubstr("the PDE is missing: the word at 0x3008"));
  const Ran beyond = RunEptdiff(
      {"explain", "--walk", "0x101e:0x1234", "0x2007", "0x0", "0x3007"});
  EXPECT_EQ(beyond.status, 2);
  EXPECT_THAT(beyond.err, HasSubstr("it does not come to 0x3007"));
  for (const char* place : {"0x101e", "0x101e:x", "a:b:c"}) {
    EXPECT_EQ(RunEptdiff({"explain", "--walk", place, "0"}).status, 2) << place;
  }
}

}  // namespace
}  // namespace eptdiff
