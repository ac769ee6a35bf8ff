// Reference, engine and Bochs keep to what kvm-unit-tests found on processors.
#include "fuzzers/command/conformance/conformance.h"

#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "fuzzers/command/conformance/access_test.h"
#include "fuzzers/command/files/case_file.h"
#include "fuzzers/command/files/corpus.h"
#include "fuzzers/command/words/expected.h"
#include "fuzzers/encoding/canonical.h"
#include "fuzzers/entries/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::filesystem::path kFolder =
    std::filesystem::path(EPTDIFF_SOURCE_DIR) / "corpus/conformance";

std::unique_ptr<Panel> MakePanel(const PanelOptions& options = {}) {
  std::string error;
  std::unique_ptr<Panel> panel = Panel::Make(options, error);
  EXPECT_NE(panel, nullptr) << error;
  return panel;
}

TEST(ConformanceTest, EveryOracleMeetsEveryExpectation) {
  const auto panel = MakePanel();
  for (const ConformanceCase& known : AllConformanceCases()) {
    EXPECT_THAT(panel->Findings(known.text_case.c), IsEmpty()) << known.name;
    EXPECT_THAT(UnmetExpectations(known.text_case, *panel), IsEmpty())
        << known.name;
  }
}

TEST(ConformanceTest, TheCorpusHoldsTheseCasesAndNoOthers) {
  std::set<std::string> files;
  const auto found = CasesUnder((kFolder / "kvm-unit-tests").string());
  ASSERT_TRUE(found.ok()) << found.status();
  files.insert(found->begin(), found->end());
  for (const ConformanceCase& known : AllConformanceCases()) {
    const std::string path = (kFolder / (known.name + ".textproto")).string();
    ASSERT_EQ(files.erase(path), 1u)
        << path << ": run eptdiff_write_conformance corpus/conformance";
    const auto content = ReadCaseFile(path);
    ASSERT_TRUE(content.ok()) << content.status();
    EXPECT_EQ(content->text_case, known.text_case) << path;
    EXPECT_TRUE(IsCanonical(known.text_case.c)) << path;
  }
  EXPECT_THAT(files, IsEmpty());
}

// An expectation that is wrong in anything is noticed, of every case.
TEST(ConformanceTest, AWrongExpectationIsNoticed) {
  const auto panel = MakePanel({.oracles = "engine"});
  for (const ConformanceCase& known : AllConformanceCases()) {
    TextCase wrong = known.text_case;
    Expectation& last = wrong.expectations.rbegin()->second;
    if (!last.memory.empty()) {
      last.memory.back().value ^=
          last.memory.back().mask & -last.memory.back().mask;
    } else if (last.qualification_mask != 0) {
      last.qualification ^= 0x8;
    } else if (last.event == EventKind::kVmExit) {
      last.exit_reason ^= 1;
    } else {
      last.event = last.event == EventKind::kCompleted ? EventKind::kPageFault
                                                       : EventKind::kCompleted;
    }
    const auto unmet = UnmetExpectations(wrong, *panel);
    EXPECT_THAT(unmet, Contains(HasSubstr("reference: "))) << known.name;
    EXPECT_THAT(unmet, Contains(HasSubstr("engine: "))) << known.name;
  }
}

// Nobody is asked about a step that no oracle comes to.
TEST(ConformanceTest, AnExpectationThatNobodyComesToIsNoticed) {
  const auto panel = MakePanel({.oracles = "engine"});
  TextCase text_case = VmEntryCases()[1].text_case;  // memory type 1: refused
  text_case.c.steps.push_back({.kind = StepKind::kPdpteLoad});
  text_case.expectations[1] = {};
  EXPECT_THAT(UnmetExpectations(text_case, *panel),
              Contains(HasSubstr("nobody answers")));
}

AccessTry RandomTry(Random& random) {
  AccessTry access;
  for (const std::uint64_t bit : kPdeBits) {
    if (bit == 1 ? !random.OneIn(8) : random.OneIn(bit < 0x100 ? 2 : 12)) {
      access.pde |= bit;
    }
  }
  for (const std::uint64_t bit : kPteBits) {
    if (bit == 1 ? !random.OneIn(8) : random.OneIn(bit < 0x100 ? 2 : 8)) {
      access.pte |= bit;
    }
  }
  if ((access.pde & 0x80) != 0 && random.OneIn(2)) {
    access.pde |= std::uint64_t{1} << 59;
  }
  access.read_only_pdpte = random.OneIn(4);
  constexpr AccessKind kKinds[] = {AccessKind::kRead, AccessKind::kWrite,
                                   AccessKind::kFetch};
  access.kind = kKinds[random.Below(3)];
  return access;
}

// The test has 2^30 combinations; 40,000 of them at random.
TEST(ConformanceTest, CombinationsOfTheAccessTestAreAsItExpects) {
  const auto panel = MakePanel();
  Random random(1);
  for (int i = 0; i < 400; ++i) {
    AccessSettings settings{.nxe = !random.OneIn(3),
                            .wp = random.OneIn(2),
                            .smep = random.OneIn(4),
                            .pke = random.OneIn(2),
                            .pkru = static_cast<std::uint8_t>(random.Below(4))};
    settings.user = !settings.smep && random.OneIn(2);
    std::vector<AccessTry> tries;
    while (tries.size() < 100) {
      const AccessTry access = RandomTry(random);
      if (IsTried(settings, access)) tries.push_back(access);
    }
    const TextCase text_case = AccessCase(settings, tries);
    ASSERT_THAT(panel->Findings(text_case.c), IsEmpty());
    ASSERT_THAT(UnmetExpectations(text_case, *panel), IsEmpty());
  }
}

}  // namespace
}  // namespace eptdiff
