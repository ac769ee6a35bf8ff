// Linear-address masking (CR4.LAM_SUP, CR3.LAM_U48, CR3.LAM_U57).
#include <gtest/gtest.h>

#include <cstdint>

#include "engine/guest/guest_test_machine.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kLamSup = 1 << 28;
constexpr std::uint64_t kU57 = std::uint64_t{1} << 61;
constexpr std::uint64_t kU48 = std::uint64_t{1} << 62;
constexpr Access kRead = {.kind = AccessKind::kRead};
constexpr Access kFetch = {.kind = AccessKind::kFetch};
constexpr Access kImplicit = {.kind = AccessKind::kRead,
                              .implicit_supervisor = true};

enum class Paging : std::uint8_t { k4, k5 };
struct Row {
  Paging paging;
  std::uint64_t cr4, cr3;
  Access access;
  std::uint64_t gla;
  std::uint64_t masked;  // 0: an error of the caller
};
constexpr Row kRows[] = {
    // User pointers: LAM_U57 wins. 4-level paging checks bits 56:47 as well.
    {Paging::k4, 0, 0, kRead, 0x7fff000000601abc, 0},
    {Paging::k4, 0, kU48, kRead, 0x7fff000000601abc, 0x601abc},
    {Paging::k4, 0, kU48, kRead, 0x0001000000601abc, 0x601abc},
    {Paging::k4, 0, kU48, kRead, 0x0000800000601abc, 0},
    {Paging::k4, 0, kU57, kRead, 0x7e00000000601abc, 0x601abc},
    {Paging::k4, 0, kU57, kRead, 0x0100000000601abc, 0},
    {Paging::k4, 0, kU48 | kU57, kRead, 0x7f00000000601abc, 0},
    {Paging::k5, 0, kU57, kRead, 0x7efe000000601abc, 0xfe000000601abc},
    {Paging::k5, 0, kU57, kRead, 0x7f00000000601abc, 0},
    {Paging::k5, 0, kU48 | kU57, kRead, 0x7efe000000601abc, 0xfe000000601abc},
    // What 5-level paging would translate is metadata.
    {Paging::k5, 0, kU48, kRead, 0x7fff000000601abc, 0x601abc},
    {Paging::k5, 0, kU48, kRead, 0x00fe000000601abc, 0x601abc},
    {Paging::k5, 0, kU48, kRead, 0x0000800000601abc, 0},
    {Paging::k5, 0, kU48, kFetch, 0x00fe000000601abc, 0xfe000000601abc},
    {Paging::k5, 0, kU48, kRead, 0xff00000000601abc, 0xff00000000601abc},
    // Supervisor pointers: the width is that of the paging.
    {Paging::k4, kLamSup, 0, kRead, 0x8000ffffffe01abc, 0xffffffffffe01abc},
    {Paging::k4, kLamSup, 0, kRead, 0x80007fffffe01abc, 0},
    {Paging::k5, kLamSup, 0, kRead, 0x81ffffffffe01abc, 0xffffffffffe01abc},
    {Paging::k5, kLamSup, 0, kRead, 0x8101ffffffe01abc, 0xff01ffffffe01abc},
    {Paging::k5, kLamSup, 0, kRead, 0x8000ffffffe01abc, 0},
    // Each half has its own control.
    {Paging::k4, kLamSup, 0, kRead, 0x7fff000000601abc, 0},
    {Paging::k4, 0, kU48 | kU57, kRead, 0x8000ffffffe01abc, 0},
    {Paging::k4, kLamSup, kU48, kFetch, 0x7fff000000601abc, 0},
    {Paging::k4, kLamSup, kU48, kImplicit, 0x7fff000000601abc, 0x601abc},
};

GuestTestMachine MachineOf(const Row& row) {
  GuestTestMachine m(row.paging == Paging::k4 ? PagingMode::kFourLevel
                                              : PagingMode::kFiveLevel);
  m.guest.cr4 |= row.cr4;
  m.guest.cr3 |= row.cr3;
  return m;
}

// Nothing is mapped there: CR2 has the address that paging takes.
TEST(MaskingTest, MetadataIsReplacedByTheBitBelow) {
  for (const Row& row : kRows) {
    for (const std::uint8_t cpl : {0, 3}) {  // the mode does not matter
      GuestTestMachine m = MachineOf(row);
      m.guest.cpl = cpl;
      const Event event = m.PerformLinear(row.access, Gla{row.gla});
      if (row.masked == 0) {
        EXPECT_EQ(m.status, EngineStatus::kCallerError) << &row - kRows;
        continue;
      }
      EXPECT_EQ(m.status, EngineStatus::kAnswered) << &row - kRows;
      EXPECT_EQ(event.kind, EventKind::kPageFault) << &row - kRows;
      EXPECT_EQ(event.cr2.value, row.masked) << &row - kRows;
    }
  }
}

TEST(MaskingTest, WhatIsMaskedIsTranslated) {
  constexpr std::uint64_t kMetadata = 0x5a5a000000000000;
  for (const PagingMode mode :
       {PagingMode::kFourLevel, PagingMode::kFiveLevel}) {
    GuestTestMachine m(mode);
    m.guest.cr3 |= kU48;
    constexpr Gla kPlain = GuestTestMachine::kGla;
    const Event event = m.PerformLinear(kRead, kPlain);
    const Event masked = m.PerformLinear(kRead, Gla{kPlain.value | kMetadata});
    EXPECT_EQ(masked, event);
  }
}

// VM exits report the address that paging takes.
TEST(MaskingTest, ExitsReportNoMetadata) {
  GuestTestMachine m;
  m.guest.cr3 |= kU57;
  m.EptPteOf(Gpa{0x9000}) = 0;
  const Event event = m.PerformLinear(
      kRead, Gla{GuestTestMachine::kGla.value | 0x7e00000000000000});
  EXPECT_EQ(event.kind, EventKind::kVmExit);
  EXPECT_EQ(event.gla, GuestTestMachine::kGla);
}

// Bit 47 changes under way, or bit 63.
TEST(MaskingTest, BytesStayTogether) {
  GuestTestMachine m(PagingMode::kFiveLevel);
  m.guest.cr3 |= kU48;
  constexpr Access kTwoPages = {.size = 8};
  m.PerformLinear(kTwoPages, Gla{0x00007ffffffffffc});
  EXPECT_EQ(m.status, EngineStatus::kCallerError);
  m.guest.cr3 &= ~kU48;
  m.PerformLinear(kTwoPages, Gla{0x00007ffffffffffc});
  EXPECT_EQ(m.status, EngineStatus::kAnswered);
  m.guest.cr4 |= kLamSup;
  m.PerformLinear(kTwoPages, Gla{0xfffffffffffffffc});
  EXPECT_EQ(m.status, EngineStatus::kAnswered);
  m.PerformLinear(kTwoPages, Gla{0x81fffffffffffffc});
  EXPECT_EQ(m.status, EngineStatus::kCallerError);
}

// In compatibility mode addresses have 32 bits, but for those of descriptor
// tables; outside IA-32e mode nothing is masked.
TEST(MaskingTest, OnlyAddressesOf64Bits) {
  GuestTestMachine m;
  m.guest.cr3 |= kU48;
  m.guest.cs_l = false;
  m.PerformLinear(kRead, Gla{0x7fff000000601abc});
  EXPECT_EQ(m.status, EngineStatus::kCallerError);
  m.PerformLinear(kImplicit, Gla{0x7fff000000601abc});
  EXPECT_EQ(m.status, EngineStatus::kAnswered);
  GuestTestMachine pae(PagingMode::kPae);
  pae.guest.cr4 |= kLamSup;
  pae.PerformLinear(kRead, Gla{0x7fff000000601abc});
  EXPECT_EQ(pae.status, EngineStatus::kCallerError);
}

// Separation and masking look at bit 63, which no masking changes.
TEST(MaskingTest, BesideSeparation) {
  GuestTestMachine m;
  m.guest.cr3 |= kU48;
  m.guest.cr4 |= 1 << 27;
  m.guest.cpl = 3;
  const Gla tagged{GuestTestMachine::kGla.value | 0x5a5a000000000000};
  EXPECT_NE(m.PerformLinear(kRead, tagged).kind, EventKind::kGeneralProtection);
  m.guest.cr4 |= kLamSup;
  EXPECT_EQ(m.PerformLinear(kRead, Gla{0x8000ffffffe01abc}).kind,
            EventKind::kGeneralProtection);
}

}  // namespace
}  // namespace eptdiff
