// VE: EPT violations as virtualization exceptions (SDM 26.5.7).
#include "engine/walk/virtualization_exception.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "engine/walk/test_machine.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kPde = TestMachine::kPde;
constexpr std::uint64_t kPte = TestMachine::kPte;
constexpr std::uint64_t kArea = 0x7000;

TestMachine Machine() {
  TestMachine m;
  m.EnableVe();
  m.controls.eptp_index = 0x1234;
  return m;
}

TEST(VirtualizationExceptionTest, WritesTheAreaAndNothingElse) {
  TestMachine m = Machine();
  m.EnableAccessDirty();
  m.At(kPte) = 0;
  for (std::uint64_t offset = 8; offset < 4096; offset += 8) {
    m.At(kArea + offset) = 0xa5a5a5a5a5a5a5a5;
  }
  m.At(kArea) = 0x00000000a5a5a5a5;
  std::vector<std::uint64_t> expected = m.words;
  expected[kArea / 8] = 0xffffffff00000030;
  expected[kArea / 8 + 1] = 0x182;
  expected[kArea / 8 + 2] = 0xffff800000001abc;
  expected[kArea / 8 + 3] = 0x0000008080604abc;
  expected[kArea / 8 + 4] = 0xa5a5a5a5a5a51234;

  const Event event = m.Perform(AccessKind::kWrite, TestMachine::kGpa,
                                {.gla = Gla{0xffff800000001abc}});
  Event wanted;
  wanted.kind = EventKind::kVirtualizationException;
  wanted.exit_reason = 48;
  wanted.qualification = 0x182;
  wanted.gpa = TestMachine::kGpa;
  wanted.gla = Gla{0xffff800000001abc};
  EXPECT_EQ(event, wanted);
  EXPECT_EQ(m.words, expected);

  // The area is busy now.
  EXPECT_EQ(ExitReason(m.Perform(AccessKind::kWrite)), 48);
  EXPECT_EQ(m.words, expected);
}

TEST(VirtualizationExceptionTest, OneEntryDecides) {
  constexpr std::uint64_t kSuppress = 1ull << 63;
  constexpr struct {
    const char* words;
    std::uint64_t pde;
    std::uint64_t pte;
    bool converted;
  } kCases[] = {
      {"a leaf that refuses", 0x4007, 0x9035, true},
      {"a leaf that refuses, suppressed", 0x4007, kSuppress | 0x9035, false},
      {"a table entry refuses; the leaf decides", 0x4005, 0x9037, true},
      {"a table entry's bit is not asked", kSuppress | 0x4005, 0x9037, true},
      {"... the leaf's is", 0x4005, kSuppress | 0x9037, false},
      {"a PTE that is not present", 0x4007, 0, true},
      {"the same, suppressed", 0x4007, kSuppress, false},
      {"a PDE that is not present", 0x4000, 0x9037, true},
      {"the same, suppressed", kSuppress | 0x4000, 0x9037, false},
      {"a 2-MByte page", 0x002000b5, 0, true},
      {"a 2-MByte page, suppressed", kSuppress | 0x002000b5, 0, false},
  };
  for (const auto& c : kCases) {
    TestMachine m = Machine();
    m.At(kPde) = c.pde;
    m.At(kPte) = c.pte;
    const Event event = m.Perform(AccessKind::kWrite);
    EXPECT_EQ(event.kind, c.converted ? EventKind::kVirtualizationException
                                      : EventKind::kVmExit)
        << c.words;
    EXPECT_EQ(m.At(kArea) != 0, c.converted) << c.words;
  }
}

TEST(VirtualizationExceptionTest, WhenItIsNotDelivered) {
  TestMachine control = Machine();
  control.At(kPte) = 0;
  ASSERT_EQ(TestMachine(control).Perform(AccessKind::kRead).kind,
            EventKind::kVirtualizationException);

  TestMachine off = control;
  off.controls.secondary &= ~(1u << 18);
  EXPECT_EQ(ExitReason(off.Perform(AccessKind::kRead)), 48);

  TestMachine real_mode = control;
  real_mode.guest.cr0 = 0;
  EXPECT_EQ(ExitReason(real_mode.Perform(AccessKind::kRead)), 48);

  TestMachine delivering = control;
  delivering.guest.event_delivery = true;
  EXPECT_EQ(ExitReason(delivering.Perform(AccessKind::kRead)), 48);

  TestMachine busy = control;
  busy.At(kArea) = 0x0000000100000000;
  EXPECT_EQ(ExitReason(busy.Perform(AccessKind::kRead)), 48);

  TestMachine trace_output = control;
  trace_output.controls.secondary |= 1u << 24;
  EXPECT_EQ(
      ExitReason(trace_output.Perform(AccessKind::kWrite, TestMachine::kGpa,
                                      {.gla_valid = false, .gla = {}})),
      48);

  TestMachine pebs = control;
  pebs.controls.primary |= 1u << 17;
  pebs.controls.tertiary |= 1u << 12;
  EXPECT_EQ(ExitReason(pebs.Perform({.kind = AccessKind::kWrite, .pebs = true},
                                    TestMachine::kGpa, {.gla_valid = false})),
            48);

  TestMachine too_wide = control;
  too_wide.processor.maxphyaddr = 52;
  EXPECT_EQ(
      ExitReason(too_wide.Perform(AccessKind::kRead, Gpa{0x0001000000000000})),
      48);
}

TEST(VirtualizationExceptionTest, OnlyViolationsAreConverted) {
  TestMachine misconfigured = Machine();
  misconfigured.At(kPte) = 0x903f;
  EXPECT_EQ(ExitReason(misconfigured.Perform(AccessKind::kRead)), 49);

  TestMachine full = Machine();
  full.EnablePml(512);
  EXPECT_EQ(ExitReason(full.Perform(AccessKind::kRead)), 62);

  TestMachine miss = Machine();
  miss.EnableSpp();
  miss.At(kPte) = 0x2000000000009035;
  EXPECT_EQ(ExitReason(miss.Perform(AccessKind::kWrite)), 66);

  // What SPP denies is a violation.
  miss.At(0xa008) = 0xb001;
  miss.At(0xb010) = 0xc001;
  miss.At(0xc018) = 0xd001;
  EXPECT_EQ(miss.Perform(AccessKind::kWrite).kind,
            EventKind::kVirtualizationException);
}

TEST(VirtualizationExceptionTest, PdpteLoadsAndStructureAccessesAreConverted) {
  TestMachine m = Machine();
  m.guest.cr3 = 0x0000000080604000;
  EXPECT_EQ(m.LoadPdptes().kind, EventKind::kVirtualizationException);
  m.At(kArea) = 0;
  m.At(kPte) = 0;
  EXPECT_EQ(m.ReadStructure().kind, EventKind::kVirtualizationException);
}

TEST(VirtualizationExceptionTest, TheExceptionBitmapMakesItAnExit) {
  constexpr struct {
    bool nmi_unblocking;
    std::uint32_t pin_based;
    std::uint32_t information;
  } kCases[] = {
      {false, 0x28, 0x80000314},
      {true, 0x28, 0x80001314},
      {true, 0x08, 0x80000314},
  };
  for (const auto& c : kCases) {
    TestMachine m = Machine();
    m.controls.exception_bitmap = 1u << 20;
    m.controls.pin_based = c.pin_based;
    m.guest.nmi_unblocking = c.nmi_unblocking;
    m.At(kPte) = 0;
    Event expected;
    expected.kind = EventKind::kVmExit;
    expected.interruption_information = c.information;
    EXPECT_EQ(m.Perform(AccessKind::kRead), expected);
    EXPECT_EQ(m.At(kArea), 0xffffffff00000030u);
  }
}

TEST(VirtualizationExceptionTest, AnAreaWithoutMemory) {
  TestMachine m = Machine();
  m.controls.ve_information_address = 0x100000;
  m.At(kPte) = 0;
  m.Perform(AccessKind::kRead);
  EXPECT_EQ(m.status, EngineStatus::kNoMemory);
}

}  // namespace
}  // namespace eptdiff
