#include "engine/cache/caching_engine.h"

#include <gtest/gtest.h>

#include "engine/guest/guest_test_machine.h"

namespace eptdiff {
namespace {

TEST(CachingEngineTest, Works) {
  GuestTestMachine machine;
  TranslationCache cache(64);
  CachingEngine engine(cache, machine.processor, machine.controls,
                       machine.guest);
  FlatMemory memory(machine.words.data(), machine.words.size() * 8);
  Event event;
  ASSERT_EQ(engine.PerformLinearAccess(memory, {}, machine.gla(), event),
            EngineStatus::kAnswered);
  const Event first = event;
  EXPECT_EQ(machine.Linear(AccessKind::kRead), first);
  machine.Set(1, 0);
  ASSERT_EQ(engine.PerformLinearAccess(memory, {}, machine.gla(), event),
            EngineStatus::kAnswered);
  EXPECT_EQ(event, first);
}

}  // namespace
}  // namespace eptdiff
