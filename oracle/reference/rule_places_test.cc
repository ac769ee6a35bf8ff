#include "oracle/reference/rule_places.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <set>
#include <string_view>

namespace eptdiff {
namespace {

TEST(RulePlacesTest, RulesOfVmEntryStandFirstAndHaveOnePlace) {
  for (std::size_t i = 0; i < kRuleCount; ++i) {
    const std::string_view identifier = IdentifierOf(static_cast<Rule>(i));
    const bool of_entry = identifier.starts_with("EPTP-") ||
                          identifier.starts_with("CTL-") ||
                          identifier.starts_with("GST-");
    EXPECT_EQ(of_entry, i < kEntryRuleCount) << identifier;
  }
}

TEST(RulePlacesTest, EachPlaceHasANumberOfItsOwn) {
  std::set<std::size_t> numbers;
  for (std::size_t i = 0; i < kRuleCount; ++i) {
    const auto rule = static_cast<Rule>(i);
    for (std::uint8_t level = 0; level <= 5; ++level) {
      for (const bool guest_entry : {false, true}) {
        if (i < kEntryRuleCount && (level != 0 || guest_entry)) continue;
        const std::size_t number = RulePlace{rule, level, guest_entry}.number();
        EXPECT_LT(number, RulePlace::kCount);
        EXPECT_TRUE(numbers.insert(number).second) << IdentifierOf(rule);
        const RulePlace back = RulePlace::Number(number);
        EXPECT_EQ(back.rule, rule);
        EXPECT_EQ(back.level, level);
        EXPECT_EQ(back.guest_entry, guest_entry);
      }
    }
  }
  EXPECT_EQ(numbers.size(), RulePlace::kCount);
}

}  // namespace
}  // namespace eptdiff
