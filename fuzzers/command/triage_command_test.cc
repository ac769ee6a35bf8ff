// `eptdiff minimize` and `eptdiff triage`: small cases of what was found.

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "fuzzers/command/cases_testing.h"
#include "fuzzers/command/command_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// A text of a case whose strings are not broken into lines.
std::string Unwrapped(std::string text) {
  constexpr char kWrap[] = "\"\n  \"";
  while (text.find(kWrap) != std::string::npos) {
    text.erase(text.find(kWrap), sizeof(kWrap) - 1);
  }
  return text;
}

TEST(CommandTest, MinimizeKeepsTheFinding) {
  const TestDirectory directory;
  const std::string file = directory.File("a.textproto", ReservedBitCase(50));
  const std::string out = directory.Path("small.textproto");
  ASSERT_EQ(RunEptdiff({"minimize", file, "-o", out}, kPlanted).status, 0);
  const std::string text = ContentOf(out);
  EXPECT_THAT(text,
              AllOf(HasSubstr(kPlantedSignature), HasSubstr("rule: \"CFG-9\""),
                    HasSubstr("sdm_section: \"table 29-5\""),
                    HasSubstr("explanation:"), HasSubstr("expected:")));
  // PML4E, PDPTE, PDE.
  std::size_t words = 0;
  for (std::size_t at = 0; (at = text.find("memory {", at)) != text.npos;
       ++at) {
    ++words;
  }
  EXPECT_EQ(words, 3u) << text;
  EXPECT_EQ(RunEptdiff({"run", out}, kPlanted).status, 1);
  EXPECT_EQ(RunEptdiff({"run", out}).status, 0);
  EXPECT_EQ(RunEptdiff({"minimize", out}, kPlanted).out, text);
}

TEST(CommandTest, CasesAboutBuildersAreMinimized) {
  const TestDirectory directory;
  const std::string file = directory.File("a.textproto", kTableCase);
  const std::string out = directory.Path("small.textproto");
  ASSERT_EQ(RunEptdiff({"minimize", file, "-o", out}, kNoInvept).status, 0);
  const std::string text = ContentOf(out);
  EXPECT_THAT(
      text,
      AllOf(HasSubstr("signature: \"eptdiff-builder-stale-right-CACHE-9-PTE\""),
            HasSubstr("sdm_section: \"29.4.3.4\""),
            HasSubstr("kind: MAP flags: 0x"), HasSubstr("kind: PROTECT flags"),
            HasSubstr("guest_physical_access { kind: WRITE }")));
  EXPECT_EQ(RunEptdiff({"run", out}, kNoInvept).status, 1);
  EXPECT_EQ(RunEptdiff({"run", out}).status, 0);
  EXPECT_EQ(RunEptdiff({"minimize", out}, kNoInvept).out, text);
}

TEST(CommandTest, MinimizeNeedsADisagreement) {
  const TestDirectory directory;
  const std::string file = directory.File("a.textproto", ReservedBitCase(0));
  const Ran ran = RunEptdiff({"minimize", file});
  EXPECT_EQ(ran.status, 2);
  EXPECT_THAT(ran.err, HasSubstr("nobody disagrees"));
  EXPECT_THAT(RunEptdiff({"minimize", file, "--signature", "x"}, kPlanted).err,
              HasSubstr(std::string("it shows ") + kPlantedSignature));
}

TEST(CommandTest, TriageLeavesOneCaseForEachSignature) {
  const TestDirectory directory;
  const std::string artifacts = directory.Path("artifacts");
  const std::string out = directory.Path("regressions");
  std::filesystem::create_directory(artifacts);
  // As libFuzzer, ClusterFuzzLite and ClusterFuzz name them.
  int bits = 10;
  for (const char* name : {"/crash-0", "/walk_fuzzer-address-crash-1",
                           "/clusterfuzz-testcase-minimized-walk_fuzzer-2"}) {
    const std::string text =
        directory.File("a.textproto", ReservedBitCase(bits++));
    ASSERT_EQ(RunEptdiff({"convert", text, "-o", artifacts + name}).status, 0);
  }
  directory.File("artifacts/timeout-1", "\x01");
  directory.File("artifacts/notes", "no artifact");

  const std::string file = out + "/" + kPlantedSignature + ".textproto";
  const Ran first = RunEptdiff({"triage", artifacts, "--out", out}, kPlanted);
  EXPECT_EQ(first.status, 1) << first.err;
  EXPECT_THAT(first.out, AllOf(HasSubstr(std::string(kPlantedSignature) +
                                         "\n  3 artifacts, 15 records -> 4"),
                               HasSubstr("timeout-1\n  does not reproduce"),
                               HasSubstr("4 artifacts: 1 signatures")));
  const std::string text = ContentOf(file);
  EXPECT_THAT(text, HasSubstr(kPlantedSignature));

  const Ran second = RunEptdiff({"triage", artifacts, "--out", out}, kPlanted);
  EXPECT_EQ(second.status, 1);
  EXPECT_THAT(second.out, HasSubstr("already in "));
  EXPECT_EQ(ContentOf(file), text);

  // Once the fault is mended nothing reproduces.
  const Ran mended = RunEptdiff({"triage", artifacts, "--out", out});
  EXPECT_EQ(mended.status, 0);
  EXPECT_THAT(mended.out, HasSubstr("0 signatures, 0 crashes, 4 do not"));
}

// One planted bug shows as another event, and as another exit: one file, found
// out by experiment.
TEST(CommandTest, TriageLeavesOneCaseForEachCause) {
  const TestDirectory directory;
  const std::string artifacts = directory.Path("artifacts");
  const std::string out = directory.Path("regressions");
  std::filesystem::create_directory(artifacts);
  std::string writes = ReservedBitCase(2);
  writes.erase(writes.find("step {"),
               writes.find("step { guest_physical_access "
                           "{ kind: WRITE") -
                   writes.find("step {"));
  int number = 0;
  for (const std::string& shown : {ReservedBitCase(1), writes}) {
    const std::string text = directory.File("a.textproto", shown);
    ASSERT_EQ(RunEptdiff({"convert", text, "-o",
                          artifacts + "/crash-" + std::to_string(number++)})
                  .status,
              0);
  }
  const Ran ran = RunEptdiff({"triage", artifacts, "--out", out}, kPlanted);
  EXPECT_EQ(ran.status, 1) << ran.err;
  constexpr char kOther[] = "eptdiff-engine-exit-reason-CFG-9-PDE";
  EXPECT_THAT(ran.out,
              HasSubstr(std::string(kOther) + "\n  1 artifact; the cause of " +
                        kPlantedSignature + ", in its file"));
  EXPECT_FALSE(std::filesystem::exists(out + "/" + kOther + ".textproto"));
  const std::string text =
      ContentOf(out + "/" + kPlantedSignature + ".textproto");
  EXPECT_THAT(Unwrapped(text),
              AllOf(HasSubstr(std::string("The same cause is found out for ") +
                              kOther + ": "),
                    HasSubstr("bit 12 of a 2-MByte leaf is not checked")));
  // Again: the file is there, and says all of it.
  const Ran again = RunEptdiff({"triage", artifacts, "--out", out}, kPlanted);
  EXPECT_THAT(again.out, HasSubstr("already in "));
  EXPECT_EQ(ContentOf(out + "/" + kPlantedSignature + ".textproto"), text);
}

// What one that keeps translations or builds tables does wrongly in several
// places: one file, which names the others.
TEST(CommandTest, TriageLeavesOneCaseForEachCauseOfCachesAndBuilders) {
  const struct {
    const char* plant;
    std::vector<std::string> cases;
    std::string kept, other, words;
  } kMistakes[] = {
      {"cache-page-fault",
       {"cache/cache-12-a-part-of-a-large-page", "cache/cache-12-upper-levels"},
       "eptdiff-cache-event-GW-6-PDE",
       "eptdiff-cache-event-GW-6-PTE",
       "CACHE-12: a page fault leaves what was kept of its address"},
      {"builder-linked-twice",
       {"table/table-unmap-part-of-large-page",
        "table/table-write-permission-removed"},
       "eptdiff-builder-tree-WALK-9-PDE",
       "eptdiff-builder-tree-WALK-9-PTE",
       "a table is linked at two places"},
  };
  for (const auto& mistake : kMistakes) {
    SCOPED_TRACE(mistake.plant);
    const TestDirectory directory;
    const std::string artifacts = directory.Path("artifacts");
    const std::string out = directory.Path("regressions");
    std::filesystem::create_directory(artifacts);
    int number = 0;
    for (const std::string& name : mistake.cases) {
      ASSERT_EQ(
          RunEptdiff({"convert",
                      EPTDIFF_SOURCE_DIR "/corpus/seeds/" + name + ".textproto",
                      "-o", artifacts + "/crash-" + std::to_string(number++)})
              .status,
          0);
    }
    const Ran ran = RunEptdiff({"triage", artifacts, "--out", out},
                               {std::string("EPTDIFF_PLANT=") + mistake.plant});
    EXPECT_EQ(ran.status, 1) << ran.err;
    EXPECT_THAT(ran.out,
                HasSubstr(mistake.other + "\n  1 artifact; the cause of " +
                          mistake.kept + ", in its file"));
    EXPECT_FALSE(
        std::filesystem::exists(out + "/" + mistake.other + ".textproto"));
    EXPECT_THAT(Unwrapped(ContentOf(out + "/" + mistake.kept + ".textproto")),
                HasSubstr("The same cause is found out for " + mistake.other +
                          ": " + mistake.words));
  }
}

// An abort, a loop, three gigabytes: each is one finding with the smallest case
// that brings it about, and tells what it is.
TEST(CommandTest, TriageMakesSmallCasesOfCrashes) {
  const struct {
    std::string plant, signature, words;
  } kMisbehaviours[] = {
      {"crash", "eptdiff-engine-crash-SIGABRT", "it crashes (SIGABRT)"},
      {"hang", "eptdiff-engine-hang-time", "it hangs: no answer after 3000"},
      {"memory", "eptdiff-engine-memory-limit", "it takes more than 2048 MByt"},
  };
  const TestDirectory directory;
  const std::string artifacts = directory.Path("artifacts");
  std::filesystem::create_directory(artifacts);
  const std::string text =
      directory.File("a.textproto", ReservedBitCase(/*words=*/3));
  for (const char* name : {"/crash-1", "/timeout-1"}) {
    ASSERT_EQ(RunEptdiff({"convert", text, "-o", artifacts + name}).status, 0);
  }
  for (const auto& [plant, signature, words] : kMisbehaviours) {
    const std::string out = directory.Path(plant);
    const Ran ran = RunEptdiff({"triage", artifacts, "--out", out},
                               {"EPTDIFF_PLANT=" + plant});
    EXPECT_EQ(ran.status, 1) << ran.err;
    EXPECT_THAT(ran.out, AllOf(HasSubstr(signature + "\n  2 artifacts, "),
                               HasSubstr(" -> 4, "), HasSubstr(words),
                               HasSubstr("2 artifacts: 1 signatures, 0 cr")));
    EXPECT_THAT(ContentOf(out + "/" + signature + ".textproto"),
                HasSubstr(signature));
  }
}

}  // namespace
}  // namespace eptdiff
