#include "engine/walk/walk.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "engine/walk/test_machine.h"

namespace eptdiff {
namespace {

TEST(WalkTest, IndexesEachTableByNineBits) {
  TestMachine m;
  const Event event = m.Perform(AccessKind::kRead);
  ASSERT_TRUE(Completed(event));
  ASSERT_EQ(event.translation_count, 1);
  EXPECT_EQ(event.translations[0].address, Hpa{0x9abc});
  EXPECT_EQ(event.translations[0].page_shift, 12);
}

TEST(WalkTest, LastIndexOfEachTable) {
  TestMachine m;
  m.processor.maxphyaddr = 48;
  m.At(0x1ff8) = 0x2007;
  m.At(0x2ff8) = 0x3007;
  m.At(0x3ff8) = 0x4007;
  m.At(0x4ff8) = 0xb037;
  const Event event = m.Perform(AccessKind::kRead, Gpa{0x0000ffffffffffff});
  ASSERT_TRUE(Completed(event));
  EXPECT_EQ(event.translations[0].address, Hpa{0xbfff});
}

TEST(WalkTest, FiveLevels) {
  TestMachine m;
  m.EnableFiveLevels();
  m.processor.maxphyaddr = 52;
  ASSERT_EQ(CheckControls(m.processor, m.controls), EntryCheck::kNone);
  EXPECT_EQ(m.Perform(AccessKind::kRead).translations[0].address, Hpa{0x9abc});
  // Bits 51:48 index the PML5 table.
  m.At(0x5078) = 0x1007;
  const Gpa high{0x000f000000000000 | TestMachine::kGpa.value};
  EXPECT_EQ(m.Perform(AccessKind::kRead, high).translations[0].address,
            Hpa{0x9abc});
  m.At(0x5078) = 0;
  EXPECT_EQ(ExitReason(m.Perform(AccessKind::kRead, high)), 48);
}

TEST(WalkTest, FourLevelsRefuseWideAddressesBeforeReading) {
  for (int bit = 48; bit <= 51; ++bit) {
    TestMachine m;
    m.processor.maxphyaddr = 52;
    m.controls.eptp = 0x3ffff01e;  // no memory there: nothing may be read
    const Event event = m.Perform(AccessKind::kRead,
                                  Gpa{TestMachine::kGpa.value | 1ull << bit});
    EXPECT_EQ(m.status, EngineStatus::kAnswered);
    EXPECT_EQ(ExitReason(event), 48);
    EXPECT_EQ(event.qualification, 0x181u);
  }
}

TEST(WalkTest, NoAddressIsBeyondCpuidsWidth) {
  for (const std::uint8_t keyid_bits : {0, 6}) {
    TestMachine m;
    m.processor.keyid_bits = keyid_bits;
    m.Perform(AccessKind::kRead, Gpa{std::uint64_t{1} << 46});
    EXPECT_EQ(m.status, EngineStatus::kCallerError);
    EXPECT_EQ(ExitReason(m.Perform(AccessKind::kRead,
                                   Gpa{(std::uint64_t{1} << 46) - 1})),
              48);
  }
}

TEST(WalkTest, KeyIdentifiersAreReservedInEntries) {
  for (int bit = 38; bit <= 46; ++bit) {
    for (const std::uint64_t entry : {TestMachine::kPml4e, TestMachine::kPte}) {
      TestMachine m;
      m.processor.keyid_bits = 6;
      m.At(entry) |= std::uint64_t{1} << bit;
      const bool reserved = bit >= 40;
      EXPECT_EQ(ExitReason(m.Perform(AccessKind::kRead)) == 49, reserved)
          << bit;
    }
  }
}

TEST(WalkTest, LargePages) {
  constexpr struct {
    std::uint64_t entry;  // address
    std::uint64_t value;
    std::uint64_t expected;
    int page_shift;
  } kCases[] = {
      // GPA 29:0 is 0060_4ABCH, GPA 20:0 is 4ABCH.
      {TestMachine::kPdpte, 0x00000003400000b7, 0x0000000340604abc, 30},
      {TestMachine::kPdpte, 0x00003fffc00000b7, 0x00003fffc0604abc, 30},
      {TestMachine::kPde, 0x00000003402000b7, 0x0000000340204abc, 21},
      {TestMachine::kPde, 0x00003fffffe000b7, 0x00003fffffe04abc, 21},
      {TestMachine::kPte, 0x0000000340234037, 0x0000000340234abc, 12},
      {TestMachine::kPte, 0x00003ffffffff0b7, 0x00003ffffffffabc, 12},
  };
  for (const bool access_dirty : {false, true}) {
    for (const auto& c : kCases) {
      TestMachine m;
      if (access_dirty) m.EnableAccessDirty();
      m.At(c.entry) = c.value;
      const Event event = m.Perform(AccessKind::kWrite);
      ASSERT_TRUE(Completed(event)) << std::hex << c.value;
      EXPECT_EQ(event.translations[0].address, Hpa{c.expected});
      EXPECT_EQ(event.translations[0].page_shift, c.page_shift);
    }
  }
}

TEST(WalkTest, AnyRightMakesAnEntryPresent) {
  // Table entries and leaves; the access is one that is refused anyhow, so
  // that the qualification tells "not present" (all rights clear) apart.
  constexpr struct {
    std::uint64_t rights;
    bool mbec;
    int reason;                     // of a read; execute-only is supported
    std::uint64_t rights_reported;  // bits 6:3
  } kCases[] = {
      {0x000, false, 48, 0x00}, {0x400, false, 48, 0x00},
      {0x004, false, 48, 0x20}, {0x002, false, 49, 0x00},
      {0x000, true, 48, 0x00},  {0x400, true, 48, 0x40},
      {0x404, true, 48, 0x60},  {0x402, true, 49, 0x00},
  };
  for (const auto& c : kCases) {
    TestMachine m;
    if (c.mbec) m.EnableMbec();
    for (const std::uint64_t entry : {TestMachine::kPml4e, TestMachine::kPdpte,
                                      TestMachine::kPde, TestMachine::kPte}) {
      m.At(entry) |= 0x407;
    }
    m.At(TestMachine::kPte) = 0x9030 | c.rights;
    const Event event = m.Perform(AccessKind::kRead);
    EXPECT_EQ(ExitReason(event), c.reason) << std::hex << c.rights;
    EXPECT_EQ(event.qualification & 0x78, c.rights_reported)
        << std::hex << c.rights;
  }
}

TEST(WalkTest, IgnoredBitsChangeNothing) {
  constexpr std::uint64_t kAlways = 0x51f0000000000800;  // 62, 60, 56:52, 11
  constexpr struct {
    std::uint64_t entry;
    std::uint64_t ignored;
  } kCases[] = {
      // Without A/D, MBEC, #VE, SPP, PW, GPV, SSS.
      {TestMachine::kPml4e, 0xfff0000000000f00},
      {TestMachine::kPdpte, 0xfff0000000000f00},
      {TestMachine::kPde, 0xfff0000000000f00},
      {TestMachine::kPte, 0xfff0000000000f80},
  };
  for (const auto& c : kCases) {
    for (int bit = 0; bit < 64; ++bit) {
      if ((c.ignored >> bit & 1) == 0) continue;
      TestMachine m;
      m.At(c.entry) |= 1ull << bit;
      const Event event = m.Perform(AccessKind::kWrite);
      EXPECT_TRUE(Completed(event)) << "bit " << bit;
      EXPECT_EQ(event.translations[0].address, Hpa{0x9abc}) << "bit " << bit;
    }
    // With everything on, a table entry's bits 57-61 and 63 are ignored still.
    if (c.entry == TestMachine::kPte) continue;
    TestMachine m;
    m.EnablePml(511);
    m.EnableMbec();
    m.EnableSpp();
    m.EnableVe();
    m.EnablePagingWrite();
    m.EnableShadowStackControl();
    m.controls.tertiary |= 1u << 3;
    m.At(c.entry) |= kAlways | 0xae00000000000200;
    EXPECT_TRUE(Completed(m.Perform(AccessKind::kWrite)));
  }
}

TEST(WalkTest, NotPresentEntriesMayHoldAnything) {
  for (const std::uint64_t entry : {TestMachine::kPml4e, TestMachine::kPdpte,
                                    TestMachine::kPde, TestMachine::kPte}) {
    TestMachine m;
    m.At(entry) = 0xfffffffffffffff8;
    EXPECT_EQ(ExitReason(m.Perform(AccessKind::kRead)), 48);
  }
}

TEST(WalkTest, MisconfigurationBelowPrecedesMissingRightsAbove) {
  TestMachine m;
  m.At(TestMachine::kPml4e) = 0x2005;  // not writable
  m.At(TestMachine::kPte) = 0x903f;    // memory type 7
  EXPECT_EQ(ExitReason(m.Perform(AccessKind::kWrite)), 49);
  m.At(TestMachine::kPde) = 0x4000;  // not present: the PTE is not read
  EXPECT_EQ(ExitReason(m.Perform(AccessKind::kWrite)), 48);
}

TEST(WalkTest, EntriesWithoutMemoryAreSaidToBeSo) {
  TestMachine m;
  m.At(TestMachine::kPde) = 0x10007;  // just behind the image
  m.Perform(AccessKind::kRead);
  EXPECT_EQ(m.status, EngineStatus::kNoMemory);
  m.At(TestMachine::kPde) = 0x00003ffffffff007;
  m.Perform(AccessKind::kRead);
  EXPECT_EQ(m.status, EngineStatus::kNoMemory);
}

TEST(WalkTest, WidthDecidesWhichAddressBitsAreReserved) {
  constexpr struct {
    int width;
    std::uint64_t pte;
    bool good;
  } kCases[] = {
      {40, 0x000000fffffff037, true}, {40, 0x0000010000000037, false},
      {46, 0x00003ffffffff037, true}, {46, 0x0000400000000037, false},
      {52, 0x000ffffffffff037, true}, {46, 0x0008000000000037, false},
  };
  for (const auto& c : kCases) {
    TestMachine m;
    m.processor.maxphyaddr = c.width;
    m.At(TestMachine::kPte) = c.pte;
    EXPECT_EQ(ExitReason(m.Perform(AccessKind::kRead)), c.good ? 0 : 49)
        << c.width << ' ' << std::hex << c.pte;
  }
}

// The proof that one compare for each level is enough, in numbers: the hot walk
// finds a page exactly where the path reaches a leaf that grants the use, is
// readable, and has its flags set.
class HotWalkTest : public testing::Test {
 protected:
  // One of the entries that are varied, and what it is varied from: everything
  // is granted and set. The tables below a PDPTE lie at address 0, which is
  // aligned to every page size, so that a table entry with a bit too many can
  // be taken for a large page.
  struct Entry {
    std::uint64_t address;
    std::uint64_t value;
  };
  static constexpr std::uint64_t kGranted = 0x1000000000000707;
  static constexpr Entry kEntries[] = {
      {0x5000, 0x1000 | kGranted},             // PML5E
      {0x1008, 0x2000 | kGranted},             // PML4E
      {0x2010, 0x0000 | kGranted},             // PDPTE
      {0x2010, 0x40000000 | 0xb0 | kGranted},  // PDPTE, 1-GByte page
      {0x0018, 0x0000 | kGranted},             // PDE
      {0x0018, 0x00200000 | 0xb0 | kGranted},  // PDE, 2-MByte page
      {0x0020, 0x9000 | 0x30 | kGranted},      // PTE
  };

  HotWalkTest() {
    for (const int i : {6, 4, 2, 1, 0})
      m_.At(kEntries[i].address) = kEntries[i].value;
    m_.EnableFiveLevels();
  }

  // Compares for every use. Returns how many found a page.
  int Compare(const engine::EptContext& context) {
    const FlatMemory memory(m_.words.data(), m_.words.size() * 8);
    engine::Path path;
    engine::TracePath(context, memory, TestMachine::kGpa, path);
    int found = 0;
    for (std::size_t i = 0; i < kUseCount; ++i) {
      const Use use = static_cast<Use>(i);
      const engine::Rights& rights = context.RightsOf(use);
      const bool granted = path.reached_leaf() &&
                           (path.all & bits::kRead) != 0 &&
                           (path.tables & rights.table) == rights.table &&
                           (path.last().value & rights.leaf) == rights.leaf;
      const bool complete =
          granted &&
          (!context.access_dirty() || engine::HasAllFlags(path, rights.writes));
      const engine::Expectation& expect = context.ExpectationOf(use);
      EXPECT_EQ(Finds(context, memory, expect, path), complete) << i;
      EXPECT_EQ(Finds(context, memory, expect.WithoutFlags(), path), granted)
          << i;
      found += complete;
    }
    return found;
  }

  bool Finds(const engine::EptContext& context, const FlatMemory& memory,
             const engine::Expectation& expect, const engine::Path& path) {
    Translation page;
    if (!engine::Walk(context, memory, TestMachine::kGpa, expect,
                      engine::WriteBackTypes(m_.guest), page)) {
      return false;
    }
    EXPECT_EQ(page.address, engine::PageAddress(path.last().value,
                                                TestMachine::kGpa, path.level));
    return true;
  }

  TestMachine m_;
};

TEST_F(HotWalkTest, AgreesWithThePathWhateverTwoBitsAreFlipped) {
  const TestMachine before = m_;
  std::int64_t found = 0;
  for (unsigned mode = 0; mode < 64; ++mode) {
    m_ = before;
    if (mode & 1) m_.EnableAccessDirty();
    if (mode & 2) m_.EnableShadowStackControl();
    if (mode & 4) m_.EnableMbec();
    if (mode & 8) m_.EnablePagingWrite();
    if (mode & 16) m_.processor.ept_vpid_cap &= ~1ull;        // execute-only
    if (mode & 32) m_.processor.ept_vpid_cap &= ~0x30000ull;  // large pages
    const engine::EptContext context(m_.processor, m_.controls);
    for (const Entry& entry : kEntries) {
      const std::uint64_t kept = m_.At(entry.address);
      for (int i = 0; i < 64; ++i) {
        for (int j = i; j < 64; ++j) {
          m_.At(entry.address) =
              entry.value ^ 1ull << i ^ (i == j ? 0 : 1ull << j);
          found += Compare(context);
          ASSERT_FALSE(HasFailure())
              << "mode " << mode << std::hex << ", " << m_.At(entry.address)
              << " at " << entry.address;
        }
      }
      m_.At(entry.address) = kept;
    }
  }
  EXPECT_GT(found, 1000000);
}

}  // namespace
}  // namespace eptdiff
