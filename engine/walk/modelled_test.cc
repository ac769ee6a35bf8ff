#include "engine/walk/modelled.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "engine/walk/test_machine.h"

namespace eptdiff {
namespace {

EngineStatus StatusOf(TestMachine& m, const Access& access = {},
                      const GuestPage& page = {}) {
  m.Perform(access, TestMachine::kGpa, page);
  return m.status;
}

// With the control that activates others, and without.
TEST(ModelledTest, ControlsThatChangeEveryAccess) {
  TestMachine m;
  m.controls.primary = 1u << 31;
  EXPECT_EQ(StatusOf(m), EngineStatus::kAnswered);
  m.controls.secondary |= 1;  // virtualize APIC accesses
  EXPECT_EQ(StatusOf(m), EngineStatus::kAnswered);
  for (const unsigned bit : {4u, 8u, 9u}) {  // ... with the virtual-APIC page
    m.controls.secondary |= 1u << bit;
    EXPECT_EQ(StatusOf(m), EngineStatus::kNotModelled) << bit;
    m.controls.secondary &= ~(1u << bit);
  }
  m.controls.primary |= 1u << 21;  // use TPR shadow
  EXPECT_EQ(StatusOf(m), EngineStatus::kNotModelled);
  m.ReadStructure();
  EXPECT_EQ(m.status, EngineStatus::kNotModelled);
  m.controls.secondary &= ~1u;
  EXPECT_EQ(StatusOf(m), EngineStatus::kAnswered);
  m.controls.tertiary = 1 << 5;  // SEAM guest-physical address width
  EXPECT_EQ(StatusOf(m), EngineStatus::kAnswered);
  m.controls.primary |= 1 << 17;
  EXPECT_EQ(StatusOf(m), EngineStatus::kNotModelled);
}

TEST(ModelledTest, FredMattersWhileItDelivers) {
  TestMachine m;
  m.guest.cr4 |= std::uint64_t{1} << 32;
  EXPECT_EQ(StatusOf(m), EngineStatus::kAnswered);
  m.guest.event_delivery = true;
  EXPECT_EQ(StatusOf(m), EngineStatus::kNotModelled);
}

TEST(ModelledTest, AsynchronousAccesses) {
  constexpr Access kAsynchronous = {.asynchronous = true};
  constexpr GuestPage kTrace = {.gla_valid = false};
  TestMachine m;
  EXPECT_EQ(StatusOf(m, kAsynchronous), EngineStatus::kAnswered);
  EXPECT_EQ(StatusOf(m, {}, kTrace), EngineStatus::kCallerError);
  m.controls.secondary |= 1 << 24;  // Intel PT uses guest-physical addresses
  EXPECT_EQ(StatusOf(m, {}, kTrace), EngineStatus::kAnswered);
  m.guest.event_delivery = true;
  EXPECT_EQ(StatusOf(m), EngineStatus::kAnswered);
  EXPECT_EQ(StatusOf(m, kAsynchronous), EngineStatus::kCallerError);
  EXPECT_EQ(StatusOf(m, {}, kTrace), EngineStatus::kCallerError);
}

TEST(ModelledTest, ArchitecturalPebs) {
  constexpr Access kPebs = {.kind = AccessKind::kWrite, .pebs = true};
  constexpr GuestPage kNoGla = {.gla_valid = false};
  TestMachine m;
  m.controls.primary = 1u << 31 | 1 << 17;
  m.controls.secondary |= 1 << 24;  // which is Intel PT's
  EXPECT_EQ(StatusOf(m, kPebs, kNoGla), EngineStatus::kCallerError);
  m.controls.secondary &= ~(1u << 24);
  m.controls.tertiary = 1 << 12;  // PEBS uses guest-physical addresses
  EXPECT_EQ(StatusOf(m, kPebs, kNoGla), EngineStatus::kAnswered);
  EXPECT_EQ(StatusOf(m, {.asynchronous = true}), EngineStatus::kAnswered);
  EXPECT_EQ(StatusOf(m, {}, kNoGla), EngineStatus::kCallerError);
  EXPECT_EQ(StatusOf(m, kPebs), EngineStatus::kCallerError);
  EXPECT_EQ(StatusOf(m, {.pebs = true}, kNoGla), EngineStatus::kCallerError);
  m.PerformLinear(kPebs, Gla{0x1000});
  EXPECT_EQ(m.status, EngineStatus::kCallerError);
  m.guest.event_delivery = true;
  EXPECT_EQ(StatusOf(m, kPebs, kNoGla), EngineStatus::kCallerError);
}

TEST(ModelledTest, VmfuncExitsWhileIntelPtIsTracing) {
  Controls controls = {.primary = 1u << 31, .secondary = 1 << 1 | 1 << 13};
  EXPECT_TRUE(engine::ModelsVmfunc(controls));
  controls.secondary |= 1 << 24;
  EXPECT_FALSE(engine::ModelsVmfunc(controls));
  controls.primary = 0;
  EXPECT_TRUE(engine::ModelsVmfunc(controls));
}

}  // namespace
}  // namespace eptdiff
