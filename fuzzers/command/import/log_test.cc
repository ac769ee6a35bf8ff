#include "fuzzers/command/import/log.h"

#include <optional>
#include <string>

#include "gtest/gtest.h"

namespace eptdiff {
namespace {

TEST(LogTest, LinesEndAsTheyDoAnywhere) {
  const Log log("a\r\nb\n\nc");
  ASSERT_EQ(log.size(), 4u);
  EXPECT_EQ(log.line(0), "a");
  EXPECT_EQ(log.line(1), "b");
  EXPECT_EQ(log.line(2), "");
  EXPECT_EQ(log.line(3), "c");
  EXPECT_EQ(log.line(4), "");
  EXPECT_FALSE(log.used(4));
  EXPECT_EQ(Log("").size(), 0u);
}

TEST(LogTest, WindowsWritesUtf16) {
  const Log log(
      std::string("\xff\xfe"
                  "E\0P\0T\0\r\0\n\0x\0",
                  14));
  ASSERT_EQ(log.size(), 2u);
  EXPECT_EQ(log.line(0), "EPT");
}

TEST(LogTest, NumbersFollowTheirNames) {
  EXPECT_EQ(HexAfter("gpa 0x12ab mfn 0x5", "gpa"), 0x12abu);
  EXPECT_EQ(HexAfter("gpa: 12AB, x", "gpa"), 0x12abu);
  EXPECT_EQ(HexAfter("GPA = 30H", "GPA"), 0x30u);
  EXPECT_EQ(HexAfter("at fffff801`639b1030", "at"), 0xfffff801639b1030u);
  EXPECT_EQ(HexAfter("level 4.", "level"), 4u);
  EXPECT_EQ(NumberAfter("reason 48 (EPT violation)", "reason"), 48u);
  EXPECT_EQ(NumberAfter("reason 0x30", "reason"), 0x30u);
}

TEST(LogTest, WhatIsNoNumberIsNone) {
  EXPECT_EQ(HexAfter("gpa 0x12ab", "gla"), std::nullopt);
  EXPECT_EQ(HexAfter("gpa", "gpa"), std::nullopt);
  EXPECT_EQ(HexAfter("gpa none", "gpa"), std::nullopt);
  EXPECT_EQ(HexAfter("gpa 0x", "gpa"), std::nullopt);
  EXPECT_EQ(HexAfter("gpa beef_and", "gpa"), std::nullopt);
  EXPECT_EQ(HexAfter("gpa 0x10000000000000000", "gpa"), std::nullopt);
  EXPECT_EQ(NumberAfter("reason 3f", "reason"), std::nullopt);
}

}  // namespace
}  // namespace eptdiff
