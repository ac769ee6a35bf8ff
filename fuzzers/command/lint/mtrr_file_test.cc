#include "fuzzers/command/lint/mtrr_file.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "oracle/mtrr/memory_types.h"

namespace eptdiff {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

GivenMtrrs Read(const std::string& text,
                std::optional<unsigned> maxphyaddr = std::nullopt) {
  const auto given = ReadMtrrs(text, maxphyaddr);
  EXPECT_TRUE(given.ok()) << given.status();
  return given.ok() ? *given : GivenMtrrs();
}

int TypeOfByte(const GivenMtrrs& given, std::uint64_t hpa) {
  return TypeAt(given.mtrrs, hpa).type;
}

TEST(MtrrFileTest, WhatLinuxPrintsAtItsStartIsRead) {
  const GivenMtrrs given = Read(
      "[    0.000000] x86/PAT: Configuration\n"
      "[    0.000000] MTRR default type: write-back\n"
      "[    0.000000] MTRR fixed ranges enabled:\n"
      "[    0.000000]   00000-9FFFF write-back\n"
      "[    0.000000]   A0000-BFFFF uncachable\n"
      "[    0.000000]   C0000-FFFFF write-protect\n"
      "[    0.000000] MTRR variable ranges enabled:\n"
      "[    0.000000]   0 base 0080000000 mask 7F80000000 uncachable\n"
      "[    0.000000]   1 base 4000000000 mask 7FF0000000 write-through\n"
      "[    0.000000]   2 disabled\n"
      "[    0.000000] total RAM covered: 12M\n");
  EXPECT_EQ(given.mtrrs.maxphyaddr, 39);
  EXPECT_THAT(given.assumed, IsEmpty());
  EXPECT_EQ(given.words, "2 variable ranges, fixed ranges; WB elsewhere");
  EXPECT_EQ(TypeOfByte(given, 0x9ffff), 6);
  EXPECT_EQ(TypeOfByte(given, 0xa0000), 0);
  EXPECT_EQ(TypeOfByte(given, 0xc8000), 5);
  EXPECT_EQ(TypeOfByte(given, 0x7fffffff), 6);
  EXPECT_EQ(TypeOfByte(given, 0x80000000), 0);
  EXPECT_EQ(TypeOfByte(given, 0xffffffff), 0);
  EXPECT_EQ(TypeOfByte(given, 0x100000000), 6);
  EXPECT_EQ(TypeOfByte(given, 0x4000000000), 4);
}

TEST(MtrrFileTest, WhatProcDoesNotSayIsAssumedAndSaid) {
  const GivenMtrrs ranges = Read(
      "reg00: base=0x000000000 (    0MB), size= 2048MB, count=1: write-back\n"
      "reg01: base=0x07f000000 ( 2032MB), size=   16MB, count=1: uncachable\n");
  EXPECT_EQ(TypeOfByte(ranges, 0x7effffff), 6);
  EXPECT_EQ(TypeOfByte(ranges, 0x7f000000), 0);
  EXPECT_EQ(TypeOfByte(ranges, 0x80000000), 0);
  EXPECT_THAT(ranges.assumed,
              ElementsAre(HasSubstr("MTRRs' default type is UC")));
  const GivenMtrrs holes = Read(
      "reg00: base=0x080000000 ( 2048MB), size=  512KB, count=1: uncachable\n",
      40);
  EXPECT_EQ(holes.mtrrs.maxphyaddr, 40);
  EXPECT_EQ(TypeOfByte(holes, 0x8007ffff), 0);
  EXPECT_EQ(TypeOfByte(holes, 0x80080000), 6);
  EXPECT_THAT(holes.assumed, ElementsAre(HasSubstr("default type is WB")));
}

TEST(MtrrFileTest, RegistersAreReadByNameAndNumber) {
  const GivenMtrrs given = Read(
      "MAXPHYADDR 42\n"
      "IA32_MTRRCAP 0xd0a\n"
      "IA32_MTRR_DEF_TYPE 0xc06\n"
      "0x250: 0x0606060606060604\n"
      "MTRR_PHYSBASE1 0xc0000000 MTRR_PHYSMASK1 0x3ffc0000800\n"
      "0x204 = 0xe0000001\n"
      "0x205 = 0x3ffe0000000\n");  // not valid
  EXPECT_EQ(given.mtrrs.maxphyaddr, 42);
  EXPECT_EQ(given.mtrrs.cap, 0xd0au);
  EXPECT_EQ(TypeOfByte(given, 0), 4);
  EXPECT_EQ(TypeOfByte(given, 0x10000), 6);
  EXPECT_EQ(TypeOfByte(given, 0xc0000000), 0);
  EXPECT_EQ(given.mtrrs.variable[2].base, 0xe0000001u);
  EXPECT_EQ(given.words, "1 variable range, fixed ranges; WB elsewhere");
  EXPECT_EQ(Read("IA32_MTRR_DEF_TYPE 0x6\n").words,
            "not enabled; 0 variable ranges; WB elsewhere");
}

TEST(MtrrFileTest, WhatMakesNoSenseIsSaidWithItsLine) {
  for (const auto& [text, says] : {
           std::pair("nothing\nof the kind\n", "no line of it"),
           std::pair("", "no line of it"),
           std::pair("a\nMTRR default type: mauve\n", "line 2: a default type"),
           std::pair("IA32_MTRR_DEF_TYPE off\n", "no hexadecimal number"),
           std::pair("IA32_MTRR_PHYSBASE0 0x6\n", "not say the default type"),
           std::pair("reg00: base=0x0 (0MB), size=3MB, count=1: write-back\n",
                     "a range that is none"),
           std::pair("reg99: base=0x0 (0MB), size=4MB, count=1: write-back\n",
                     "a register that is none"),
           std::pair("MAXPHYADDR 99\n", "from 32 to 52"),
           std::pair("MAXPHYADDR 46\nIA32_MTRR_DEF_TYPE 0x806\n"
                     "IA32_MTRR_PHYSMASK3 0x7ff0000800\n",
                     "range 3, 0x7ff0000000, is none with a MAXPHYADDR of 46"),
           std::pair("MTRR variable ranges enabled:\n"
                     "  11 base 0 mask 7F80000000 uncachable\n",
                     "a variable range that is none"),
       }) {
    const auto given = ReadMtrrs(text, std::nullopt);
    ASSERT_FALSE(given.ok()) << text;
    EXPECT_THAT(given.status().message(), HasSubstr(says)) << text;
  }
}

}  // namespace
}  // namespace eptdiff
