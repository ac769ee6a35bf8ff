#include "oracle/processor/image/screen_window.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <optional>

namespace eptdiff::image {
namespace {

constexpr std::uint64_t k2M = 0x200000, k1G = 0x40000000, k4G = 4 * k1G;
constexpr int kWidth = 46;
using Directory = std::array<std::uint64_t, 512>;

std::optional<std::uint64_t> Reach(std::uint64_t first, std::uint64_t bytes) {
  Directory directory = {};
  return ReachScreen(first, bytes, kWidth, directory);
}

TEST(ScreenWindowTest, WhatLiesBelow4GbytesIsWhereItIs) {
  Directory directory = {};
  EXPECT_EQ(ReachScreen(0xfd00'0000, 0x30'0000, kWidth, directory),
            0xfd00'0000);
  EXPECT_EQ(ReachScreen(k4G - 0x1000, 0x1000, kWidth, directory), k4G - 0x1000);
  EXPECT_EQ(directory, Directory{});
}

// Each byte is where the tables have it: a walk of the directory.
TEST(ScreenWindowTest, WhatLiesAboveIsMapped) {
  constexpr struct {
    std::uint64_t first, bytes, pages;
  } kScreens[] = {
      {0x38'0000'0000, 1920 * 1080 * 4, 4},
      {0x38'0000'0000 + k2M - 0x1000, 0x2000, 2},
      {0x38'001f'f000, k2M, 2},
      {k4G - 0x1000, 0x2000, 2},  // a part of it
      {(std::uint64_t{1} << kWidth) - k1G, k1G, 512},
  };
  for (const auto& [first, bytes, pages] : kScreens) {
    Directory directory = {};
    const auto linear = ReachScreen(first, bytes, kWidth, directory);
    ASSERT_TRUE(linear.has_value()) << std::hex << first;
    for (const std::uint64_t at : {std::uint64_t{0}, bytes / 2, bytes - 1}) {
      const std::uint64_t gla = *linear + at;
      EXPECT_EQ(gla >> 30, 4u);  // entry 4 of the PDPT
      const std::uint64_t entry = directory[gla >> 21 & 0x1ff];
      EXPECT_EQ(entry & 0xfff, 0x93u);
      EXPECT_EQ((entry & ~(k2M - 1)) | gla % k2M, first + at)
          << std::hex << first;
    }
    EXPECT_NE(directory[pages - 1], 0u);
    if (pages < directory.size()) {
      EXPECT_EQ(directory[pages], 0u);
    }
  }
}

TEST(ScreenWindowTest, WhatNoTableMapsIsNotReached) {
  constexpr std::uint64_t kEnd = std::uint64_t{1} << kWidth;
  EXPECT_EQ(Reach(2 * k4G, 0), std::nullopt);
  EXPECT_EQ(Reach(kEnd, 0x1000), std::nullopt);
  EXPECT_EQ(Reach(kEnd - 0x1000, 0x2000), std::nullopt);
  EXPECT_EQ(Reach(2 * k4G, k1G + 1), std::nullopt);
  EXPECT_EQ(Reach(2 * k4G + 1, k1G), std::nullopt);
  EXPECT_EQ(Reach(~std::uint64_t{0}, 2), std::nullopt);
}

}  // namespace
}  // namespace eptdiff::image
