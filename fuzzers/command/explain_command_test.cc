// `eptdiff explain`: a case told entry by entry, operation by operation.

#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "fuzzers/command/cases_testing.h"
#include "fuzzers/command/command_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "oracle/bochs/bochs_oracle.h"

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

TEST(CommandTest, ExplainTellsWhatWasKeptAndWhatEndedThat) {
  const TestDirectory directory;
  const std::string file = directory.File("a.textproto", kMovedPage);
  const Ran ran = RunEptdiff({"explain", "--oracles", "cache", file}, kStale);
  const std::string text = Unwrapped(ran.out);
  EXPECT_THAT(text, AllOf(HasSubstr("PTE at 0x4008 = 0xa037"),
                          HasSubstr("- was 0x9037 before step 2: INVEPT in "
                                    "step 3 (CACHE-6) ended that"),
                          HasSubstr(absl::StrCat("! uses ", kStaleWords))));
  // Without INVEPT it may be used.
  std::string kept(kMovedPage);
  const std::size_t begin = kept.find("step { invalidation");
  kept.erase(begin, kept.find('\n', begin) + 1 - begin);
  EXPECT_THAT(RunEptdiff({"explain", "--oracles", "cache",
                          directory.File("b.textproto", kept)})
                  .out,
              HasSubstr("was 0x9037 before step 2: may still be used"));
}

// Nobody judges VM entry where Bochs sits alone; the steps are told all the
// same.
TEST(CommandTest, ExplainTellsTheStepsOfBochsAlone) {
  if (MakeBochsOracle() == nullptr) GTEST_SKIP() << "built without Bochs";
  const TestDirectory directory;
  const std::string file =
      directory.File("a.textproto", ReservedBitCase(/*words=*/0));
  const Ran ran =
      RunEptdiff({"explain", "--oracles", "bochs", "--dialect", "sdm", file});
  EXPECT_THAT(ran.out, AllOf(HasSubstr("step 1:"), HasSubstr("CFG-9"),
                             HasSubstr("bochs DISAGREES"),
                             HasSubstr("The rest of the case is not judged")));
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

TEST(CommandTest, ExplainTellsWhatLeavesTheRestOpen) {
  const std::string seeds = EPTDIFF_SOURCE_DIR "/corpus/seeds/";
  const std::string hlat = seeds + "gw/gw-15-prefix-size-2.textproto";
  const std::string alias = seeds + "alias/alias-1-log-over-pte.textproto";
  EXPECT_THAT(RunEptdiff({"explain", hlat}).out,
              HasSubstr("undefined from here: GW-15"));
  EXPECT_THAT(RunEptdiff({"run", hlat}).out,
              HasSubstr("undefined from step 1 (GW-15)"));
  EXPECT_THAT(RunEptdiff({"explain", alias}).out,
              HasSubstr("undefined from here: ALIAS-1"));
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
  const Ran ran = RunEptdiff({"explain", "--walk", "0x101e:0x1234", "2007",
                              "3007H", "PDE=0x2010b1", "--save", file});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(
      ran.out,
      AllOf(HasSubstr("assumed: MAXPHYADDR 52 (--maxphyaddr); every EPT"),
            HasSubstr("PDE at 0x3000 = 0x2010b1"),
            HasSubstr("CFG-9 at the PDE forbids it")));
  std::istringstream lines(ran.out);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(line.size(), 80u) << line;
  }
  EXPECT_THAT(RunEptdiff({"explain", file}).out,
              HasSubstr("CFG-9 at the PDE forbids it"));
  EXPECT_THAT(RunEptdiff({"run", "--dialect", "sdm", file}).out,
              HasSubstr("engine    agrees"));
  EXPECT_THAT(RunEptdiff({"explain", "--walk", "0x101e:0x1234", "0x2007",
                          "0x3007", "0x2000b1", "--access", "write"})
                  .out,
              HasSubstr("VIO-3"));
}

// What is known of the machine changes the answer, and is not assumed then.
// The log is looked at twice, for the flags and for what would be set of them.
TEST(CommandTest, AFullLogAheadOfAMisconfigurationIsToldOnceAndDecides) {
  const TestDirectory directory;
  const std::string file = directory.File("a.textproto", R"(
processor { ept_vpid_cap: 0xf0106f341c1 }
controls {
  primary: 0x80000000 secondary: 0x20002 eptp: 0x105e
  pml_address: 0x8000 pml_index: 0xffff
}
guest { cr0: 0x80000031 cr4: 0x2020 efer: 0xd00 cs_l: true rflags: 2 }
memory { address: 0x1000 value: 0x2007 }
memory { address: 0x2000 value: 0x3007 }
memory { address: 0x3000 value: 0x4007 }
memory { address: 0x4008 value: 0x9032 }
step { guest_physical_access { kind: WRITE gpa: 0x1234 } }
)");
  const Ran ran = RunEptdiff({"explain", "--oracles", "engine", file});
  const std::string told = "PML-1 at the PTE forbids it:";
  EXPECT_NE(ran.out.find(told), std::string::npos) << ran.out;
  EXPECT_EQ(ran.out.find(told), ran.out.rfind(told)) << ran.out;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("decided by PML-1:"),
                             HasSubstr("decided by CFG-1 at the PTE:")));
}

// Bochs takes bit 12 of this PDE for part of an address (its dialect).
TEST(CommandTest, TheSdmsReadingIsToldBeforeThatOfADialect) {
  if (MakeBochsOracle() == nullptr) GTEST_SKIP() << "built without Bochs";
  const Ran ran = RunEptdiff(
      {"explain", "--walk", "0x101e:0x1234", "2007", "3007", "2010b1"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  const std::size_t sdm = ran.out.find("CFG-9 at the PDE forbids it");
  const std::size_t bochs = ran.out.find("reference, for bochs\n");
  ASSERT_NE(sdm, std::string::npos);
  ASSERT_NE(bochs, std::string::npos);
  EXPECT_LT(sdm, bochs);
}

TEST(CommandTest, ExplainWalksOnTheMachineThatIsSaid) {
  const std::vector<std::string> walk = {"explain", "--walk", "0x101e:0x1234",
                                         "2007",    "3007",   "b4"};
  const auto with = [&walk](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = walk;
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunEptdiff(arguments).out;
  };
  EXPECT_THAT(with({"--access", "fetch"}), HasSubstr("=> completes at 0x1234"));
  const std::string narrow =
      with({"--access", "fetch", "--capabilities", "0x6334140"});
  EXPECT_THAT(narrow, AllOf(HasSubstr("CFG-2 at the PDE forbids it"),
                            Not(HasSubstr("(--capabilities)"))));
  EXPECT_THAT(with({"--access", "fetch", "--user", "--secondary", "0x400002"}),
              HasSubstr("VIO-6"));
  EXPECT_THAT(with({"--access", "fetch", "--user", "--mbec"}),
              HasSubstr("VIO-6"));
  EXPECT_THAT(RunEptdiff({"explain", "--walk", "0x101e:0x1234", "2007",
                          "400000003007", "b7", "--maxphyaddr", "46"})
                  .out,
              AllOf(HasSubstr("CFG-10"), HasSubstr("note: the walk ends before "
                                                   "0xb7")));
}

TEST(CommandTest, ExplainWalksThroughTheGuestsTables) {
  const Ran ran = RunEptdiff({"explain", "--walk", "0x101e", "--gla", "0x1234",
                              "--cr3", "0x5000", "2007", "400000b1",
                              "guest PML4E=6067", "7067", "e7"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("guest PML4E at 0x40005000 = 0x6067"),
                             HasSubstr("=> completes at 0x40001234")));
}

TEST(CommandTest, ExplainAsksForWhatIsMissing) {
  struct Walk {
    std::vector<std::string> arguments;
    const char* says;
  };
  for (const auto& [arguments, says] : {
           Walk{{"0x101e:0x40201234", "2007", "3007"},
                "the PDE is missing: the PDPTE 0x3007 references a table at "
                "0x3000; the PDE is the word at 0x3008"},
           Walk{{"0x101e:0x1234", "2007", "0", "3007"},
                "0x3007 is superfluous"},
           Walk{{"0x101e:0x1234"}, "the PML4E is missing"},
           Walk{{"0x101e"}, "the address of the access is missing"},
           Walk{{"0x101e", "--gla", "0x1234"}, "CR3 is missing"},
           Walk{{"0x101e:0", "--cr3", "0x5000"}, "--cr3 is of a linear access"},
           Walk{{"0x101e:x", "0"}, "GPA: \"x\" is no number of 64 bits"},
           Walk{{"0x101e:", "0"}, "after the colon is missing"},
           Walk{{":0x1234", "0"}, "takes an EPTP and an address"},
           Walk{{"a:b:c", "0"}, "takes an EPTP and an address"},
           Walk{{"0x101e:0x1234", "fish"}, "\"fish\" is no entry"},
           Walk{{"0x101e:0x1234", "--secondary", "0x100000000", "0"},
                "--secondary: \"0x100000000\" is no number of 32 bits"},
           Walk{{"0x101e:0x10000000000000", "0"}, "could be asked that"},
       }) {
    std::vector<std::string> all = {"explain", "--walk"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const Ran ran = RunEptdiff(all);
    EXPECT_EQ(ran.status, 2) << says;
    EXPECT_THAT(ran.err, HasSubstr(says));
    EXPECT_EQ(ran.out, "");
  }
  EXPECT_THAT(RunEptdiff({"explain", "--gla", "0", "file"}).err,
              HasSubstr("--gla is of --walk"));
  EXPECT_THAT(RunEptdiff({"explain"}).err, HasSubstr("missing: FILE..."));
}

// What the text says stands on the page, too; each case has its part of it.
TEST(CommandTest, ExplainWritesAPage) {
  const TestDirectory directory;
  const std::string page = directory.Path("page.html");
  const std::string case_file = directory.Path("case.textproto");
  const Ran ran = RunEptdiff({"explain", "--oracles", "engine", "--html", page,
                              "--save", case_file, "--walk", "0x101e:0x1234",
                              "2007", "3007", "2010b1"});
  EXPECT_EQ(ran.status, 0);
  EXPECT_THAT(ran.out, HasSubstr("=> VM exit 49"));
  EXPECT_THAT(
      ContentOf(page),
      AllOf(StartsWith("<!DOCTYPE html>"),
            HasSubstr("<h1>--walk 0x101e:0x1234"),
            HasSubstr("<dd>0x101e: WB, 4 levels, tables at 0x1000</dd>"),
            HasSubstr("CFG-9 at the PDE forbids it:"),
            HasSubstr("decides: CFG-9 at the PDE"),
            HasSubstr("reserved bits set: 12"),
            HasSubstr("VM exit 49 (EPT misconfiguration)"),
            HasSubstr("<b>engine</b> <span class=\"good\">agrees</span>"),
            Not(HasSubstr("<script")), Not(HasSubstr("\x1b["))));

  const std::string deviation = absl::StrCat(
      EPTDIFF_SOURCE_DIR, "/corpus/deviations/bochs-3.0/vio-8.textproto");
  EXPECT_EQ(RunEptdiff({"explain", "--oracles", "engine", "--html", page,
                        case_file, deviation})
                .status,
            0);
  EXPECT_THAT(
      ContentOf(page),
      AllOf(HasSubstr("case.textproto</h1>"), HasSubstr("vio-8.textproto</h1>"),
            HasSubstr("for the guest PTE"), HasSubstr("VIO-8")));

  const Ran nowhere =
      RunEptdiff({"explain", "--html", directory.Path("no/page"), case_file});
  EXPECT_EQ(nowhere.status, 4);
  EXPECT_THAT(nowhere.err, HasSubstr("no/page"));
}

}  // namespace
}  // namespace eptdiff
