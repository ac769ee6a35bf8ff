#include "oracle/editions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "oracle/rules.h"

namespace eptdiff {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(EditionsTest, HaveTheSamePassageUnderAnotherNumber) {
  static constexpr struct {
    const char* december_2023;
    const char* june_2026;
  } kPassages[] = {
      {"29.3.3.1", "31.3.3.1"},
      {"table 29-3", "table 31-3"},
      {"figure 29-1 note 6", "figure 31-1 note 6"},
      {"29.3.2, tables 29-1..29-7", "31.3.2, tables 31-1..31-7"},
      {"table 28-7, note 2", "table 30-7, note 2"},
      {"27.2.1.1", "29.2.1.1"},
      {"25.6.2", "27.6.2"},
      {"25.6.11", "27.6.11"},
      {"25.6.20", "27.6.19"},
      {"25.6.23", "27.6.22"},
      {"table 25-9", "table 27-9"},
      {"26.4.3", "28.4.3"},
      {"26.5.4", "28.5.4"},
      {"26.5.6.3", "28.5.7.3"},
      {"26.5.7.1", "28.5.8.1"},
      {"table 26-1", "table 28-23"},
      {"table 26-10", "table 28-10"},
      {"30.4", "32.4"},
      {"31.3", "33.3"},
      {"29.4.3.1, .2, 26.5.6.3", "31.4.3.1, .2, 28.5.7.3"},
      {"29.3.2 note, A.10", "31.3.2 note, A.10"},
      {"3A 4.3 - 4.5", "3A 5.3 - 5.5"},
      {"3A 4.4.1, 27.3.1.6", "3A 5.4.1, 29.3.1.6"},
      {"3A 4.10.4.1", "3A 5.10.4.1"},
      {"3A 4.5 (?)", "3A 5.5 (?)"},
      {"3A table 12-7", "3A table 14-7"},
      {"29.3.5 (silent), 29.3.6", "31.3.5 (silent), 31.3.6"},
      {"silent", "silent"},
      {"", ""},
  };
  for (const auto& [before, now] : kPassages) {
    EXPECT_EQ(CitedIn2026(before), now);
  }
}

TEST(EditionsTest, AreBothCitedWhereTheyDiffer) {
  EXPECT_EQ(CitedInBoth("29.3.2"), "29.3.2; 2026: 31.3.2");
  EXPECT_EQ(CitedInBoth("silent"), "silent");
}

TEST(EditionsTest, AChapterThatIsNotKnownIsSaidToBeUnknown) {
  EXPECT_EQ(CitedIn2026("16.3"), "16.3?");
}

// Every rule's passage is known; what has a number has another one, but for
// chapter 2 of Volume 3A and what the later edition alone has.
TEST(EditionsTest, KnowThePassageOfEveryRule) {
  for (const RuleInfo& info : kRules) {
    SCOPED_TRACE(std::string(info.identifier));
    std::string known(info.section);
    // "(?)" says that the passage itself is in doubt.
    if (const auto doubt = known.find(" (?)"); doubt != std::string::npos) {
      known.erase(doubt, 4);
    }
    const std::string now = CitedIn2026(known);
    EXPECT_THAT(now, Not(HasSubstr("?")));
    const bool of_2026 = known.find("(2026)") != std::string::npos;
    const bool stays =
        known == "silent" || of_2026 ||
        (known.starts_with("3A 2.") && known.find(',') == std::string::npos);
    EXPECT_EQ(now == known, stays);
  }
}

}  // namespace
}  // namespace eptdiff
