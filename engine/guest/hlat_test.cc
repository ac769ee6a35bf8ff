// HLAT paging and its restart (GW-15, GW-19; Volume 3A, 4.5).
#include <gtest/gtest.h>

#include <cstdint>

#include "engine/engine.h"
#include "engine/guest/guest_test_machine.h"

namespace eptdiff {
namespace {

constexpr auto kRead = AccessKind::kRead;
constexpr auto kWrite = AccessKind::kWrite;
constexpr std::uint64_t kRestart = 0x800;

// Tables of HLAT paging at B000H (PML4) to E000H (PT), which map the page at
// A000H, beside those of ordinary paging, which map the page at 9000H.
class HlatTest : public testing::Test {
 protected:
  HlatTest() {
    m_.controls.tertiary |= 2;
    m_.controls.hlatp = 0xb000;
    Hlat(4) = 0xc027;
    Hlat(3) = 0xd027;
    Hlat(2) = 0xe027;
    Hlat(1) = 0xa067;
  }
  std::uint64_t& Hlat(int level) {
    return m_.Guest(0xb000 + (m_.AddressOf(level).value - 0x2000));
  }
  Gpa HlatAddress(int level) { return Gpa{m_.AddressOf(level).value + 0x9000}; }
  GuestTestMachine m_;
};

TEST_F(HlatTest, StartsAtHlatp) {
  const Event event = m_.Linear(kWrite);
  ASSERT_TRUE(Completed(event));
  EXPECT_EQ(event.translations[0].address, Hpa{0x2aabc});
  EXPECT_EQ(event.translations[0].guest_structure_types, 0xeeeeu);
  m_.controls.tertiary = 0;
  EXPECT_EQ(m_.Linear(kWrite).translations[0].address, Hpa{0x29abc});
}

TEST_F(HlatTest, NeedsTheTertiaryControls) {
  m_.controls.primary = 0x80000000;
  EXPECT_EQ(m_.Linear(kWrite).translations[0].address, Hpa{0x29abc});
}

TEST_F(HlatTest, APrefixOfOneBitIsBit63) {
  m_.controls.hlat_prefix_size = 1;
  EXPECT_EQ(m_.Linear(kWrite).translations[0].address, Hpa{0x29abc});
  m_.Guest(0xb808) = Hlat(4);
  m_.Guest(0x2808) = m_.Get(4);
  const Event event = m_.PerformLinear({}, Gla{0xffff808080604abc});
  EXPECT_EQ(event.translations[0].address, Hpa{0x2aabc});
}

TEST_F(HlatTest, IsForIa32eModeAlone) {
  GuestTestMachine pae(PagingMode::kPae);
  pae.controls.tertiary |= 2;
  pae.controls.hlatp = 0xb000;
  EXPECT_TRUE(Completed(pae.Linear(kWrite)));
  GuestTestMachine bits32(PagingMode::k32Bit);
  bits32.controls.tertiary |= 2;
  bits32.controls.hlatp = 0xb000;
  EXPECT_TRUE(Completed(bits32.Linear(kWrite)));
}

TEST_F(HlatTest, WorksInFiveLevels) {
  m_ = GuestTestMachine(PagingMode::kFiveLevel);
  m_.controls.tertiary |= 2;
  m_.controls.hlatp = 0xb000;
  m_.Guest(0xb000) = 0x2827;  // restarts
  const Event event = m_.Linear(kWrite);
  ASSERT_TRUE(Completed(event));
  EXPECT_EQ(event.translations[0].guest_structure_types, 0xeeeeeeu);
}

TEST_F(HlatTest, Bit11RestartsAtEveryLevel) {
  for (int level = 4; level > 0; --level) {
    Hlat(level) |= kRestart;
    const Event event = m_.Linear(kWrite);
    ASSERT_TRUE(Completed(event)) << level;
    EXPECT_EQ(event.translations[0].address, Hpa{0x29abc});
    const int entries = (4 - level + 1) + 4;
    EXPECT_EQ(event.translations[0].guest_structure_types,
              0xeeeeeeeeu & ((std::uint64_t{1} << 4 * entries) - 1));
    Hlat(level) &= ~kRestart;
  }
}

TEST_F(HlatTest, Bit11OfOrdinaryEntriesIsIgnored) {
  Hlat(4) |= kRestart;
  for (int level = 4; level > 0; --level) m_.Flip(level, kRestart);
  EXPECT_EQ(m_.Linear(kWrite).translations[0].address, Hpa{0x29abc});
}

TEST_F(HlatTest, LargePagesRestartToo) {
  Hlat(2) = 0x400008a7;
  EXPECT_EQ(m_.Linear(kWrite).translations[0].address, Hpa{0x29abc});
}

// Error-code bit 7 is for what HLAT paging meets, but not for its rights.
TEST_F(HlatTest, PageFaults) {
  constexpr std::uint64_t kReserved = 0x0000400000000000;
  for (int level = 4; level > 0; --level) {
    const std::uint64_t good = Hlat(level);
    const struct {
      std::uint64_t entry;
      std::uint32_t error_code;
    } kCases[] = {
        {good & ~std::uint64_t{1}, 0x82},
        {(good | kRestart) & ~std::uint64_t{1}, 0x82},
        {good | kReserved, 0x8b},
        {good | kReserved | kRestart, 0x8b},
        {good & ~std::uint64_t{2}, 0x03},
    };
    for (const auto& c : kCases) {
      Hlat(level) = c.entry;
      EXPECT_EQ(m_.Linear(kWrite).error_code, c.error_code)
          << level << std::hex << " " << c.entry;
    }
    Hlat(level) = good | kRestart;
    m_.Flip(1, 1);
    EXPECT_EQ(m_.Linear(kWrite).error_code, 0x02u) << "after a restart";
    m_.Flip(1, 1);
    Hlat(level) = good;
  }
}

TEST_F(HlatTest, RightsAreThoseAfterTheRestart) {
  Hlat(4) &= ~std::uint64_t{6};  // read-only, supervisor
  Hlat(3) |= kRestart | 0x8000000000000000;
  m_.guest.cpl = 3;
  EXPECT_TRUE(Completed(m_.Linear(kWrite)));
  EXPECT_TRUE(Completed(m_.Linear(AccessKind::kFetch)));
  m_.EptPteOf(Gpa{0x9000}) = 0;
  EXPECT_EQ(m_.Linear(kWrite).qualification, 0x782u) << "a user-mode address";
}

TEST_F(HlatTest, TheRestartingEntryIsAccessedButNeverDirty) {
  Hlat(4) = 0xc007;
  Hlat(3) = 0x40000887;
  m_.Set(1, 0x9007);
  EXPECT_TRUE(Completed(m_.Linear(kWrite)));
  EXPECT_EQ(Hlat(4), 0xc027u);
  EXPECT_EQ(Hlat(3), 0x400008a7u);
  EXPECT_EQ(m_.Get(1), 0x9067u);
}

TEST_F(HlatTest, ExitsNameTheEntry) {
  Hlat(2) |= kRestart;
  for (int level = 4; level > 1; --level) {
    std::uint64_t& pte = m_.EptPteOf(HlatAddress(level));
    const std::uint64_t good = pte;
    pte = 0;
    GuestWalkState state;
    const Event exit = m_.LinearWithState({.kind = kRead}, state);
    EXPECT_EQ(exit.gpa, HlatAddress(level));
    EXPECT_EQ(exit.qualification, 0x81u);
    EXPECT_EQ(state.level, level);
    EXPECT_TRUE(state.hlat);
    EXPECT_EQ(state.top_table, Gpa{0xb000});
    pte = good;
  }
  m_.EptPteOf(m_.AddressOf(3)) = 0;
  GuestWalkState state;
  m_.LinearWithState({.kind = kRead}, state);
  EXPECT_EQ(state.level, 3);
  EXPECT_FALSE(state.hlat);
  EXPECT_EQ(state.top_table, Gpa{0x2000});
}

}  // namespace
}  // namespace eptdiff
