#include "fuzzers/command/image/adapter_comparison.h"

#include "fuzzers/command/image/machine_testing.h"
#include "fuzzers/encoding/encoding.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "oracle/judgement/dialect_oracle.h"
#include "oracle/reference/dialects/known_dialects.h"

namespace eptdiff {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Not;

// What `machine` would tell that was asked the rules' witnesses.
std::vector<ReportedFinding> AskedOf(Oracle& machine) {
  std::vector<ReportedFinding> asked;
  std::uint64_t index = 0;
  for (const GivenCase& given : WitnessCases()) {
    ReportedFinding told;
    told.index = index++;
    told.moved = EncodeCase(given.c);
    MachineState state;
    state.Load(given.c);
    Skip skip = machine.Enter(state, told.answer);
    for (std::size_t i = 0; skip == Skip::kNone; ++i) {
      told.step = i;
      told.line = asked.size() + 1;
      asked.push_back(told);
      told.moved.clear();
      if (IsFailedEntry(told.answer.event.kind) || i == given.c.steps.size()) {
        break;
      }
      state.Apply(i == 0 ? nullptr : &given.c.steps[i - 1], told.answer);
      state.Begin(given.c.steps[i]);
      skip = AskOracle(machine, state, given.c.steps[i], told.answer);
    }
  }
  return asked;
}

// A machine that does as `does`, and is said to do as `said`, beside one that
// does as `other`.
AdapterComparison Compare(const char* does, const char* said,
                          const char* other) {
  DialectOracle machine(*FindDialect(does)), adapter(*FindDialect(other));
  AdapterComparison comparison;
  CompareWithAdapter(AskedOf(machine), *FindDialect(said), adapter,
                     *FindDialect(other), comparison);
  return comparison;
}

TEST(AdapterComparisonTest, WhoDoesTheSameIsTheSame) {
  const AdapterComparison found =
      Compare("bochs-3.0", "bochs-3.0", "bochs-3.0");
  EXPECT_GT(found.cases, 500u);
  EXPECT_GT(found.steps, found.cases);
  EXPECT_EQ(found.same, found.steps);
  EXPECT_THAT(found.explained, IsEmpty());
}

TEST(AdapterComparisonTest, WhatIsKnownOfTheMachineHasItsName) {
  const AdapterComparison found =
      Compare("bochs-3.0-machine", "bochs-3.0-machine", "bochs-3.0");
  EXPECT_THAT(found.explained,
              AllOf(Contains(Key("VE-4/index-of-vmfunc")),
                    Contains(Key("GW-22/fetch-in-64-bit-mode-only")),
                    Not(Contains(Key("CFG-9/bit-12-unchecked")))));
  EXPECT_THAT(found.unexplained, IsEmpty());
}

TEST(AdapterComparisonTest, WhatIsNotKnownIsTold) {
  const AdapterComparison found = Compare("CFG-1/off", "sdm", "sdm");
  EXPECT_THAT(found.explained, IsEmpty());
  ASSERT_THAT(found.unexplained, Not(IsEmpty()));
  EXPECT_GT(found.unexplained[0].line, 0u);
  EXPECT_THAT(found.unexplained[0].words, HasSubstr("the other "));
}

TEST(AdapterComparisonTest, WhatShouldNotHaveBeenEnteredIsLeftOut) {
  constexpr char kEnters[] = "GST-5/pg-unchecked";
  EXPECT_THAT(Compare(kEnters, kEnters, "sdm").left_out,
              Contains(Key("VM entry should have failed")));
  EXPECT_THAT(Compare("sdm", "sdm", "sdm").left_out,
              Not(Contains(Key("VM entry should have failed"))));
}

TEST(AdapterComparisonTest, WhatCannotBeComparedIsCounted) {
  DialectOracle machine{Dialect()};
  std::vector<ReportedFinding> asked = AskedOf(machine);
  ASSERT_GT(asked.size(), 10u);
  const std::uint64_t index = asked[0].index;
  for (ReportedFinding& told : asked) told.keeps = told.index == index;
  AdapterComparison found;
  CompareWithAdapter(asked, Dialect(), machine, Dialect(), found);
  EXPECT_THAT(found.left_out,
              Contains(Key("the machine may use what it has kept")));
  asked[0].keeps = false;
  asked[0].moved.clear();
  CompareWithAdapter(asked, Dialect(), machine, Dialect(), found);
  EXPECT_THAT(found.left_out, Contains(Key("the case is not whole")));
}

}  // namespace
}  // namespace eptdiff
