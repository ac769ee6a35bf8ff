// The APIC-access page (SDM 30.4).
#include <gtest/gtest.h>

#include <cstdint>

#include "engine/walk/test_machine.h"

namespace eptdiff {
namespace {

constexpr std::uint16_t kApicAccess = 44;

TestMachine Machine() {
  TestMachine m;
  m.controls.secondary |= 1;
  m.controls.apic_access_address = 0x9000;
  return m;
}

TEST(ApicPageTest, AccessesToItExit) {
  constexpr struct {
    AccessKind kind;
    std::uint64_t qualification;
  } kCases[] = {{AccessKind::kRead, 0x0abc},
                {AccessKind::kWrite, 0x1abc},
                {AccessKind::kReadModifyWrite, 0x1abc},
                {AccessKind::kFetch, 0x2abc}};
  for (const auto& c : kCases) {
    TestMachine m = Machine();
    const Event event = m.Perform(c.kind);
    EXPECT_EQ(ExitReason(event), kApicAccess);
    EXPECT_EQ(event.qualification, c.qualification);
    m.controls.apic_access_address = 0x8000;
    EXPECT_TRUE(Completed(m.Perform(c.kind)));
  }
}

TEST(ApicPageTest, EventDeliveryIsAnotherType) {
  TestMachine m = Machine();
  m.guest.event_delivery = true;
  EXPECT_EQ(m.Perform(AccessKind::kWrite).qualification, 0x3abcu);
  EXPECT_EQ(m.Perform(AccessKind::kRead).qualification, 0x3abcu);
}

// "Undefined if the VM exit is due to a guest-physical access": 0 here.
TEST(ApicPageTest, GuestPhysicalAccessesExitToo) {
  TestMachine m = Machine();
  EXPECT_EQ(ExitReason(m.ReadStructure()), kApicAccess);
  EXPECT_EQ(m.ReadStructure().qualification, 0xf000u);
  m.guest.event_delivery = true;
  EXPECT_EQ(m.ReadStructure().qualification, 0xa000u);
}

TEST(ApicPageTest, FlagsAreSetBeforeAndLogged) {
  TestMachine m = Machine();
  m.EnablePml(5);
  EXPECT_EQ(ExitReason(m.Perform(AccessKind::kWrite)), kApicAccess);
  EXPECT_EQ(m.At(TestMachine::kPte), 0x9337u);
  EXPECT_EQ(m.At(0x8028), TestMachine::kGpa.value & ~0xfffull);
}

TEST(ApicPageTest, ViolationsComeFirst) {
  TestMachine m = Machine();
  m.At(TestMachine::kPte) = 0x9035;
  EXPECT_EQ(ExitReason(m.Perform(AccessKind::kWrite)), 48);
  EXPECT_EQ(ExitReason(m.Perform(AccessKind::kRead)), kApicAccess);
}

}  // namespace
}  // namespace eptdiff
