// Cases about memory types: `eptdiff explain`, `run` and `minimize`.

#include <string>

#include "fuzzers/command/command_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kGuests = EPTDIFF_EXAMPLES "/libmtrr_types_guest.so";
const std::string kWrong = "EPTDIFF_EXAMPLE_BUG=last-range-wins";

// A UC range of 2 MBytes, and over its second half one that is WB.
constexpr char kCase[] = R"(
machine { cap: 0x500 def_type: 0x806 fix64k_00000: 0x606060606060606 }
hpa: 0x1000
page {
  guest {
    cap: 0x508
    def_type: 0xc06
    phys { base: 0x80000000 mask: 0x3fffffe00800 }
    phys { base: 0x80100006 mask: 0x3ffffff00800 }
    phys { base: 0x4 mask: 0x3ffffff00000 }
  }
  gpa: 0x80101000
}
)";

TEST(MemoryTypeCasesTest, ExplainTellsWhichRegistersDecide) {
  const TestDirectory directory;
  const std::string file = directory.File("a.mtrr", kCase);
  const Ran ran = RunEptdiff({"explain", file});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(
      Unwrapped(ran.out),
      AllOf(HasSubstr("guest-physical 0x80101000: RAM"),
            HasSubstr("IA32_MTRR_DEF_TYPE = 0x806: MTRRs are enabled, fixed "
                      "ranges not, the default type is WB"),
            Not(HasSubstr("FIX64K")),
            HasSubstr("PHYSMASK0 = 0x3fffffe00800: UC from 0x80000000 to "
                      "0x801fffff, which has the page"),
            HasSubstr("PHYSMASK2 = 0x3ffffff00000: not valid"),
            HasSubstr("0x80101000 to 0x80101fff is UC by mtrr-uc-wins (SDM 3A "
                      "12.11.4.1): "),
            HasSubstr("RAM is as the guest's MTRRs and PAT have it: UC, or UC, "
                      "the PAT ignored (mtrr-uc-wins)"),
            HasSubstr("RAM is as the machine's MTRRs and the guest's PAT have "
                      "it: WB (mtrr-default)")));
  EXPECT_THAT(
      ran.out,
      AllOf(HasSubstr("    entry               UC   UC-  WC   WT   WP   "
                      "WB\n"),
            HasSubstr("    UC                  UC   UC   WC   UC   UC   "
                      "UC\n"),
            HasSubstr("    WB, the PAT ignored WB   WB   WB   WB   WB   "
                      "WB\n"),
            Not(HasSubstr("libmtrr"))));
}

TEST(MemoryTypeCasesTest, ALargePageIsToldPieceByPiece) {
  const TestDirectory directory;
  const std::string file = directory.File(
      "a.mtrr",
      "machine { cap: 0x501 def_type: 0x806 smrr { base: 0x6 mask: 0x800 }\n"
      "  phys { base: 0x80001000 mask: 0x3ffffffff800 } }\n"
      "hpa: 0x80000000 bytes: 2097152\n");
  const Ran ran = RunEptdiff({"explain", file});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(
      Unwrapped(ran.out),
      AllOf(HasSubstr("to 0x80001fff, which has a part of the page"),
            HasSubstr("0x80000000 to 0x80000fff is WB by mtrr-default"),
            HasSubstr("0x80001000 to 0x80001fff is UC by mtrr-one-range"),
            HasSubstr("0x80002000 to 0x801fffff is WB by mtrr-default"),
            HasSubstr("permitted: UC, or smaller pages by mtrr-several-types"),
            // The machine has none.
            Not(HasSubstr("SMRR"))));
}

TEST(MemoryTypeCasesTest, FixedRangesAreToldWhereTheyCount) {
  const TestDirectory directory;
  const Ran ran = RunEptdiff(
      {"explain",
       directory.File("a.mtrr",
                      "machine { cap: 0x100 def_type: 0xc06\n"
                      "  fix4k_c8000: 0x606040006060606 }\nhpa: 0xcc000\n")});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(
      Unwrapped(ran.out),
      AllOf(HasSubstr("IA32_MTRR_FIX4K_C8000 = 0x606040006060606: UC from "
                      "0xcc000 to 0xccfff"),
            HasSubstr("permitted: UC by mtrr-fixed (SDM 3A 12.11.4.1): ")));
}

TEST(MemoryTypeCasesTest, ATargetIsAskedAndItsPolicyAloneTold) {
  const TestDirectory directory;
  const std::string file = directory.File("a.mtrr", kCase);
  const Ran right = RunEptdiff({"explain", "--target", kGuests, file});
  EXPECT_EQ(right.status, 0) << right.err;
  EXPECT_THAT(Unwrapped(right.out),
              AllOf(HasSubstr("mtrr_types_guest agrees: UC"),
                    Not(HasSubstr("RAM is as the machine's"))));
  const std::string page = directory.Path("page.html");
  const Ran wrong = RunEptdiff(
      {"explain", "--target", kGuests, "--html", page, file}, {kWrong});
  EXPECT_EQ(wrong.status, 0) << wrong.err;
  const std::string said =
      "mtrr_types_guest DISAGREES: WB, where UC, or UC, the PAT ignored is "
      "permitted: mtrr-uc-wins (SDM ";
  EXPECT_THAT(Unwrapped(wrong.out), HasSubstr(said));
  // What its entry does stands among what is permitted.
  EXPECT_THAT(wrong.out,
              HasSubstr("\n    WB                  UC   UC   WC   "));
  EXPECT_THAT(ContentOf(page), HasSubstr("mtrr_types_guest DISAGREES: WB"));
}

TEST(MemoryTypeCasesTest, RunSaysWhetherItIsMended) {
  const TestDirectory directory;
  const std::string file = directory.File("a.mtrr", kCase);
  EXPECT_EQ(RunEptdiff({"run", "--target", kGuests, file}).status, 0);
  const Ran wrong = RunEptdiff({"run", "--target", kGuests, file}, {kWrong});
  EXPECT_EQ(wrong.status, 1) << wrong.err;
  EXPECT_THAT(wrong.out, HasSubstr("mtrr_types_guest DISAGREES: WB"));
  const Ran nobody = RunEptdiff({"run", file});
  EXPECT_EQ(nobody.status, 3) << nobody.err;
  const Ran other = RunEptdiff(
      {"run", "--target", EPTDIFF_EXAMPLES "/libsimple_walker.so", file});
  EXPECT_EQ(other.status, 2);
  EXPECT_THAT(other.err, HasSubstr("says no memory types"));
}

TEST(MemoryTypeCasesTest, MinimizeKeepsTheFinding) {
  const TestDirectory directory;
  const std::string file = directory.File("a.mtrr", kCase);
  const std::string small = directory.Path("small.mtrr");
  const Ran ran = RunEptdiff(
      {"minimize", "--target", kGuests, "-o", small, file}, {kWrong});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(
      ContentOf(small),
      AllOf(HasSubstr("signature: \"eptdiff-mtrr_types_guest-mtrr-uc-wins\""),
            HasSubstr("base: 0x80100006"), HasSubstr("cap: 0x502"),
            Not(HasSubstr("fix64k")), Not(HasSubstr("mask: 0x3ffffff00000"))));
  EXPECT_EQ(RunEptdiff({"run", "--target", kGuests, small}, {kWrong}).status,
            1);
  const Ran agreed = RunEptdiff({"minimize", "--target", kGuests, file});
  EXPECT_EQ(agreed.status, 2);
  EXPECT_THAT(agreed.err, HasSubstr("nobody disagrees on it"));
  const Ran other = RunEptdiff({"minimize", "--target", kGuests, "--signature",
                                "eptdiff-mtrr_types_guest-mtrr-fixed", file},
                               {kWrong});
  EXPECT_EQ(other.status, 2);
  EXPECT_THAT(other.err, HasSubstr("it shows eptdiff-mtrr_types_guest-"));
}

TEST(MemoryTypeCasesTest, WhatIsNoCaseOfItsKindIsRefused) {
  const TestDirectory directory;
  const std::string file = directory.File("a.mtrr", kCase);
  const Ran ran = RunEptdiff({"convert", file});
  EXPECT_EQ(ran.status, 2);
  EXPECT_THAT(ran.err, HasSubstr("is about memory types"));
  const Ran bad =
      RunEptdiff({"explain", directory.File("b.mtrr", "hpa: 0x1001\n")});
  EXPECT_EQ(bad.status, 2);
  EXPECT_THAT(bad.err, HasSubstr("b.mtrr:1:1: hpa: 0x1001"));
}

}  // namespace
}  // namespace eptdiff
