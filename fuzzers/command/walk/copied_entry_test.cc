#include "fuzzers/command/walk/copied_entry.h"

#include <optional>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::HasSubstr;

TEST(CopiedEntryTest, NumbersAreHexadecimalHoweverTheyAreWritten) {
  for (const char* text : {"2007", "0x2007", "2007H", "0X2007", "0000`00002007",
                           "0x0000_2007", "000000000002007"}) {
    const auto entry = CopiedEntryIn(text);
    ASSERT_TRUE(entry.ok()) << text;
    EXPECT_EQ(entry->value, 0x2007u) << text;
    EXPECT_FALSE(entry->where) << text;
  }
  EXPECT_EQ(CopiedEntryIn("ffffffffffffffff")->value, ~std::uint64_t{0});
}

TEST(CopiedEntryTest, LevelsHaveTheNamesThatPeopleGiveThem) {
  struct Named {
    const char* text;
    int level;
    bool guest;
  };
  for (const auto& [text, level, guest] :
       {Named{"PDE=2007", 2, false}, Named{"pdpte: 0x2007", 3, false},
        Named{"PXE : 2007", 4, false}, Named{"PPE=2007", 3, false},
        Named{"level 1: 2007", 1, false}, Named{"L5=2007", 5, false},
        Named{"4: 2007", 4, false}, Named{"EPT PTE=2007", 1, false},
        Named{"guest PML4E=2007", 4, true}, Named{"gPTE:2007", 1, true},
        Named{"guest level 2: 2007", 2, true}}) {
    const auto entry = CopiedEntryIn(text);
    ASSERT_TRUE(entry.ok()) << text;
    EXPECT_EQ(entry->value, 0x2007u) << text;
    EXPECT_EQ(entry->where, (EntryLevel{level, guest})) << text;
  }
}

TEST(CopiedEntryTest, WhatIsNoEntrySaysWhatOneIs) {
  for (const char* text :
       {"", "x", "-1", "+1", "0x", "PDE=", "12g4", "10000000000000000",
        "0x10000000000000000", "0x 1"}) {
    const auto entry = CopiedEntryIn(text);
    ASSERT_FALSE(entry.ok()) << text;
    EXPECT_THAT(entry.status().message(), HasSubstr("is no entry"));
  }
  EXPECT_THAT(CopiedEntryIn("PQE=2007").status().message(),
              HasSubstr("\"PQE\" is the name of no entry"));
  EXPECT_FALSE(CopiedEntryIn("level 6: 2007").ok());
}

}  // namespace
}  // namespace eptdiff
