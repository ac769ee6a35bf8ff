#include "engine/guest/guest_paging.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "engine/guest/guest_test_machine.h"

namespace eptdiff {
namespace {

using engine::EptContext;
using engine::GuestEntryKind;
using engine::GuestPagingContext;
using engine::PagingModeOf;

GuestPagingContext ContextOf(const TestMachine& m) {
  return GuestPagingContext(m.processor, m.controls, m.guest,
                            EptContext(m.processor, m.controls));
}

TEST(PagingModeTest, FollowsFromTheControlRegisters) {
  const struct {
    std::uint64_t cr0, cr4, efer;
    PagingMode mode;
  } kCases[] = {
      {0x00000001, 0x1020, 0x500, PagingMode::kNone},
      {0x80000001, 0x0000, 0x000, PagingMode::k32Bit},
      {0x80000001, 0x1000, 0x500, PagingMode::k32Bit},
      {0x80000001, 0x0020, 0x100, PagingMode::kPae},  // LME alone
      {0x80000001, 0x1020, 0x000, PagingMode::kPae},
      {0x80000001, 0x0020, 0x400, PagingMode::kFourLevel},
      {0x80000001, 0x1020, 0x400, PagingMode::kFiveLevel},
  };
  for (const auto& c : kCases) {
    GuestState guest;
    guest.cr0 = c.cr0;
    guest.cr4 = c.cr4;
    guest.efer = c.efer;
    EXPECT_EQ(PagingModeOf(guest), c.mode) << std::hex << c.cr4 << c.efer;
  }
}

// GW-2 to GW-6 with N = 46; the test machine has 1-GByte pages and NXE.
TEST(GuestEntryTest, KindsByModeAndLevel) {
  constexpr auto kNotPresent = GuestEntryKind::kNotPresent;
  constexpr auto kReserved = GuestEntryKind::kReserved;
  constexpr auto kTable = GuestEntryKind::kTable;
  constexpr auto kLeaf = GuestEntryKind::kLeaf;
  const struct {
    PagingMode mode;
    int level;
    std::uint64_t entry;
    GuestEntryKind kind;
  } kCases[] = {
      // Whatever else stands there.
      {PagingMode::k32Bit, 1, 0xfffffffe, kNotPresent},
      {PagingMode::kFourLevel, 4, 0xfffffffffffffffe, kNotPresent},
      // 32-bit, CR4.PSE = 0: PS is ignored, nothing is reserved.
      {PagingMode::k32Bit, 2, 0xffffffff, kTable},
      {PagingMode::k32Bit, 1, 0xffffffff, kLeaf},
      // PAE: bits 62:N.
      {PagingMode::kPae, 2, 0x0000000000004001, kTable},
      {PagingMode::kPae, 2, 0x00003ffffffff07f, kTable},
      {PagingMode::kPae, 2, 0x0000400000004001, kReserved},
      {PagingMode::kPae, 2, 0x4000000000004001, kReserved},
      {PagingMode::kPae, 2, 0x8000000000004001, kTable},
      {PagingMode::kPae, 1, 0x0010000000004001, kReserved},
      {PagingMode::kPae, 1, 0x80003ffffffffff1, kLeaf},
      {PagingMode::kPae, 2, 0x80003fffffe01fff, kLeaf},
      {PagingMode::kPae, 2, 0x0000000000002081, kReserved},
      {PagingMode::kPae, 2, 0x0000000000100081, kReserved},
      // 4- and 5-level: bits 51:N, not 62:52.
      {PagingMode::kFourLevel, 4, 0xfff03ffffffff07f, kTable},
      {PagingMode::kFourLevel, 4, 0x0000000000003081, kReserved},
      {PagingMode::kFourLevel, 4, 0x0000400000003001, kReserved},
      {PagingMode::kFourLevel, 3, 0x0008000000003001, kReserved},
      {PagingMode::kFourLevel, 3, 0xfff03fffc0001fff, kLeaf},
      {PagingMode::kFourLevel, 3, 0x0000000000002081, kReserved},
      {PagingMode::kFourLevel, 3, 0x0000000020000081, kReserved},
      {PagingMode::kFourLevel, 3, 0x0000000020000001, kTable},
      {PagingMode::kFourLevel, 2, 0xfff03fffffe01fff, kLeaf},
      {PagingMode::kFourLevel, 2, 0x0000000000002081, kReserved},
      {PagingMode::kFourLevel, 2, 0x0000000000100081, kReserved},
      {PagingMode::kFourLevel, 2, 0x0000000000200081, kLeaf},
      {PagingMode::kFourLevel, 1, 0xfff03fffffffffff, kLeaf},
      {PagingMode::kFourLevel, 1, 0x0000400000000001, kReserved},
      {PagingMode::kFiveLevel, 5, 0xfff03ffffffff07f, kTable},
      {PagingMode::kFiveLevel, 5, 0x0000000000003081, kReserved},
      {PagingMode::kFiveLevel, 4, 0x0000000000003081, kReserved},
  };
  for (const auto& c : kCases) {
    const GuestTestMachine m(c.mode);
    EXPECT_EQ(ContextOf(m).Classify(c.entry, c.level), c.kind)
        << NameOf(c.mode) << " level " << c.level << std::hex << " " << c.entry;
  }
}

TEST(GuestEntryTest, OneGigabytePagesAreAProcessorFeature) {
  GuestTestMachine m;
  m.processor.page_1gb = false;
  EXPECT_EQ(ContextOf(m).Classify(0x40000081, 3), GuestEntryKind::kReserved);
  EXPECT_EQ(ContextOf(m).Classify(0x40000001, 3), GuestEntryKind::kTable);
}

TEST(GuestEntryTest, WithoutNxeExecuteDisableIsReserved) {
  for (const PagingMode mode :
       {PagingMode::kPae, PagingMode::kFourLevel, PagingMode::kFiveLevel}) {
    GuestTestMachine m(mode);
    m.guest.efer &= ~std::uint64_t{0x800};
    for (int level = m.top_level(); level > 0; --level) {
      EXPECT_EQ(ContextOf(m).Classify(0x8000000000004001, level),
                GuestEntryKind::kReserved)
          << NameOf(mode) << level;
    }
  }
}

// GW-2: with M = min(40, N), bits 21:(M-19) are reserved; 21:13 without PSE-36.
TEST(FourMegabytePageTest, ReservedBitsDependOnTheWidth) {
  const struct {
    bool pse36;
    std::uint8_t width;
    std::uint32_t highest_free, lowest_reserved;
  } kCases[] = {
      {false, 46, 0x00001000, 0x00002000}, {true, 46, 0x00100000, 0x00200000},
      {true, 40, 0x00100000, 0x00200000},  {true, 36, 0x00010000, 0x00020000},
      {true, 32, 0x00001000, 0x00002000},
  };
  for (const auto& c : kCases) {
    GuestTestMachine m(PagingMode::k32Bit);
    m.guest.cr4 = 0x10;
    m.processor.pse36 = c.pse36;
    m.processor.maxphyaddr = c.width;
    const GuestPagingContext context = ContextOf(m);
    EXPECT_EQ(context.Classify(c.highest_free | 0x81, 2),
              GuestEntryKind::kLeaf);
    EXPECT_EQ(context.Classify(c.lowest_reserved | 0x81, 2),
              GuestEntryKind::kReserved);
    EXPECT_EQ(context.Classify(0x00200081, 2), GuestEntryKind::kReserved);
    EXPECT_EQ(context.Classify(0xfffff001, 2), GuestEntryKind::kTable);
  }
}

TEST(FourMegabytePageTest, TheEntryHasTheUpperBitsOfTheAddress) {
  GuestTestMachine m(PagingMode::k32Bit);
  m.guest.cr4 = 0x10;
  m.processor.pse36 = true;
  EXPECT_EQ(ContextOf(m).PageAddress(0x8015f081, Gla{0x00312345}, 2),
            Gpa{0xaf80312345});
}

TEST(GuestAddressTest, OfEntries) {
  const struct {
    PagingMode mode;
    int level;
    Gpa address;
  } kCases[] = {
      {PagingMode::k32Bit, 2, Gpa{0x0000000000007804}},
      {PagingMode::k32Bit, 1, Gpa{0x0000000000007810}},
      {PagingMode::kPae, 2, Gpa{0x0000000000007018}},
      {PagingMode::kPae, 1, Gpa{0x0000000000007020}},
      {PagingMode::kFourLevel, 4, Gpa{0x0000000000007008}},
      {PagingMode::kFourLevel, 3, Gpa{0x0000000000007010}},
      {PagingMode::kFiveLevel, 5, Gpa{0x0000000000007000}},
  };
  for (const auto& c : kCases) {
    const GuestTestMachine m(c.mode);
    EXPECT_EQ(ContextOf(m).EntryAddress(0x7fff, m.gla(), c.level), c.address)
        << NameOf(c.mode) << c.level;
  }
  const GuestTestMachine five(PagingMode::kFiveLevel);
  EXPECT_EQ(
      ContextOf(five).EntryAddress(0xfff0000000000000, Gla{~0ull}, 5).value,
      0xff8u);
}

TEST(GuestAddressTest, RootsHaveTheBitsOfAnAddress) {
  const struct {
    PagingMode mode;
    std::uint64_t cr4, root;
  } kCases[] = {
      {PagingMode::k32Bit, 0, 0x00000000fffff018},
      {PagingMode::kFourLevel, 0x20, 0x00003ffffffff018},
      {PagingMode::kFourLevel, 0x20020, 0x00003ffffffff000},  // PCIDE
      {PagingMode::kFiveLevel, 0x21020, 0x00003ffffffff000},
  };
  for (const auto& c : kCases) {
    GuestTestMachine m(c.mode);
    m.guest.cr3 = ~std::uint64_t{0};
    m.guest.cr4 = c.cr4;
    EXPECT_EQ(ContextOf(m).RootFor(m.guest, m.gla()), c.root) << NameOf(c.mode);
  }
  GuestTestMachine pae(PagingMode::kPae);
  pae.guest.pdpte = {0xa001, 0xb001, 0xc001, 0xd001};
  EXPECT_EQ(ContextOf(pae).RootFor(pae.guest, Gla{0x40000000}), 0xb001u);
  EXPECT_EQ(ContextOf(pae).RootFor(pae.guest, Gla{0xffffffff}), 0xd001u);
}

TEST(GuestAddressTest, CanonicalIsWhatTheModeTranslates) {
  const struct {
    std::uint64_t gla;
    bool in_48_bits, in_57_bits;
  } kCases[] = {
      {0x00007fffffffffff, true, true},   {0x0000800000000000, false, true},
      {0xffff800000000000, true, true},   {0xffff7fffffffffff, false, true},
      {0x00ffffffffffffff, false, true},  {0x0100000000000000, false, false},
      {0xff00000000000000, false, true},  {0xfeffffffffffffff, false, false},
      {0x8000000000000000, false, false},
  };
  const GuestTestMachine four(PagingMode::kFourLevel);
  const GuestTestMachine five(PagingMode::kFiveLevel);
  const GuestTestMachine pae(PagingMode::kPae);
  for (const auto& c : kCases) {
    const Gla gla{c.gla};
    EXPECT_EQ(ContextOf(four).IsPlain(gla, {}), c.in_48_bits) << c.gla;
    EXPECT_EQ(ContextOf(five).IsPlain(gla, {}), c.in_57_bits) << c.gla;
    EXPECT_FALSE(ContextOf(pae).IsPlain(gla, {})) << c.gla;
    EXPECT_EQ(ContextOf(pae).Effective(gla, {}).value, c.gla & 0xffffffff);
  }
}

// Without 64 bits, what lies above 4 GBytes lies at 0 again; the bases of
// descriptor tables have 64 in all of IA-32e mode.
TEST(GuestAddressTest, CompatibilityModeMakesAddressesOf32Bits) {
  constexpr Access kImplicit = {.implicit_supervisor = true};
  GuestTestMachine m(PagingMode::kFourLevel);
  m.guest.cs_l = false;
  const GuestPagingContext paging = ContextOf(m);
  EXPECT_TRUE(paging.IsPlain(Gla{0xffffffff}, {}));
  EXPECT_FALSE(paging.IsPlain(Gla{0x100000000}, {}));
  EXPECT_FALSE(paging.IsPlain(Gla{0xffff800000000000}, {}));
  EXPECT_EQ(paging.Effective(Gla{0x100000001}, {}), Gla{1});
  EXPECT_TRUE(paging.IsPlain(Gla{0xffff800000000000}, kImplicit));
  EXPECT_FALSE(paging.IsPlain(Gla{0x800000000000}, kImplicit));
  EXPECT_EQ(paging.Effective(Gla{0x100000001}, kImplicit), Gla{0x100000001});
}

}  // namespace
}  // namespace eptdiff
