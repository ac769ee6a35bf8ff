// What tables map, where an entry looks as if it went on where the last one
// ended.
#include "oracle/builder/judge/table_image.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>

namespace eptdiff {
namespace {

constexpr std::uint64_t kRoot = 0x1000, kPdpt = 0x2000, kPd = 0x3000,
                        kPt = 0x4000;

class TableImageTest : public testing::Test {
 protected:
  TableImageTest() {
    for (const std::uint64_t frame : {kRoot, kPdpt, kPd, kPt}) {
      memory.Fill(Hpa{frame}, 0);
    }
    Set(kRoot, 0, kPdpt | 7);
    Set(kPdpt, 0, kPd | 7);
    facts.page_2m = true;
  }
  void Set(std::uint64_t table, std::uint64_t index, std::uint64_t entry) {
    *memory.At(Hpa{table + 8 * index}) = entry;
  }
  const TableImage& Read() {
    ReadTree(facts, memory, Hpa{kRoot}, image);
    return image;
  }

  TableFacts facts;  // MAXPHYADDR is 46
  FrameMemory memory;
  TableImage image;
};

TEST_F(TableImageTest, EntriesThatGoOnAreOnePiece) {
  Set(kPd, 0, kPt | 7);
  for (std::uint64_t i = 0; i < 512; ++i) Set(kPt, i, (i << 12) + 0x9037);
  ASSERT_EQ(Read().pages.size(), 1u);
  EXPECT_EQ(image.pages[0].bytes, 0x200000u);
  Set(kPt, 7, 0x10035);  // the same address, and no write permission
  EXPECT_EQ(Read().pages.size(), 3u);
  Set(kPt, 7, 0);
  EXPECT_EQ(Read().pages.size(), 2u);
}

TEST_F(TableImageTest, ATrapMapsNothing) {
  Set(kPd, 0, kPt | 7);
  Set(kPt, 0, 0x9037);
  Set(kPt, 1, 0xabc002);  // writable, and not readable
  EXPECT_FALSE(Read().findings.empty());
  facts.trap_mask = 7;
  facts.trap_value = 2;
  EXPECT_TRUE(Read().findings.empty());
  ASSERT_EQ(image.pages.size(), 1u);
  EXPECT_EQ(image.pages[0].bytes, 0x1000u);
  EXPECT_FALSE(ChangeNeedsInvept(facts, 0xabc002, 0x9037, 1));
  EXPECT_TRUE(ChangeNeedsInvept(facts, 0x9037, 0xabc002, 1));
}

TEST_F(TableImageTest, NothingGoesOnAboveMaxphyaddr) {
  Set(kPd, 0, kPt | 7);
  Set(kPt, 0, (1ull << 46) - 0x1000 + 0x37);
  EXPECT_TRUE(Read().findings.empty());
  Set(kPt, 1, (1ull << 46) + 0x37);
  ASSERT_EQ(Read().findings.size(), 1u);
  EXPECT_EQ(image.findings[0].rule, BuilderRule::kEntry);
  EXPECT_EQ(image.findings[0].where, kPt + 8);
}

// Bit 7 of a PTE is ignored: the word is the one that a PDE would have.
TEST_F(TableImageTest, AnotherTableHasRightsOfItsOwn) {
  Set(kPd, 0, 0x2000b7);
  Set(kPd, 1, kPt | 5);
  Set(kPt, 0, 0x4000b7);
  ASSERT_EQ(Read().pages.size(), 2u);
  EXPECT_EQ(image.pages[1].hpa, 0x400000u);
  EXPECT_EQ(image.pages[1].bytes, 0x1000u);
  EXPECT_EQ(image.pages[1].flags & 7, 5u);
}

// Without "EPT-violation #VE" bit 63 says nothing.
TEST_F(TableImageTest, AnyUnusedWordIsOneWithBit63WhereThatIsIgnored) {
  constexpr std::uint64_t kSuppress = 1ull << 63;
  const struct {
    std::uint64_t unused, word;
    bool any, found;
  } kCases[] = {
      {0, 0xabcd000, true, false},
      {0, kSuppress | 0xabcd000, true, false},
      {0, kSuppress, false, true},
      {kSuppress, kSuppress | 0xabcd000, true, false},
      {kSuppress, 0xabcd000, true, true},
  };
  Set(kPd, 0, 0x2000b7);
  for (const auto& [unused, word, any, found] : kCases) {
    facts.unused = unused;
    facts.any_unused = any;
    EXPECT_EQ(IsUnused(facts, word), !found) << std::hex << word;
    Set(kPd, 1, word);
    for (const std::uint64_t table : {kRoot, kPdpt}) {
      for (std::uint64_t i = 1; i < 512; ++i) Set(table, i, unused);
    }
    for (std::uint64_t i = 2; i < 512; ++i) Set(kPd, i, unused);
    EXPECT_EQ(!Read().findings.empty(), found) << std::hex << word;
  }
}

TEST_F(TableImageTest, APathEndsWhereTheWalkDoes) {
  Set(kPd, 0, kPt | 7);
  Set(kPd, 1, 0x4000b7);
  Set(kPt, 3, 0x9037);
  const auto small = PathOf(facts, memory, Hpa{kRoot}, 0x3000);
  ASSERT_EQ(small.size(), 4u);
  EXPECT_EQ(small[3].level, 1);
  EXPECT_EQ(small[3].address.value, kPt + 24);
  EXPECT_EQ(small[3].word, 0x9037u);
  const auto large = PathOf(facts, memory, Hpa{kRoot}, 0x200000);
  ASSERT_EQ(large.size(), 3u);
  EXPECT_EQ(large[2].word, 0x4000b7u);
  EXPECT_EQ(PathOf(facts, memory, Hpa{kRoot}, 0x40000000).size(), 2u);
}

TEST_F(TableImageTest, WhatIsInALargePageIsNoTable) {
  Set(kPd, 0, kPt | 7);
  Set(kPd, 1, 0x4000b7);
  Set(kPt, 3, 0x9037);
  const auto is_in = [&](std::uint64_t hpa) {
    return IsInLargePage(facts, memory, Hpa{kRoot}, Hpa{hpa});
  };
  EXPECT_TRUE(is_in(0x400000));
  EXPECT_TRUE(is_in(0x5ffff8));
  EXPECT_FALSE(is_in(0x600000));
  EXPECT_FALSE(is_in(0x9000));
  EXPECT_FALSE(is_in(kPt));
}

TEST_F(TableImageTest, AnEntryIsWrongByARule) {
  const struct {
    std::uint64_t entry;
    int level;
    std::optional<Rule> rule;
  } kEntries[] = {
      {0x9037, 1, {}},
      {0x9002, 1, Rule::kCfg1},
      {0x9034, 1, Rule::kCfg2},
      {0x400000009037, 1, Rule::kCfg10},
      {kPdpt | 0xf, 4, Rule::kCfg5},
      {kPt | 0x47, 2, Rule::kCfg6},
      {0x400000b7, 3, Rule::kCfg7},
      {0x4010b7, 2, Rule::kCfg9},
      {0x901f, 1, Rule::kCfg11},
  };
  for (const auto& [entry, level, rule] : kEntries) {
    EXPECT_EQ(BrokenRuleOf(facts, entry, level), rule) << entry;
  }
  facts.page_1g = true;
  EXPECT_EQ(BrokenRuleOf(facts, 0x402000b7, 3), Rule::kCfg8);
  facts.mbec = true;
  EXPECT_EQ(BrokenRuleOf(facts, 0x9430, 1), Rule::kCfg3);
  facts.execute_only = facts.paging_write = true;
  EXPECT_EQ(BrokenRuleOf(facts, 0x400000000009034, 1), Rule::kCfg4);
  // What is read of tables says so.
  Set(kPd, 0, kPt | 0x47);
  ASSERT_EQ(Read().findings.size(), 1u);
  EXPECT_EQ(image.findings[0].sdm, Rule::kCfg6);
  EXPECT_EQ(image.findings[0].facts.entry.word, kPt | 0x47);
}

}  // namespace
}  // namespace eptdiff
