// MT: effective memory types (SDM 29.3.7).
#include "engine/walk/memory_type.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "engine/walk/test_machine.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kPte = TestMachine::kPte;

constexpr auto kUc = MemoryType::kUncacheable;
constexpr auto kWc = MemoryType::kWriteCombining;
constexpr auto kWt = MemoryType::kWriteThrough;
constexpr auto kWp = MemoryType::kWriteProtected;
constexpr auto kWb = MemoryType::kWriteBack;

// The PAT entries, in the order of the SDM's table 12-7.
constexpr std::uint64_t kPat = 0x0000'05'06'04'01'07'00;

TEST(MemoryTypeTest, CombinesEptAndPatTypes) {
  constexpr struct {
    MemoryType ept;
    MemoryType by_pat[6];  // UC, UC-, WC, WT, WB, WP
  } kTable[] = {
      {kUc, {kUc, kUc, kWc, kUc, kUc, kUc}},
      {kWc, {kUc, kWc, kWc, kUc, kWc, kUc}},
      {kWt, {kUc, kUc, kWc, kWt, kWt, kWp}},
      {kWp, {kUc, kWc, kWc, kWt, kWp, kWp}},
      {kWb, {kUc, kUc, kWc, kWt, kWb, kWp}},
  };
  for (const auto& row : kTable) {
    for (std::uint8_t i = 0; i < 6; ++i) {
      for (const bool access_dirty : {false, true}) {
        TestMachine m;
        if (access_dirty) m.EnableAccessDirty();  // another way, same type
        m.guest.pat = kPat;
        m.At(kPte) = 0x9007 | static_cast<std::uint64_t>(row.ept) << 3;
        const GuestPage page = {.gla = {}, .pat_index = i};
        Event event = m.Perform(AccessKind::kRead, TestMachine::kGpa, page);
        EXPECT_EQ(event.translations[0].memory_type, row.by_pat[i]);
        // Bit 6: the EPT type alone.
        m.At(kPte) |= 0x40;
        event = m.Perform(AccessKind::kRead, TestMachine::kGpa, page);
        EXPECT_EQ(event.translations[0].memory_type, row.ept);
        // CR0.CD: uncacheable.
        m.guest.cr0 |= 0x40000000;
        event = m.Perform(AccessKind::kRead, TestMachine::kGpa, page);
        EXPECT_EQ(event.translations[0].memory_type, kUc);
        EXPECT_EQ(event.translations[0].structure_memory_type, kUc);
        // CR0.PG = 0: WB is the PAT type.
        m.guest.cr0 = 1;
        m.At(kPte) &= ~0x40ull;
        event = m.Perform(AccessKind::kRead, TestMachine::kGpa, page);
        EXPECT_EQ(event.translations[0].memory_type, row.by_pat[4]);
      }
    }
  }
}

TEST(MemoryTypeTest, LargePagesAndBothPages) {
  TestMachine m;
  m.At(TestMachine::kPdpte) = 0x40000087 | 4 << 3;
  EXPECT_EQ(m.Perform(AccessKind::kRead).translations[0].memory_type, kWt);
  m.At(TestMachine::kPdpte) = 0x3007;
  m.At(TestMachine::kPde) = 0x00200087 | 5 << 3;
  EXPECT_EQ(m.Perform(AccessKind::kRead).translations[0].memory_type, kWp);
  m.At(TestMachine::kPde) = 0x4007;
  m.At(kPte) = 0x9007;
  m.At(kPte + 8) = 0xb037;
  const Event event = m.Perform({.size = 4}, Gpa{0x0000008080604ffe});
  EXPECT_EQ(event.translations[0].memory_type, kUc);
  EXPECT_EQ(event.translations[1].memory_type, kWb);
}

TEST(MemoryTypeTest, EptStructures) {
  constexpr struct {
    std::uint64_t eptp;
    MemoryType type;
  } kCases[] = {{0x1018, kUc}, {0x101e, kWb}};
  for (const auto& c : kCases) {
    TestMachine m;
    m.controls.eptp = c.eptp;
    EXPECT_EQ(
        m.Perform(AccessKind::kRead).translations[0].structure_memory_type,
        c.type);
  }
}

TEST(MemoryTypeTest, GuestPagingStructuresTakeNoPatBit) {
  TestMachine m;
  m.guest.pat = 0x0606060604040404;  // WT in 0-3, WB in 4-7
  for (std::uint8_t i = 0; i < 8; ++i) {
    EXPECT_EQ(
        m.ReadStructure(TestMachine::kGpa, {}, i).translations[0].memory_type,
        kWt);
  }
}

TEST(MemoryTypeTest, ReservedPatTypesAreUncacheable) {
  TestMachine m;
  m.guest.pat = 0x0302;
  for (std::uint8_t i = 0; i < 2; ++i) {
    EXPECT_EQ(m.Perform(AccessKind::kRead, TestMachine::kGpa,
                        {.gla = {}, .pat_index = i})
                  .translations[0]
                  .memory_type,
              kUc);
  }
}

}  // namespace
}  // namespace eptdiff
