#include "oracle/machine_state.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace eptdiff {
namespace {

using enum GuestRegister;

GuestState After(GuestState guest, GuestRegister reg, std::uint64_t value) {
  WriteRegister(reg, value, guest);
  return guest;
}

TEST(MachineStateTest, LmaIsLmeAndPaging) {
  GuestState guest;
  guest.cr0 = 0x80000021;
  guest.efer = 0xd00;
  GuestState unpaged = After(guest, kCr0, 0x21);
  EXPECT_EQ(unpaged.efer, 0x900u);
  EXPECT_EQ(After(unpaged, kCr0, 0x80000021).efer, 0xd00u);
  unpaged.efer = 0x800;
  EXPECT_EQ(After(unpaged, kCr0, 0x80000021).efer, 0x800u);
  // Without "load IA32_EFER" VM entry loads LME as it loads LMA.
  guest.efer = 0x400;
  EXPECT_EQ(After(guest, kCr0, 0x21).efer, 0x100u);
  guest.efer = 0x100;
  EXPECT_EQ(After(guest, kCr0, 0x21).efer, 0u);
}

TEST(MachineStateTest, LmaCannotBeWritten) {
  GuestState guest;
  guest.cr0 = 0x80000021;
  guest.efer = 0xd00;
  EXPECT_EQ(After(guest, kEfer, 0x101).efer, 0x501u);
  guest.efer = 0;
  EXPECT_EQ(After(guest, kEfer, 0xc00).efer, 0x800u);
}

TEST(MachineStateTest, MovLeavesSomeBitsAsTheyAre) {
  GuestState guest;
  guest.cr0 = 0x80000031;
  EXPECT_EQ(After(guest, kCr0, 0x8fffffef).cr0, 0x8005003fu);
  const std::uint64_t preserve = std::uint64_t{1} << 63;
  EXPECT_EQ(After(guest, kCr3, preserve | 0x1005).cr3, preserve | 0x1005);
  guest.cr4 = 0x20000;  // PCIDE
  EXPECT_EQ(After(guest, kCr3, preserve | 0x1005).cr3, 0x1005u);
}

TEST(MachineStateTest, AWriteIsCarriedOutIfItCompletes) {
  MachineState state;
  Step step;
  step.kind = StepKind::kRegisterWrite;
  step.reg = kPkru;
  step.value = 5;
  Outcome outcome;
  outcome.event.kind = EventKind::kGeneralProtection;
  state.Apply(&step, outcome);
  EXPECT_EQ(state.guest.pkru, 0u);
  outcome.event.kind = EventKind::kCompleted;
  state.Apply(&step, outcome);
  EXPECT_EQ(state.guest.pkru, 5u);
}

TEST(MachineStateTest, FieldsOfTheVmcsAreWrittenBeforeEntry) {
  MachineState state;
  Step step;
  step.kind = StepKind::kVmEntry;
  step.index = 0x0812;  // PML index
  step.value = 0x101ff;
  state.Begin(step);
  EXPECT_EQ(state.controls.pml_index, 0x1ff);
  step.index = 0x4816;  // access rights of CS
  step.value = 1 << 13;
  state.Begin(step);
  EXPECT_TRUE(state.guest.cs_l);
  step.index = 0x4818;  // of SS
  step.value = 3 << 5;
  state.Begin(step);
  EXPECT_EQ(state.guest.cpl, 3);
}

TEST(MachineStateTest, FieldsReadAsTheyWereWritten) {
  Controls controls;
  GuestState guest;
  for (std::uint32_t field = 0; field < 0x7000; ++field) {
    if (!HasVmcsField(field)) continue;
    EXPECT_EQ(ReadVmcs(field, controls, guest),
              field == 0x2804 ? GuestState().pat : 0)  // IA32_PAT
        << std::hex << field;
    const std::uint64_t value = field == 0x4816   ? 0x2000
                                : field == 0x4818 ? 0x40
                                                  : 0x5a5a;
    ASSERT_TRUE(WriteVmcs(field, value, controls, guest));
    EXPECT_EQ(ReadVmcs(field, controls, guest), value) << std::hex << field;
  }
  EXPECT_EQ(ReadVmcs(0x201b, controls, guest), 0u);
}

TEST(MachineStateTest, KnowsTheFieldsThatACaseHas) {
  EXPECT_TRUE(HasVmcsField(0x201a));
  EXPECT_TRUE(HasVmcsField(0x4818));
  EXPECT_FALSE(HasVmcsField(0x201b));  // the high half of EPTP
  EXPECT_FALSE(HasVmcsField(0x6c16));  // host RIP
  EXPECT_EQ(NameOfVmcsField(0x201a), "EPTP");
}

// Each logical processor has registers of its own.
TEST(MachineStateTest, AnotherProcessorBeginsAsTheCaseSays) {
  Case c;
  c.guest.pkru = 1;
  Step first;
  first.kind = StepKind::kRegisterWrite;
  first.reg = kPkru;
  first.value = 5;
  Step second = first;
  second.processor = 2;
  c.steps = {first, second};
  MachineState state;
  state.Load(c);
  Outcome outcome;
  state.Begin(first);
  state.Apply(&first, outcome);
  state.Begin(second);
  EXPECT_EQ(state.guest.pkru, 1u);
  state.Begin(first);
  EXPECT_EQ(state.guest.pkru, 5u);
}

}  // namespace
}  // namespace eptdiff
