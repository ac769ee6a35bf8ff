// `eptdiff run`: cases put to all oracles.

#include <string>

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

TEST(CommandTest, RunAgrees) {
  const TestDirectory directory;
  const std::string file = directory.File("a.textproto", kReadOnlyPage);
  const Ran ran = RunEptdiff({"run", file});
  EXPECT_EQ(ran.status, 0) << ran.out << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr(file), HasSubstr("engine    agrees"),
                             HasSubstr("3 answers compared")));
  EXPECT_EQ(RunEptdiff({"run", "--quiet", file}).out, "");
}

TEST(CommandTest, RunTellsWhatWasUsedTooLong) {
  const TestDirectory directory;
  const std::string file = directory.File("a.textproto", kMovedPage);
  EXPECT_EQ(RunEptdiff({"run", "--oracles", "cache", file}).status, 0);
  const Ran ran = RunEptdiff({"run", "--oracles", "cache", file}, kStale);
  EXPECT_EQ(ran.status, 1) << ran.out << ran.err;
  EXPECT_THAT(Unwrapped(ran.out),
              HasSubstr(absl::StrCat("stale: uses ", kStaleWords)));
}

TEST(CommandTest, RunGoesOnAfterABadFile) {
  const TestDirectory directory;
  const Ran ran = RunEptdiff({"run", directory.Path("missing"),
                              directory.File("a.textproto", kReadOnlyPage)});
  EXPECT_EQ(ran.status, 2);
  EXPECT_THAT(ran.out, HasSubstr("2 cases: 1 agree, 0 disagree"));
}

TEST(CommandTest, RunSaysThatNobodyCouldAnswer) {
  if (MakeBochsOracle() == nullptr) GTEST_SKIP() << "built without Bochs";
  const TestDirectory directory;
  const Ran ran = RunEptdiff({"run", "--oracles", "bochs",
                              directory.File("a.textproto", kFiveLevels)});
  EXPECT_EQ(ran.status, 3) << ran.out;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("5-level EPT is not modelled"),
                             HasSubstr("nobody could answer")));
}

// What a case says must be answered is asked of those who answer: not of Bochs
// where it abstains, nor where it departs as it is known to.
TEST(CommandTest, RunHoldsToExpectationsOnlyThoseWhoAnswer) {
  if (MakeBochsOracle() == nullptr) GTEST_SKIP() << "built without Bochs";
  constexpr char kFolder[] =
      EPTDIFF_SOURCE_DIR "/corpus/conformance/kvm-unit-tests/";
  const std::string departs = absl::StrCat(
      kFolder, "ept_access_test_paddr_read_execute_ad_enabled/pt-ad.textproto");
  const std::string abstains = absl::StrCat(
      kFolder, "test_mode_based_execute_control/ept-alone.textproto");
  const Ran ran = RunEptdiff({"run", "--oracles", "bochs", departs, abstains});
  EXPECT_EQ(ran.status, 3) << ran.out;
  EXPECT_THAT(ran.out, HasSubstr("1 agree, 0 disagree, 1 unanswered"));
}

TEST(CommandTest, RunSaysThatThereIsNothingButVmEntry) {
  if (MakeBochsOracle() == nullptr) GTEST_SKIP() << "built without Bochs";
  const TestDirectory directory;
  const Ran ran = RunEptdiff(
      {"run", "--oracles", "bochs",
       directory.File("a.textproto",
                      "processor { ept_vpid_cap: 0x34041 } controls { primary: "
                      "0x80000000 secondary: 0x2 eptp: 0x101e }")});
  EXPECT_EQ(ran.status, 3) << ran.out;
  EXPECT_THAT(ran.out, HasSubstr("no answer: VM-entry checks"));
}

TEST(CommandTest, RunReportsADisagreementFieldByField) {
  const TestDirectory directory;
  const std::string file = directory.File("a.textproto", ReservedBitCase(0));
  EXPECT_EQ(RunEptdiff({"run", file}).status, 0);
  const Ran ran = RunEptdiff({"run", "--quiet", file}, kPlanted);
  EXPECT_EQ(ran.status, 1) << ran.out;
  EXPECT_THAT(
      ran.out,
      AllOf(
          HasSubstr(file), HasSubstr(kPlantedSignature),
          HasSubstr("event: expected VM exit, given completes"),
          HasSubstr("expected: VM exit 49 (EPT misconfiguration)"),
          HasSubstr("CFG-9 (SDM table 29-5; 2026: table 31-5): 2-MByte leaf")));
  EXPECT_THAT(RunEptdiff({"run", file}, {"EPTDIFF_PLANT=large-leaf"}).err,
              HasSubstr("did you mean large-leaf-bit-12?"));
}

TEST(CommandTest, AnAlterationCanBePlanted) {
  const TestDirectory directory;
  const std::string file = directory.File("a.textproto", kReadOnlyPage);
  const Ran ran = RunEptdiff({"run", file}, {"EPTDIFF_PLANT=VIO-3/off"});
  EXPECT_EQ(ran.status, 1) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("eptdiff-engine-event-VIO-3-PDE"));
  EXPECT_THAT(RunEptdiff({"run", file}, {"EPTDIFF_PLANT=VIO-3/of"}).err,
              HasSubstr("did you mean VIO-3/off?"));
}

}  // namespace
}  // namespace eptdiff
