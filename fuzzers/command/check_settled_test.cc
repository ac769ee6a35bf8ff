// Whether a check has something left to study, which decides how long it asks.
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "fuzzers/check/target_check.h"
#include "fuzzers/generation/generator.h"
#include "gtest/gtest.h"
#include "oracle/case.h"
#include "oracle/target/session/open_target.h"

namespace eptdiff {
namespace {

TEST(CheckSettledTest, ItIsOnceAllThatDepartsIsExplained) {
  setenv("EPTDIFF_EXAMPLE_BUG", "addresses-of-45-bits", 1);
  std::string error;
  const std::unique_ptr<TargetOracle> oracle =
      OpenTarget(EPTDIFF_LOOK_UP, {}, {}, error);
  ASSERT_NE(oracle, nullptr) << error;
  TargetCheck check(*oracle, 1);
  EXPECT_TRUE(check.is_settled());
  std::vector<Case> given(600);
  for (std::size_t i = 0; i < given.size(); ++i) GenerateCase(i, given[i]);
  // What departs in them is studied once new cases are made.
  check.TryGiven(given);
  EXPECT_FALSE(check.agrees());
  EXPECT_FALSE(check.is_settled());
  for (int i = 0; i < 300 && !check.is_settled(); ++i) check.TryNew(64);
  EXPECT_FALSE(check.agrees());
  EXPECT_TRUE(check.is_settled());
  unsetenv("EPTDIFF_EXAMPLE_BUG");
}

}  // namespace
}  // namespace eptdiff
