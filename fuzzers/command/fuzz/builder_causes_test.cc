#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "fuzzers/command/fuzz/causes_by_oracle.h"
#include "fuzzers/generation/table_generation.h"
#include "fuzzers/targets/panel.h"
#include "oracle/builder/judge/builder_trial.h"
#include "oracle/builder/judge/engine_builder.h"

namespace eptdiff {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::uint64_t kWrite = 1 << 1, kExecute = 1 << 2;

// Pages that it stores lose write permission, while it is told to.
struct ForgetfulHal : PoolHal {
  bool forgets = false;

  void OnStore(Hpa address, std::uint64_t before, std::uint64_t after) {
    const bool page = (after & 7) != 0 && pool != nullptr &&
                      pool->Pointer(Hpa{AddressIn(after)}) == nullptr;
    if (forgets && page && (after & kWrite) != 0) {
      after &= ~kWrite;
      *pool->memory().At(address) = after;
    }
    PoolHal::OnStore(address, before, after);
  }
};

// It is told to where execute permission is not asked for.
class ForgetfulBuilder final : public BuilderOver<ForgetfulHal> {
 public:
  TableResult Perform(const TableOperation& operation,
                      std::vector<Interval>& taken) override {
    hal().forgets = (operation.flags & kExecute) == 0;
    const TableResult result = BuilderOver::Perform(operation, taken);
    hal().forgets = false;
    return result;
  }
};

TEST(BuilderCausesTest, AMistakeIsToldWithItsConditionByOneCase) {
  std::string error;
  const auto panel = Panel::Make({.oracles = "engine"}, error);
  ASSERT_NE(panel, nullptr) << error;
  panel->SeatBuilder(
      std::make_unique<BuilderTrial>(std::make_unique<ForgetfulBuilder>()));
  CasesBySignature cases;
  Case c;
  for (std::uint64_t seed = 0; cases.empty(); ++seed) {
    ASSERT_LT(seed, 10'000u);
    GenerateTableCase(seed, c);
    if (panel->builder_trial().Run(c).finding.has_value()) cases["one"] = c;
  }
  const std::vector<CommonCause> causes = CausesOfBuilder(*panel, cases);
  ASSERT_EQ(causes.size(), 1u);
  EXPECT_THAT(causes[0].signatures, testing::ElementsAre("one"));
  EXPECT_THAT(causes[0].words,
              AllOf(HasSubstr("pages lose write permission"),
                    HasSubstr("bit 2 (execute) of the flags that are asked for "
                              "is 0"),
                    Not(HasSubstr("not always"))));
}

}  // namespace
}  // namespace eptdiff
