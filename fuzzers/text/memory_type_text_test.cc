#include "fuzzers/text/memory_type_text.h"

#include <string>

#include "fuzzers/generation/mtrr_generation.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::HasSubstr;

std::string Refusal(const std::string& text) {
  const auto parsed = ParseMemoryTypeCase(text, "a.mtrr");
  return parsed.ok() ? "" : std::string(parsed.status().message());
}

TEST(MemoryTypeTextTest, WhatIsWrittenIsReadAgain) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    MemoryTypeCase c;
    c.question =
        seed % 2 == 0 ? GenerateMtrrQuestion(seed) : GeneratePageQuestion(seed);
    c.signature = "eptdiff-x-mtrr-fixed";
    c.sdm_section = "3A 12.11.4.1";
    c.expected = "UC, or WB";
    c.explanation = seed % 3 == 0 ? "" : "It was \"found\" once.";
    const std::string text = FormatMemoryTypeCase(c);
    const auto read = ParseMemoryTypeCase(text, "a.mtrr");
    ASSERT_TRUE(read.ok()) << read.status() << text;
    EXPECT_EQ(*read, c) << text;
  }
}

TEST(MemoryTypeTextTest, FixedRangesHaveTheNamesOfTheirMsrs) {
  const auto c = ParseMemoryTypeCase(
      "machine { fix64k_00000: 1 fix16k_80000: 2 fix16k_a0000: 3\n"
      "fix4k_c0000: 4 fix4k_c8000: 5 fix4k_d0000: 6 fix4k_d8000: 7\n"
      "fix4k_e0000: 8 fix4k_e8000: 9 fix4k_f0000: 10 fix4k_f8000: 11 }",
      "a.mtrr");
  ASSERT_TRUE(c.ok()) << c.status();
  for (std::size_t i = 0; i < kFixedMtrrs; ++i) {
    EXPECT_EQ(c->question.mtrrs.fixed[i], i + 1);
  }
}

TEST(MemoryTypeTextTest, MistakesAreToldWithTheirPlace) {
  EXPECT_EQ(Refusal("machine { cap: 0x508 }"), "");
  EXPECT_THAT(Refusal("machine {\n  maxphyaddr: 53\n}"),
              HasSubstr("a.mtrr:2:3: maxphyaddr: 53 is out of range: 32 to "
                        "52"));
  EXPECT_THAT(Refusal("bytes: 8192"), HasSubstr("a.mtrr:1:1: bytes: 8192 is"));
  EXPECT_THAT(Refusal("hpa: 0x1000\nbytes: 2097152"),
              HasSubstr("a.mtrr:1:1: hpa: 0x1000 is not a multiple"));
  EXPECT_THAT(Refusal("page {\n gpa: 0x1234 }"),
              HasSubstr("a.mtrr:2:2: gpa: 0x1234 is not a multiple"));
  EXPECT_THAT(Refusal("hpa: 0x400000000000"),
              HasSubstr("beyond the 46 bits of maxphyaddr"));
  std::string ranges = "machine {";
  for (int i = 0; i < 11; ++i) ranges += " phys { base: 6 }";
  EXPECT_THAT(Refusal(ranges + " }"), HasSubstr("more than 10 ranges"));
  EXPECT_THAT(Refusal("machine { cr0: 1 }"), HasSubstr("cr0"));
  EXPECT_THAT(Refusal(std::string(1 << 17, ' ')), HasSubstr("the limit"));
}

}  // namespace
}  // namespace eptdiff
