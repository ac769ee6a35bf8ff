// Memory types of accesses by linear address, and of those to the guest's
// paging structures on the way (MT-2 to MT-5).
#include <gtest/gtest.h>

#include <cstdint>

#include "engine/engine.h"
#include "engine/guest/guest_test_machine.h"

namespace eptdiff {
namespace {

constexpr auto kRead = AccessKind::kRead;
constexpr std::uint64_t kPwt = 0x08;
constexpr std::uint64_t kPcd = 0x10;
constexpr std::uint64_t kPatOfPte = 0x80;
constexpr std::uint64_t kPatOfLargePage = 0x1000;

// Entries 0 to 7 of IA32_PAT: WB, WT, WC, UC, WP, WT, UC-, UC. In the nibbles
// of guest_structure_types WB is e, WT c, WC 9, WP d, UC 8.
GuestTestMachine MachineWithPat(PagingMode mode) {
  GuestTestMachine m(mode);
  m.guest.pat = 0x0007040500010406;
  return m;
}

TEST(GuestMemoryTypeTest, WhatReferencesAStructureSelectsItsType) {
  GuestTestMachine m = MachineWithPat(PagingMode::kFourLevel);
  m.guest.cr3 |= kPwt;
  m.Flip(4, kPcd);
  m.Flip(2, kPcd | kPwt);
  m.Flip(1, kPatOfPte);
  const Translation page = m.Linear(kRead).translations[0];
  EXPECT_EQ(page.guest_structure_types, 0x8e9cu);
  EXPECT_EQ(page.memory_type, MemoryType::kWriteProtected);
}

TEST(GuestMemoryTypeTest, InFiveLevels) {
  GuestTestMachine m = MachineWithPat(PagingMode::kFiveLevel);
  m.guest.cr3 |= kPcd;
  m.Flip(5, kPwt);
  m.Flip(1, kPcd);
  const Translation page = m.Linear(kRead).translations[0];
  EXPECT_EQ(page.guest_structure_types, 0xeeec9u);
  EXPECT_EQ(page.memory_type, MemoryType::kWriteCombining);
}

TEST(GuestMemoryTypeTest, InPaePagingTheRegisterSelectsTheFirst) {
  GuestTestMachine m = MachineWithPat(PagingMode::kPae);
  m.guest.cr3 |= kPcd;
  m.guest.pdpte[2] |= kPwt;
  const Translation page = m.Linear(kRead).translations[0];
  EXPECT_EQ(page.guest_structure_types, 0xecu);
}

TEST(GuestMemoryTypeTest, In32BitPaging) {
  GuestTestMachine m = MachineWithPat(PagingMode::k32Bit);
  m.guest.cr3 |= kPcd;
  m.Flip(2, kPwt);
  m.Flip(1, kPatOfPte | kPwt);
  const Translation page = m.Linear(kRead).translations[0];
  EXPECT_EQ(page.guest_structure_types, 0xc9u);
  EXPECT_EQ(page.memory_type, MemoryType::kWriteThrough);
}

TEST(GuestMemoryTypeTest, WithPcidsCr3SelectsNothing) {
  GuestTestMachine m = MachineWithPat(PagingMode::kFourLevel);
  m.guest.cr3 |= kPcd;
  m.guest.cr4 |= 0x20000;
  EXPECT_EQ(m.Linear(kRead).translations[0].guest_structure_types, 0xeeeeu);
  // PCIDE without IA-32e mode is no combination that counts.
  GuestTestMachine legacy = MachineWithPat(PagingMode::k32Bit);
  legacy.guest.cr3 |= kPcd;
  legacy.guest.cr4 |= 0x20000;
  EXPECT_EQ(legacy.Linear(kRead).translations[0].guest_structure_types, 0xe9u);
}

TEST(GuestMemoryTypeTest, HlatpSelectsTheFirstOfHlatPaging) {
  GuestTestMachine m = MachineWithPat(PagingMode::kFourLevel);
  m.guest.cr3 |= kPcd;
  m.guest.cr4 |= 0x20000;
  m.controls.tertiary |= 2;
  m.controls.hlatp = 0xb000 | kPwt;
  m.Guest(0xb008) = 0xc827;
  EXPECT_EQ(m.Linear(kRead).translations[0].guest_structure_types, 0xeeeecu);
}

TEST(GuestMemoryTypeTest, LargePagesHavePatInBit12) {
  const struct {
    PagingMode mode;
    int level;
  } kCases[] = {{PagingMode::k32Bit, 2},
                {PagingMode::kPae, 2},
                {PagingMode::kFourLevel, 2},
                {PagingMode::kFourLevel, 3},
                {PagingMode::kFiveLevel, 3}};
  for (const auto& c : kCases) {
    GuestTestMachine m = MachineWithPat(c.mode);
    m.guest.cr4 |= 0x10;
    m.Set(c.level, 0x400000e7 | kPatOfLargePage);
    EXPECT_EQ(m.Linear(kRead).translations[0].memory_type,
              MemoryType::kWriteProtected)
        << NameOf(c.mode) << c.level;
    m.Set(c.level, 0x400000e7);
    EXPECT_EQ(m.Linear(kRead).translations[0].memory_type,
              MemoryType::kWriteBack);
  }
}

TEST(GuestMemoryTypeTest, EptsTypesCountForStructures) {
  GuestTestMachine m = MachineWithPat(PagingMode::kFourLevel);
  m.guest.cr3 |= kPwt;
  m.EptPteOf(m.AddressOf(4)) &= ~0x38ull;            // UC
  m.EptPteOf(m.AddressOf(3)) ^= 0x30 ^ 0x20;         // WT
  m.EptPteOf(m.AddressOf(2)) ^= 0x30 ^ 0x08 ^ 0x40;  // WC, ignore PAT
  EXPECT_EQ(m.Linear(kRead).translations[0].guest_structure_types, 0xe9c8u);
  m.EptPteOf(m.AddressOf(1)) ^= 0x30 ^ 0x10;  // 2
  const Event exit = m.Linear(kRead);
  EXPECT_EQ(ExitReason(exit), 49);
  EXPECT_EQ(exit.gpa, m.AddressOf(1));
}

TEST(GuestMemoryTypeTest, WithCachesDisabledAllIsUncacheable) {
  for (const PagingMode mode : kPagingModes) {
    GuestTestMachine m = MachineWithPat(mode);
    m.guest.cr0 |= 0x40000000;
    const Translation page = m.Linear(kRead).translations[0];
    EXPECT_EQ(page.memory_type, MemoryType::kUncacheable);
    EXPECT_EQ(page.structure_memory_type, MemoryType::kUncacheable);
    EXPECT_EQ(page.guest_structure_types,
              0x88888u & ((1u << 4 * m.top_level()) - 1));
  }
}

}  // namespace
}  // namespace eptdiff
