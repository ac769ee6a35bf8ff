#include "oracle/single_entries.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "oracle/bochs/bochs_oracle.h"
#include "oracle/engine_oracle.h"
#include "oracle/judge.h"
#include "oracle/oracle.h"
#include "oracle/reference/reference.h"

namespace eptdiff {
namespace {

std::string Describe(std::string_view oracle, const Setting& setting,
                     const NamedStep& access, std::uint64_t entry,
                     const Finding& finding) {
  std::ostringstream text;
  text << SignatureOf(oracle, finding) << ": " << setting.name << ", "
       << access.name << ", entry 0x" << std::hex << entry << ": expected 0x"
       << finding.disagreements[0].expected << ", given 0x"
       << finding.disagreements[0].given;
  return text.str();
}

using Report =
    std::function<bool(const MachineState&, const NamedStep&, const Setting&,
                       std::uint64_t, const Finding&)>;

// Compares `oracle` with the reference in `dialect` for every entry at `level`
// (a sample with a stride above 1) that it answers for, until `report` returns
// false. Returns how many were compared.
std::uint64_t Compare(Oracle& oracle, int level, std::uint64_t stride,
                      const Dialect& dialect, const Report& report) {
  const Reference reference(dialect);
  Outcome outcome;
  Verdict verdict;
  Trace trace;
  trace.keeps_hits = false;
  std::uint64_t compared = 0;
  const Setting* entered = nullptr;
  bool answers = true;
  VisitSingleEntries(
      static_cast<std::uint8_t>(level), stride,
      [&](const MachineState& state, const NamedStep& access,
          const Setting& setting, std::uint64_t entry) {
        if (entered != &setting) {
          entered = &setting;
          answers = oracle.Enter(state, outcome) == Skip::kNone;
        }
        if (!answers) return true;
        EXPECT_EQ(oracle.Perform(state, access.step, outcome), Skip::kNone);
        reference.Judge(state, access.step, verdict, trace);
        EXPECT_EQ(verdict.standing, Standing::kJudged);
        ++compared;
        const Finding finding = Judge(verdict, state, outcome, oracle.fields());
        return finding.conforms ||
               report(state, access, setting, entry, finding);
      });
  return compared;
}

class SingleEntriesTest : public testing::TestWithParam<int> {};

// No disagreement of `oracle` with `dialect` at the parameter's level.
void ExpectConforming(Oracle& oracle, int level, std::uint64_t stride,
                      const Dialect& dialect) {
  int differing = 0;
  const std::uint64_t compared = Compare(
      oracle, level, stride, dialect,
      [&](const MachineState&, const NamedStep& access, const Setting& setting,
          std::uint64_t entry, const Finding& finding) {
        ADD_FAILURE() << Describe(oracle.name(), setting, access, entry,
                                  finding);
        return ++differing < 20;
      });
  testing::Test::RecordProperty("situations", std::to_string(compared));
  EXPECT_GT(compared, 1'000'000u);
}

TEST_P(SingleEntriesTest, EngineConformsEverywhere) {
  EngineOracle engine;
  ExpectConforming(engine, GetParam(), 1, Dialect());
}

TEST_P(SingleEntriesTest, BochsConformsInItsDialect) {
  const std::unique_ptr<Oracle> bochs = MakeBochsOracle();
  if (bochs == nullptr) GTEST_SKIP() << "built without Bochs";
  if (GetParam() == 5) GTEST_SKIP() << "Bochs has no 5-level EPT";
  const std::optional<Dialect> dialect = FindDialect("bochs-3.0");
  ASSERT_TRUE(dialect.has_value());
  ExpectConforming(*bochs, GetParam(), 3, *dialect);
}

INSTANTIATE_TEST_SUITE_P(Levels, SingleEntriesTest, testing::Range(1, 6),
                         [](const auto& info) {
                           return std::string(NameOfLevel(
                               static_cast<std::uint8_t>(info.param)));
                         });

// The check is worth what it notices: every rule about a single entry, switched
// off or altered in the reference, is missed at the level where it applies.
TEST(SingleEntriesSensitivityTest, NoticesEveryRuleOfOneEntry) {
  struct Alteration {
    int level;
    std::string_view name;
  };
  constexpr Alteration kAlterations[] = {
      {1, "CFG-1/off"},
      {1, "CFG-2/off"},
      {1, "CFG-3/off"},
      {1, "CFG-4/off"},
      {4, "CFG-5/off"},
      {2, "CFG-6/off"},
      {2, "CFG-7/off"},
      {3, "CFG-8/off"},
      {2, "CFG-9/off"},
      {1, "CFG-10/off"},
      {1, "CFG-11/off"},
      {3, "CFG-8/bit-12-unchecked"},
      {2, "CFG-9/bit-12-unchecked"},
      {1, "VIO-1/off"},
      {1, "VIO-2/off"},
      {1, "VIO-3/off"},
      {1, "VIO-4/off"},
      {1, "VIO-5/off"},
      {1, "VIO-6/off"},
      {1, "VIO-12/off"},
      {1, "SPP-2/off"},
      {1, "PML-1/off"},
      {1, "PML-1/without-need"},
      {1, "QUAL-0/structure-access-writes-only"},
      {1, "QUAL-6/fetch-only"},
      {1, "QUAL-13/user-execute-permission"},
      {1, "VE-4/index-of-eight-bytes"},
  };
  for (const auto& [level, name] : kAlterations) {
    const std::optional<Dialect> dialect = FindDialect(name);
    ASSERT_TRUE(dialect.has_value()) << name;
    bool noticed = false;
    EngineOracle engine;
    Compare(engine, level, 7, *dialect,
            [&](const MachineState&, const NamedStep&, const Setting&,
                std::uint64_t, const Finding&) {
              noticed = true;
              return false;
            });
    EXPECT_TRUE(noticed) << name;
  }
}

}  // namespace
}  // namespace eptdiff
