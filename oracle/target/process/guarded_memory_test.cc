#include "oracle/target/process/guarded_memory.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>

namespace eptdiff {
namespace {

constexpr std::uint64_t kAccessed = 0x100, kDirty = 0x200;

class GuardedMemoryTest : public testing::Test {
 protected:
  GuardedMemoryTest() {
    state_.processor.maxphyaddr = 46;
    for (std::uint64_t word = 0x1000; word < 0x1040; word += 8) {
      state_.memory.Store(Hpa{word}, 0x2007);
    }
    memory_.Begin(state_);
  }

  MachineState state_;
  GuardedMemory memory_{std::abort};
};

TEST_F(GuardedMemoryTest, AnotherProcessorIsQuickerOnceInAStep) {
  constexpr std::uint64_t kWanted = 0x2007 | kAccessed | kDirty;
  EXPECT_EQ(memory_.Load(0x1018), 0x2007u);
  EXPECT_FALSE(memory_.CompareExchange(0x1018, 0x2007, kWanted));
  EXPECT_TRUE(memory_.exchange_failed());
  EXPECT_EQ(memory_.Load(0x1018), 0x2007 | kAccessed);
  EXPECT_TRUE(memory_.CompareExchange(0x1018, 0x2007 | kAccessed, kWanted));
  memory_.Load(0x1038);
  EXPECT_TRUE(memory_.CompareExchange(0x1038, 0x2007, kWanted));
  FixedVector<MemoryWord, kMaxStepWrites> writes;
  EXPECT_EQ(memory_.End(writes).kind, IncidentKind::kNone);
  ASSERT_EQ(writes.size(), 2u);
  EXPECT_EQ(writes[0].value, kWanted);
  EXPECT_EQ(writes[1].value, kWanted);
  memory_.Begin(state_);
  EXPECT_FALSE(memory_.exchange_failed());
  EXPECT_FALSE(memory_.CompareExchange(0x1038, 0x2007, kWanted));
}

// Where it would have to log, or nothing would come of it, it keeps out.
TEST_F(GuardedMemoryTest, WhatSetsNoAccessedFlagSucceeds) {
  EXPECT_TRUE(memory_.CompareExchange(0x1018, 0x2007, 0x2007 | kDirty));
  EXPECT_TRUE(memory_.CompareExchange(0x1038, 0x2007, 0x3007 | kAccessed));
  EXPECT_TRUE(memory_.CompareExchange(0x1010, 0x2007, 0x2007 | kAccessed));
  EXPECT_FALSE(memory_.CompareExchange(0x1020, 0x1007, 0x1007 | kAccessed));
  EXPECT_EQ(memory_.Load(0x1020), 0x2007u);
  EXPECT_FALSE(memory_.exchange_failed());
}

}  // namespace
}  // namespace eptdiff
