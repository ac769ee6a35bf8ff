#include "oracle/sparse_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>

namespace eptdiff {
namespace {

TEST(SparseMemoryTest, ReadsAsZeroUntilStored) {
  SparseMemory memory;
  EXPECT_EQ(memory.Load({0x1000}), 0u);
  memory.Store({0x1000}, 0x2007);
  EXPECT_EQ(memory.Load({0x1000}), 0x2007u);
  EXPECT_EQ(memory.Load({0x1008}), 0u);
  EXPECT_EQ(memory.Load({0xffff'ffff'ffff'fff8}), 0u);
}

TEST(SparseMemoryTest, IgnoresTheLowThreeBitsOfAnAddress) {
  SparseMemory memory;
  memory.Store({0x1007}, 1);
  EXPECT_EQ(memory.Load({0x1000}), 1u);
  EXPECT_EQ(memory.Load({0x1003}), 1u);
}

TEST(SparseMemoryTest, TheLastStoreHolds) {
  SparseMemory memory;
  memory.Store({0x1000}, 1);
  memory.Store({0x1000}, 2);
  EXPECT_EQ(memory.Load({0x1000}), 2u);
  EXPECT_THAT(memory.addresses(), testing::ElementsAre(Hpa{0x1000}));
}

TEST(SparseMemoryTest, ListsAddressesOldestFirst) {
  SparseMemory memory;
  memory.Store({0x3000}, 1);
  memory.Store({0x1004}, 1);
  memory.Store({0x3000}, 2);
  EXPECT_THAT(memory.addresses(),
              testing::ElementsAre(Hpa{0x3000}, Hpa{0x1000}));
}

TEST(SparseMemoryTest, ClearForgetsAllWords) {
  SparseMemory memory;
  memory.Store({0x1000}, 1);
  memory.Clear();
  EXPECT_EQ(memory.Load({0x1000}), 0u);
  EXPECT_TRUE(memory.addresses().empty());
  memory.Store({0x1000}, 3);
  EXPECT_EQ(memory.Load({0x1000}), 3u);
}

// Far more words than the table begins with, at addresses that a table of
// tables has: pages apart.
TEST(SparseMemoryTest, KeepsAllWordsAsItGrows) {
  constexpr std::uint64_t kWords = 20000;
  const auto address = [](std::uint64_t i) { return Hpa{i * 0x1000}; };
  SparseMemory memory;
  for (int round = 0; round < 3; ++round) {
    for (std::uint64_t i = 0; i < kWords; ++i) memory.Store(address(i), i + 1);
    for (std::uint64_t i = 0; i < kWords; ++i) {
      ASSERT_EQ(memory.Load(address(i)), i + 1);
    }
    EXPECT_EQ(memory.Load(address(kWords)), 0u);
    EXPECT_EQ(memory.addresses().size(), kWords);
    memory.Clear();
    ASSERT_EQ(memory.Load(address(7)), 0u);
  }
}

TEST(SparseMemoryTest, ACopyIsIndependent) {
  SparseMemory memory;
  memory.Store({0x1000}, 1);
  SparseMemory copy = memory;
  copy.Store({0x1000}, 2);
  EXPECT_EQ(memory.Load({0x1000}), 1u);
  EXPECT_EQ(copy.Load({0x1000}), 2u);
}

TEST(SparseMemoryDeathTest, MoreThanItHoldsEndsTheProcess) {
  EXPECT_DEATH(
      {
        SparseMemory memory;
        for (std::uint64_t i = 0; i <= 2 * SparseMemory::kMaxWords; ++i) {
          memory.Store({8 * i}, 1);
        }
      },
      "");
}

}  // namespace
}  // namespace eptdiff
