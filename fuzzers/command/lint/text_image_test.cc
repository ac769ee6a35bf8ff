#include "fuzzers/command/lint/text_image.h"

#include <string>

#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::SizeIs;

TEST(TextImageTest, TheFormsOfDebuggersAreRead) {
  const TextImage image = ReadTextImage(
      "# the tables\n"
      "0x1000:\t0x0000000000002007\t0x0000000000003007\n"          // gdb
      "0x1010 <tables+16>:\t0x4007\n"                              // gdb
      "0000000000002000: 0x0000000010000037 0x0000000010001037\n"  // QEMU
      "00000000`00002010  00000000`10002037 00000000`00000000\n"   // WinDbg
      "2ff8 = 37\n"
      "\n");
  ASSERT_THAT(image.pages, SizeIs(2));
  EXPECT_EQ(image.words, 8u);
  EXPECT_EQ(image.unread, 0u);
  const TablePage& first = image.pages.at(0x1000);
  EXPECT_EQ(first[0], 0x2007u);
  EXPECT_EQ(first[1], 0x3007u);
  EXPECT_EQ(first[2], 0x4007u);
  EXPECT_EQ(first[3], 0u);
  const TablePage& second = image.pages.at(0x2000);
  EXPECT_EQ(second[1], 0x10001037u);
  EXPECT_EQ(second[2], 0x10002037u);
  EXPECT_EQ(second[511], 0x37u);
}

TEST(TextImageTest, ALineMayGoOnIntoTheNextPage) {
  const TextImage image = ReadTextImage("0x1ff8: 0x1 0x2\n");
  EXPECT_EQ(image.pages.at(0x1000)[511], 1u);
  EXPECT_EQ(image.pages.at(0x2000)[0], 2u);
}

TEST(TextImageTest, WhatIsNoSuchLineIsCounted) {
  const TextImage image = ReadTextImage(
      "0x1000: 0x1\n"
      "(gdb) x/8gx 0x2000\n"
      "0x1004: 0x1\n"                  // no word begins there
      "0x2000: 0x12345678123456789\n"  // more than 64 bits
      "0x3000:\n"
      "0x1000: 0x2\n");
  EXPECT_EQ(image.unread, 4u);
  EXPECT_EQ(image.first_unread, 2u);
  EXPECT_THAT(image.pages, SizeIs(1));
  EXPECT_EQ(image.pages.at(0x1000)[0], 2u);  // the last word counts
}

TEST(TextImageTest, WordsFarApartAreTooMany) {
  std::string text;
  for (std::size_t page = 0; page <= kMostTextPages; ++page) {
    absl::StrAppendFormat(&text, "%x: 1\n", page << 12);
  }
  EXPECT_FALSE(ReadTextImage(text).too_many);
  EXPECT_TRUE(ReadTextImage(text + "1ffff000: 1\n").too_many);
}

TEST(TextImageTest, TextIsRecognisedByItsFirstLine) {
  EXPECT_TRUE(IsTextImage("\n# comment\n0x1000: 0x1\n"));
  EXPECT_FALSE(IsTextImage("hello\n0x1000: 0x1\n"));
  EXPECT_FALSE(IsTextImage(""));
  EXPECT_FALSE(IsTextImage("\n\n"));
  EXPECT_FALSE(IsTextImage(absl::string_view("\0\0\n0x1000: 0x1\n", 15)));
  EXPECT_FALSE(IsTextImage(std::string(5000, '1') + "\n0x1000: 0x1\n"));
}

}  // namespace
}  // namespace eptdiff
