#include "oracle/builder/judge/reference_walker.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "oracle/builder/frame_memory.h"
#include "oracle/builder/mapping_model.h"
#include "oracle/builder/table_case.h"
#include "oracle/builder/table_facts.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kRoot = 0x100000, kAll = 0x37;

// Two trees of four tables each, the second 10000H above the first, which map
// the page at 0 to 9000H.
class WalkedTest : public testing::Test {
 protected:
  WalkedTest() : walker_(frames_) {
    for (const std::uint64_t root : {kRoot, kRoot + 0x10000}) {
      for (std::uint64_t i = 0; i < 4; ++i) {
        frames_.Fill(Hpa{root + 0x1000 * i}, 0);
        *frames_.At(Hpa{root + 0x1000 * i}) = (root + 0x1000 * (i + 1)) | 7;
      }
      *frames_.At(Hpa{root + 0x3000}) = 0x9000 | kAll;
    }
    const Case c = TableCase().Build();
    walker_.Reset(c);
    walker_.Enter(FactsOf(c.processor, c.controls, 0), c.controls.eptp);
    model_.Map({0, 0x9000, 0x1000, kAll});
  }
  std::uint64_t& Leaf() { return *frames_.At(Hpa{kRoot + 0x3000}); }
  bool Agrees(std::uint64_t gpa = 0) {
    return walker_.AgreesWith(model_, Gpa{gpa});
  }

  FrameMemory frames_;
  ReferenceWalker walker_;
  MappingModel model_;
};

// What has agreed once is walked again where an entry has changed since, in the
// leaf or above, ...
TEST_F(WalkedTest, WhatChangesInTheTablesIsWalkedAgain) {
  EXPECT_TRUE(Agrees());
  EXPECT_TRUE(Agrees());
  for (const std::uint64_t word : {0xa000 | kAll, 0x9000 | (kAll ^ 2),
                                   0x9000 | (kAll ^ 0x30), std::uint64_t{0}}) {
    Leaf() = word;
    EXPECT_FALSE(Agrees()) << std::hex << word;
    Leaf() = 0x9000 | kAll;
    EXPECT_TRUE(Agrees()) << std::hex << word;
  }
  std::uint64_t& above = *frames_.At(Hpa{kRoot + 0x1000});
  above ^= 2;
  EXPECT_FALSE(Agrees());
  above ^= 2;
  EXPECT_TRUE(Agrees());
}

// ... or what was asked for, or the address is another, or the tables.
TEST_F(WalkedTest, WhatIsAskedForOtherwiseIsWalkedAgain) {
  EXPECT_TRUE(Agrees());
  for (const Interval& page :
       {Interval{0, 0xa000, 0x1000, kAll}, Interval{0, 0x9000, 0x1000, 0x35},
        Interval{0, 0x9000, 0x1000, 7}}) {
    model_.Map(page);
    EXPECT_FALSE(Agrees());
    model_.Map({0, 0x9000, 0x1000, kAll});
    EXPECT_TRUE(Agrees());
  }
  model_.Unmap(0, 0x1000);
  EXPECT_FALSE(Agrees());
  EXPECT_TRUE(Agrees(0x1000));
  model_.Map({0, 0x9000, 0x2000, kAll});
  EXPECT_FALSE(Agrees(0x1000));
  const std::uint64_t flags = TableCase().Build().controls.eptp & 0xfff;
  walker_.UseTables((kRoot + 0x10000) | flags, 1);
  *frames_.At(Hpa{kRoot + 0x13000}) = 0;
  EXPECT_FALSE(Agrees());
  walker_.UseTables(kRoot | flags, 0);
  EXPECT_TRUE(Agrees());
}

}  // namespace
}  // namespace eptdiff
