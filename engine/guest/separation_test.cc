// Linear-address space separation (CR4.LASS).
#include <gtest/gtest.h>

#include <cstdint>

#include "engine/guest/guest_test_machine.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kSmap = 1 << 21, kLass = 1 << 27;
constexpr std::uint64_t kAc = 1 << 18;
constexpr Gla kLower = GuestTestMachine::kGla;
constexpr Gla kUpper{0xffff800000604abc};

struct Row {
  std::uint64_t cr4;
  std::uint64_t rflags;
  std::uint8_t cpl;
  Access access;
  bool lower, upper;  // whether the access to this half goes on
};
constexpr Access kRead = {.kind = AccessKind::kRead};
constexpr Access kFetch = {.kind = AccessKind::kFetch};
constexpr Access kImplicit = {.kind = AccessKind::kRead,
                              .implicit_supervisor = true};
constexpr Access kWruss = {
    .kind = AccessKind::kShadowStackWrite, .size = 8, .wruss = true};
constexpr Row kRows[] = {
    {0, 0, 3, kRead, true, true},
    {kLass, 0, 3, kRead, true, false},
    {kLass, 0, 3, kFetch, true, false},
    {kLass | kSmap, kAc, 3, kRead, true, false},
    {kLass, 0, 0, kWruss, true, false},
    {kLass, 0, 0, kRead, true, true},
    {kLass | kSmap, 0, 0, kRead, false, true},
    {kLass | kSmap, kAc, 0, kRead, true, true},
    {kLass | kSmap, kAc, 3, kImplicit, false, true},
    {kLass, 0, 3, kImplicit, true, true},
    {kLass, kAc, 0, kFetch, false, true},
    {kSmap, 0, 0, kFetch, true, true},
};

EventKind KindOf(GuestTestMachine m, const Row& row, Gla gla) {
  m.guest.cr4 |= row.cr4;
  m.guest.rflags |= row.rflags;
  m.guest.cpl = row.cpl;
  return m.PerformLinear(row.access, gla).kind;
}

// What goes on meets what pages say. Addresses of the upper half are not
// mapped: #PF.
TEST(SeparationTest, EachModeHasItsHalf) {
  for (const PagingMode mode :
       {PagingMode::kFourLevel, PagingMode::kFiveLevel}) {
    const GuestTestMachine m(mode);
    for (const Row& row : kRows) {
      const bool lower =
          KindOf(m, row, kLower) != EventKind::kGeneralProtection;
      const bool upper =
          KindOf(m, row, kUpper) != EventKind::kGeneralProtection;
      EXPECT_EQ(lower, row.lower) << &row - kRows;
      EXPECT_EQ(upper, row.upper) << &row - kRows;
    }
  }
}

TEST(SeparationTest, WhatGoesOnIsTranslated) {
  GuestTestMachine m;
  m.guest.cr4 |= kLass;
  m.guest.cpl = 3;
  EXPECT_EQ(m.PerformLinear(kRead, kLower).translation_count, 1);
}

TEST(SeparationTest, NothingIsWalked) {
  GuestTestMachine m;
  m.guest.cr4 |= kLass | kSmap;
  m.guest.cr3 = 0xf000;  // where nothing is present
  m.EptPteOf(Gpa{0xf000}) = 0;
  EXPECT_EQ(m.PerformLinear(kRead, kLower).kind, EventKind::kGeneralProtection);
}

TEST(SeparationTest, AddressesOf32BitsHaveBit63Clear) {
  GuestTestMachine m;
  m.guest.cr4 |= kLass | kSmap;
  m.guest.cs_l = false;
  constexpr Gla kGla{0x80604abc};
  EXPECT_EQ(m.PerformLinear(kRead, kGla).kind, EventKind::kGeneralProtection);
  EXPECT_EQ(m.PerformLinear(kImplicit, kUpper).kind, EventKind::kPageFault);
  m.guest.cpl = 3;
  EXPECT_EQ(m.PerformLinear(kRead, kGla).kind, EventKind::kPageFault);
  GuestTestMachine pae(PagingMode::kPae);
  pae.guest.cr4 |= kLass | kSmap;
  pae.guest.rflags |= kAc;
  EXPECT_EQ(pae.PerformLinear(kFetch, GuestTestMachine::kGla32).kind,
            EventKind::kCompleted);
}

// From the upper half on into the lower one.
TEST(SeparationTest, EveryByteCounts) {
  GuestTestMachine m;
  m.guest.cr4 |= kLass | kSmap;
  const Access access = {.size = 4};
  EXPECT_EQ(m.PerformLinear(access, Gla{0xfffffffffffffffe}).kind,
            EventKind::kGeneralProtection);
}

}  // namespace
}  // namespace eptdiff
