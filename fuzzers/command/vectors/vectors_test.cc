#include "fuzzers/command/vectors/vectors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <regex>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzzers/command/command_testing.h"
#include "fuzzers/command/vectors/cached_verdicts.h"
#include "oracle/reference/witnesses/case_builder.h"

namespace eptdiff {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::vector<std::string_view> FlagsOf(const Case& c) {
  std::vector<std::string_view> flags;
  for (const VectorFlag& flag : AllVectorFlags()) {
    if (Needs(c, flag)) flags.push_back(flag.name);
  }
  return flags;
}

TEST(VectorsTest, FlagsAreThoseOfEveryStateOnTheWay) {
  using testing::Contains;
  const Case mbec =
      Walk4().Read(0x1234).EnterWith(0x401e, 0x400002).Read(0x1234).Build();
  EXPECT_THAT(FlagsOf(mbec), ElementsAre("mbec", "vm_entry_again"));
  const Case smep = Guest4()
                        .With([](Case& c) { c.processor.smep = true; })
                        .Give(GuestRegister::kCr4, 0x102020)
                        .Read(kGla)
                        .Build();
  EXPECT_THAT(FlagsOf(smep), Contains("register_write"));
  EXPECT_THAT(FlagsOf(smep), Contains("smep_smap"));
  EXPECT_THAT(FlagsOf(Walk4().Vmfunc(0, 0).Build()),
              ElementsAre("eptp_switch", "vmfunc"));
  EXPECT_THAT(FlagsOf(Walk4().EptpSwitching().Switch(0).Build()),
              ElementsAre("eptp_switch"));
  EXPECT_THAT(FlagsOf(Walk4().ShadowStackToken(0x1000).Build()),
              ElementsAre("shadow_stack_token"));
  EXPECT_THAT(FlagsOf(Walk4().Pebs().PebsWrite(0x1000).Build()),
              ElementsAre("asynchronous", "pebs"));
  EXPECT_THAT(FlagsOf(Walk4().Read(0x1000, 64).Build()), IsEmpty());
  EXPECT_THAT(FlagsOf(Walk4().Read(0x1000, 65).Build()),
              ElementsAre("large_access"));
  EXPECT_THAT(FlagsOf(Walk4().Read(0x1001, 4096).Build()),
              ElementsAre("page_crossing", "large_access"));
}

TEST(VectorsTest, WritesAndEntriesAreVectors) {
  const Case c = Walk4()
                     .Give(GuestRegister::kCr0, 0x80010021)
                     .EnterWith(0x0812, 7)
                     .Read(0x1234)
                     .Build();
  ASSERT_EQ(VectorCasesOf(c).size(), 1u);
  EXPECT_EQ(VectorCasesOf(c)[0], c);
  // A field that no case has ends it.
  EXPECT_EQ(DefinedSteps(Walk4().Read(0x1234).EnterWith(0x2800, 0).Build()),
            1u);
}

TEST(VectorsTest, StepsThatLeaveNoChoiceStayTogether) {
  const Case c = Walk4().Write(0x1234).Read(0x1234).Build();
  EXPECT_TRUE(IsTheSameToEverybody(c));
  ASSERT_EQ(VectorCasesOf(c).size(), 1u);
  EXPECT_EQ(VectorCasesOf(c)[0].steps.size(), 2u);
}

// Whether the refused write sets accessed flags is open, and so is whether the
// read after it finds them set.
TEST(VectorsTest, StepsAfterAChoiceThatMattersStandAlone) {
  const Case c =
      Walk4().AccessedDirty().Pte(0x9031).Write(0x1234).Read(0x1234).Build();
  EXPECT_FALSE(IsTheSameToEverybody(c));
  const std::vector<Case> parts = VectorCasesOf(c);
  ASSERT_EQ(parts.size(), 2u);
  for (const Case& part : parts) EXPECT_EQ(part.steps.size(), 1u);
  EXPECT_EQ(parts[0].steps[0].access.kind, AccessKind::kWrite);
  EXPECT_EQ(parts[1].steps[0].access.kind, AccessKind::kRead);
}

// All entries used are accessed already: no choice is left.
TEST(VectorsTest, StepsAfterAChoiceThatDoesNotMatterStayTogether) {
  const Case c = Walk4()
                     .AccessedDirty()
                     .Pml4e(0x2107)
                     .Pdpte(0x3107)
                     .Pde(0x4107)
                     .Pte(0x9131)
                     .Write(0x1234)
                     .Read(0x1234)
                     .Build();
  EXPECT_TRUE(IsTheSameToEverybody(c));
}

TEST(VectorsTest, AStepAloneBeginsWhereTheStepsBeforeItEnd) {
  const Case c = Walk4()
                     .AccessedDirty()
                     .Pte(0x9031)
                     .Write(0x1234)
                     .Store(0x4008, 0x9037)
                     .Write(0x1234)
                     .Build();
  const std::vector<Case> parts = VectorCasesOf(c);
  ASSERT_EQ(parts.size(), 2u);  // stores are no question
  std::uint64_t pte = 0;
  for (const MemoryWord& word : parts[1].memory) {
    if (word.address == Hpa{0x4008}) pte = word.value;
  }
  EXPECT_EQ(pte, 0x9037u);
}

// The log lies over the PTE (ALIAS-1).
TEST(VectorsTest, WhatIsUndefinedEndsAVector) {
  const Case c = Walk4()
                     .AccessedDirty()
                     .Pml(1)
                     .With([](Case& in) { in.controls.pml_address = 0x4000; })
                     .Read(0x1234)
                     .Write(0x1234)
                     .Build();
  EXPECT_LT(DefinedSteps(c), 2u);
  const Case only =
      Walk4()
          .AccessedDirty()
          .Pml(1)
          .With([](Case& in) { in.controls.pml_address = 0x4000; })
          .Write(0x1234)
          .Build();
  EXPECT_THAT(VectorCasesOf(only), IsEmpty());
}

TEST(VectorsTest, ARefusedVmEntryIsAVectorWithoutSteps) {
  const Case c = Walk4().Eptp(0x1fde).Read(0x1234).Build();
  ASSERT_EQ(VectorCasesOf(c).size(), 1u);
  EXPECT_THAT(VectorCasesOf(c)[0].steps, IsEmpty());
}

TEST(VectorsTest, FlagsNameWhatIsNeeded) {
  EXPECT_THAT(FlagsOf(Walk4().Read(0x1234).Build()), IsEmpty());
  EXPECT_THAT(FlagsOf(Walk5().AccessedDirty().Pml(3).Write(0x1234).Build()),
              ElementsAre("five_levels", "accessed_dirty", "pml"));
  EXPECT_THAT(FlagsOf(Guest4().Mbec().Read(kGla).Build()),
              ElementsAre("mbec", "linear", "linear_4_level"));
}

std::vector<std::size_t> ThensOf(const CachedVerdict& verdict) {
  std::vector<std::size_t> thens;
  for (const CachedAnswer& answer : verdict.answers) {
    EXPECT_FALSE(answer.last);
    thens.push_back(answer.then);
  }
  return thens;
}

// Another right is granted: the write may still be refused, but only once.
TEST(CachedVerdictsTest, WhatIsPermittedDependsOnTheAnswers) {
  const Case c = Walk4()
                     .Pte(0x9031)
                     .Read(0x1234)
                     .Store(0x4008, 0x9037)
                     .Write(0x1234)
                     .Write(0x1234)
                     .Build();
  ASSERT_EQ(VectorCasesOf(c).size(), 1u);
  const auto verdicts = CachedVerdictsOf(VectorCasesOf(c)[0]);
  ASSERT_EQ(verdicts.size(), 4u);
  EXPECT_THAT(verdicts[0], IsEmpty());
  EXPECT_THAT(verdicts[1], IsEmpty());
  ASSERT_EQ(verdicts[2].size(), 1u);
  EXPECT_THAT(ThensOf(verdicts[2][0]), ElementsAre(0, 1));
  EXPECT_FALSE(verdicts[2][0].answers[0].kept);
  EXPECT_TRUE(verdicts[2][0].answers[1].kept);
  EXPECT_EQ(verdicts[2][0].answers[1].alternative.event.exit_reason, 48);
  ASSERT_EQ(verdicts[3].size(), 2u);
  EXPECT_EQ(verdicts[3][0].answers.size(), 2u);
  ASSERT_EQ(verdicts[3][1].answers.size(), 1u);
  EXPECT_FALSE(verdicts[3][1].answers[0].kept);
}

TEST(CachedVerdictsTest, InveptLeavesWhatEverybodyIsToldBy) {
  const Case c = Walk4()
                     .Pte(0x9031)
                     .Read(0x1234)
                     .Store(0x4008, 0x9037)
                     .Invept(2)
                     .Write(0x1234)
                     .Build();
  EXPECT_THAT(CachedVerdictsOf(c), testing::Each(IsEmpty()));
}

TEST(VectorsTest, WhoKeepsTranslationsIsToldApart) {
  TextCase text;
  text.c = Walk4().Read(0x1234).Store(0x4008, 0xa037).Read(0x1234).Build();
  const std::string json = VectorsAsJson({{"mine", text}});
  EXPECT_THAT(json, HasSubstr("\"with_caches\": [{\"alternatives\": [{"));
  EXPECT_THAT(json, HasSubstr("{\"kept\": true, \"event\": \"completed\""));
  EXPECT_THAT(VectorsAsJson({{"mine", text}}, /*caches=*/false),
              Not(HasSubstr("with_caches")));
}

TEST(VectorsTest, UndefinedAndOptionalPartsAreToldApart) {
  TextCase text;
  text.c = Walk4().AccessedDirty().Pte(0x9031).Write(0x1234).Build();
  const std::string json = VectorsAsJson({{"mine", text}});
  EXPECT_THAT(json, HasSubstr("\"id\": \"mine\""));
  EXPECT_THAT(json, HasSubstr("\"optional\": [{\"address\""));
  EXPECT_THAT(json, HasSubstr("\"exit_reason\": 48"));
  EXPECT_THAT(json, HasSubstr("\"defined\": \"0x"));
  EXPECT_THAT(json, HasSubstr("\"rules\": [\"VIO-3\"]"));
}

// The mistakes of an example that vectors show: up to this one.
std::vector<std::string> MistakesOf(const std::string& example,
                                    const std::string& up_to) {
  const std::string source =
      ContentOf(EPTDIFF_SOURCE_DIR "/oracle/target/examples/" + example);
  const std::regex bug("BUG\\([A-Z_0-9]+, *\"([a-z0-9-]+)\"\\)");
  std::vector<std::string> mistakes;
  for (std::sregex_iterator it(source.begin(), source.end(), bug), end;
       it != end && (*it)[1] != up_to; ++it) {
    mistakes.push_back((*it)[1]);
  }
  return mistakes;
}

// The file, and everything that reads it.
class VectorFileTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    directory_ = new TestDirectory;
    const std::string corpus = EPTDIFF_SOURCE_DIR "/corpus";
    const Ran ran =
        RunEptdiff({"vectors", "--corpus", corpus, "--out", Path()});
    ASSERT_EQ(ran.status, 0) << ran.err;
  }
  static void TearDownTestSuite() { delete directory_; }
  static std::string Path() { return directory_->Path("vectors.json"); }

  static std::string File(const std::string& name, const std::string& content) {
    return directory_->File(name, content);
  }

  // Runs a program, with the file's path behind it; its exit status.
  static int Run(const std::string& command, std::string& out) {
    return RunOn(Path(), command, out);
  }
  // The program is right as it stands, and each of the mistakes is noticed that
  // the example names, up to one.
  static void ExpectNoticed(const std::string& program,
                            const std::string& example,
                            const std::string& up_to, std::size_t at_least);

  // Another file, of some of the vectors: those in which something changes.
  static std::string PathOfChanging();

  static int RunOn(const std::string& path, const std::string& command,
                   std::string& out) {
    FILE* pipe = popen((command + " '" + path + "' 2>&1").c_str(), "r");
    if (pipe == nullptr) return -1;
    char buffer[4096];
    while (std::fgets(buffer, sizeof buffer, pipe) != nullptr) out += buffer;
    const int status = pclose(pipe);
    return status < 0 ? -1 : WEXITSTATUS(status);
  }

 private:
  static TestDirectory* directory_;
};
TestDirectory* VectorFileTest::directory_ = nullptr;

// The command that holds a file against the schema. By the Python of the
// system, for which ci/setup installs jsonschema: another may stand before it
// in PATH.
constexpr char kValidate[] =
    "/usr/bin/python3 -W ignore -m jsonschema '" EPTDIFF_SOURCE_DIR
    "/oracle/vectors/eptdiff-vectors-1.schema.json' -i";

TEST_F(VectorFileTest, IsAsTheSchemaSays) {
  std::string out;
  EXPECT_EQ(Run(kValidate, out), 0)
      << out << "(ci/setup installs python3-jsonschema)";
}

TEST_F(VectorFileTest, TheSchemaRefusesWhatIsNoVector) {
  TextCase text;
  text.c = Walk4().Pde(0x2010b1).Read(0x1234).Build();
  const std::string good = VectorsAsJson({{"seeds/one", text}});
  constexpr struct {
    std::string_view before, after;
  } kBreaks[] = {
      {"", ""},  // as it is
      {"\"version\": 1", "\"version\": 2"},
      {"\"rules\": [\"CFG-9\"], ", ""},
      {"\"flags\": []", "\"flags\": [1]"},
      {"\"0x2010b1\"", "2101425"},
      {"\"kind\": \"guest_physical_access\"", "\"kind\": \"access\""},
      {"\"size\": 1", "\"size\": 4097"},
      {"\"verdict\": ", "\"verdicts\": "},
      {"\"event\": \"vm_exit\"", "\"event\": \"exit\""},
      {"\"exit_reason\": 49", "\"exit_reason\": \"49\""},
  };
  for (const auto& [before, after] : kBreaks) {
    std::string json = good;
    const std::size_t at = json.find(before);
    ASSERT_NE(at, std::string::npos) << before;
    json.replace(at, before.size(), after);
    std::string out;
    EXPECT_EQ(RunOn(File("broken.json", json), kValidate, out),
              before.empty() ? 0 : 1)
        << before << "\n"
        << out;
  }
}

void VectorFileTest::ExpectNoticed(const std::string& program,
                                   const std::string& example,
                                   const std::string& up_to,
                                   std::size_t at_least) {
  std::string out;
  EXPECT_EQ(Run(program, out), 0) << out;
  const std::vector<std::string> mistakes = MistakesOf(example, up_to);
  EXPECT_GE(mistakes.size(), at_least);
  const std::string changing = PathOfChanging();
  for (const std::string& mistake : mistakes) {
    const std::string asked = "EPTDIFF_EXAMPLE_BUG=" + mistake + " " + program;
    out.clear();
    if (RunOn(changing, asked, out) == 1) continue;  // most are, and quickly
    out.clear();
    EXPECT_EQ(Run(asked, out), 1) << mistake << "\n" << out;
  }
}

// A vector is a line.
std::string VectorFileTest::PathOfChanging() {
  std::istringstream whole(ContentOf(Path()));
  std::string some;
  std::string line;
  bool first = true;
  while (std::getline(whole, line)) {
    const bool is_vector = line.find("{\"id\"") != std::string::npos;
    if (is_vector && line.find("\"store\"") == std::string::npos &&
        line.find("\"invalidation\"") == std::string::npos) {
      continue;
    }
    if (is_vector && line.back() == ',') line.pop_back();
    if (is_vector && !std::exchange(first, false)) some += ",";
    some += line + "\n";
  }
  return File("changing.json", some);
}

// Every vector but the few without EPT.
TEST_F(VectorFileTest, TheEngineConformsToAll) {
  std::string out;
  EXPECT_EQ(Run(EPTDIFF_CHECK_VECTORS_ENGINE, out), 0) << out;
  EXPECT_THAT(out, HasSubstr(" 0 do not"));
}

TEST_F(VectorFileTest, ASimpleWalkerConformsToWhatItModels) {
  std::string out;
  EXPECT_EQ(Run(EPTDIFF_CHECK_VECTORS, out), 0) << out;
  EXPECT_THAT(out, Not(HasSubstr(" 0 conform")));
}

// Up to one that only a search for it meets; those after it are no answers, or
// show where somebody else stores, too.
TEST_F(VectorFileTest, MistakesOfAWalkerAreNoticed) {
  ExpectNoticed(EPTDIFF_CHECK_VECTORS_FAULTY, "faulty_walker.c",
                "hidden-behind-conditions", 40);
}

TEST_F(VectorFileTest, MistakesOfACacheAreNoticed) {
  ExpectNoticed(EPTDIFF_CHECK_VECTORS_CACHING_WALKER, "caching_walker.c", "",
                10);
}

// But for the last, which is none but by what is declared.
TEST_F(VectorFileTest, MistakesOfACacheOfCombinedMappingsAreNoticed) {
  ExpectNoticed(EPTDIFF_CHECK_VECTORS_CACHING_MMU, "mmu_cache.h",
                "guest-physical-mappings-undeclared", 38);
}

// Without what is said for it a right cache is told that it is wrong; nobody
// else misses anything.
TEST_F(VectorFileTest, WithoutCachesARightCacheDoesNotConform) {
  const std::string path = File("no-caches.json", "");
  const std::string corpus = EPTDIFF_SOURCE_DIR "/corpus";
  const Ran ran =
      RunEptdiff({"vectors", "--corpus", corpus, "--no-caches", "--out", path});
  ASSERT_EQ(ran.status, 0) << ran.err;
  std::string out;
  EXPECT_EQ(RunOn(path, EPTDIFF_CHECK_VECTORS_CACHING_WALKER, out), 1);
  EXPECT_EQ(RunOn(path, EPTDIFF_CHECK_VECTORS_CACHING_MMU, out), 1);
  EXPECT_EQ(RunOn(path, EPTDIFF_CHECK_VECTORS, out), 0);
}

#ifdef EPTDIFF_CHECK_VECTORS_RUST
TEST_F(VectorFileTest, AWalkerInRustConformsToWhatItModels) {
  std::string out;
  EXPECT_EQ(Run(EPTDIFF_CHECK_VECTORS_RUST, out), 0) << out;
  EXPECT_THAT(out, Not(HasSubstr(" 0 conform")));
}
#endif

TEST(VectorsCommandTest, ACorpusWithoutCasesIsAMistake) {
  const TestDirectory directory;
  const Ran ran = RunEptdiff({"vectors", "--corpus", directory.path()});
  EXPECT_EQ(ran.status, 2);
  EXPECT_THAT(ran.err, HasSubstr("holds no cases"));
}

}  // namespace
}  // namespace eptdiff
