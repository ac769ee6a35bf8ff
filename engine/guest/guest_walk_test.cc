// The hot walk of both dimensions against the cold one.
#include "engine/guest/guest_walk.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <random>
#include <vector>

#include "engine/engine.h"
#include "engine/guest/guest_test_machine.h"

namespace eptdiff {
namespace {

// A machine whose registers, entries of both dimensions and access are off the
// straight path in a few random bits.
class HotGuestWalkTest : public testing::TestWithParam<PagingMode> {
 protected:
  // Every word that takes part.
  std::vector<std::uint64_t> WordsOf(GuestTestMachine& m) {
    std::vector<std::uint64_t> words;
    for (const std::uint64_t* word : Places(m)) words.push_back(*word);
    return words;
  }
  std::vector<std::uint64_t*> Places(GuestTestMachine& m) {
    std::vector<std::uint64_t*> places = {
        &m.At(0x5000), &m.At(0x1000), &m.At(0x2000),
        &m.At(0x2008), &m.At(0x3000), &m.EptPteOf(Gpa{0x9000})};
    for (int level = m.top_level(); level > 0; --level) {
      places.push_back(&m.Guest(m.AddressOf(level).value));
      places.push_back(&m.EptPteOf(m.AddressOf(level)));
    }
    return places;
  }
  bool Chance(unsigned percent) { return random_() % 100 < percent; }
  std::uint64_t Maybe(std::uint64_t bit) { return Chance(50) ? bit : 0; }

  void SetRegisters(GuestTestMachine& m) {
    m.guest.cr0 ^= Maybe(0x10000);
    m.guest.cr4 |=
        Maybe(0x100000) | Maybe(0x200000) | Maybe(0x400000) | Maybe(0x1000000);
    m.guest.efer ^= Chance(20) ? 0x800 : 0;
    m.guest.rflags = Maybe(0x40000);
    m.guest.cpl = Chance(50) ? 3 : 0;
    m.guest.pkru = Maybe(0x24);
    m.guest.pkrs = Maybe(0x24);
    m.guest.pat = 0x0007040500010406;
    m.processor.page_1gb = Chance(80);
    m.processor.maxphyaddr = Chance(30) ? 52 : 46;
    if (Chance(50)) m.EnableAccessDirty();
    if (Chance(20)) m.EnableFiveLevels();
    if (Chance(30)) m.EnableMbec();
    if (Chance(30)) m.EnableShadowStackControl();
    for (std::uint64_t* word :
         {&m.At(0x5000), &m.At(0x1000), &m.At(0x2000), &m.At(0x3000)}) {
      *word |= Chance(90) ? 0x400 : 0;
    }
  }
  // Bits 57 and 58 of EPT entries are what sets the cold machine apart.
  void FlipBits(GuestTestMachine& m) {
    const auto places = Places(m);
    for (int flips = static_cast<int>(random_() % 3); flips > 0; --flips) {
      const std::uint64_t bit = random_() % (Chance(70) ? 9 : 64);
      if (bit == 57 || bit == 58) continue;
      *places[random_() % places.size()] ^= std::uint64_t{1} << bit;
    }
    if (Chance(20)) m.Set(2, 0x400000e7 ^ Maybe(4) ^ Maybe(2) ^ Maybe(0x1000));
    if (Chance(20) && m.top_level() > 2) m.Set(3, 0x400000e7 ^ Maybe(4));
    if (Chance(20)) m.Flip(1, 2);                      // shadow stacks
    if (Chance(30)) m.Flip(1, (random_() % 4) << 59);  // keys 0 to 3
    if (Chance(30)) {
      m.Flip(1 + static_cast<int>(random_() % m.top_level()), 4);
    }
  }
  Access MakeAccess() {
    Access access;
    access.kind = static_cast<AccessKind>(random_() % 6);
    access.implicit_supervisor = Chance(20);
    access.wruss = access.kind == AccessKind::kShadowStackWrite && Chance(30);
    return access;
  }

  std::mt19937 random_{1};
};
INSTANTIATE_TEST_SUITE_P(, HotGuestWalkTest,
                         testing::Values(PagingMode::kPae,
                                         PagingMode::kFourLevel,
                                         PagingMode::kFiveLevel));

// Guest-paging verification keeps an engine off the hot path, and with bits 57
// and 58 clear changes no answer.
TEST_P(HotGuestWalkTest, SaysWhatTheColdWalkSays) {
  const GuestTestMachine straight(GetParam());
  GuestTestMachine m = straight;
  const auto places = Places(m);
  const auto words = WordsOf(m);
  int hot = 0;
  constexpr int kRounds = 40000;
  for (int round = 0; round < kRounds; ++round) {
    m.guest = straight.guest;
    m.processor = straight.processor;
    m.controls = straight.controls;
    for (std::size_t i = 0; i < places.size(); ++i) *places[i] = words[i];
    SetRegisters(m);
    FlipBits(m);
    const Access access = MakeAccess();
    const auto before = WordsOf(m);

    const Engine engine(m.processor, m.controls, m.guest);
    const FlatMemory memory(m.words.data(), m.words.size() * 8);
    Translation page;
    const bool found = engine.TranslateLinear(memory, access, m.gla(), page);
    ASSERT_EQ(WordsOf(m), before);

    m.controls.tertiary |= 0xc;
    const Event event = m.Linear(access);
    if (!found) {
      // Only execute-only pages are left to the cold walk for nothing.
      ASSERT_TRUE(m.status == EngineStatus::kNoMemory || !Completed(event) ||
                  WordsOf(m) != before || access.kind == AccessKind::kFetch)
          << "round " << round << ": nothing is left to do";
      continue;
    }
    ++hot;
    ASSERT_EQ(m.status, EngineStatus::kAnswered) << "round " << round;
    ASSERT_TRUE(Completed(event)) << "round " << round;
    ASSERT_EQ(event.translations[0], page) << "round " << round;
    ASSERT_EQ(WordsOf(m), before) << "round " << round;
  }
  EXPECT_GT(hot, kRounds / 10);
  EXPECT_LT(hot, kRounds / 2);
}

// The hot walk does not ask again whether an address is too wide for 4-level
// EPT: nothing that it accepts leads there.
TEST(HotGuestWalkWidthTest, RootsTooWideForEpt) {
  constexpr std::uint64_t kBit48 = std::uint64_t{1} << 48;
  GuestTestMachine four;
  four.processor.maxphyaddr = 52;
  four.guest.cr3 |= kBit48;
  const Event exit = four.Linear(AccessKind::kRead);
  EXPECT_EQ(ExitReason(exit), 48);
  EXPECT_EQ(exit.gpa, Gpa{kBit48 | 0x2008});

  GuestTestMachine pae(PagingMode::kPae);
  pae.processor.maxphyaddr = 52;
  pae.guest.pdpte[2] |= kBit48;
  EXPECT_EQ(pae.Linear(AccessKind::kRead).gpa, Gpa{kBit48 | 0x4018});
  pae.guest.pdpte = {kBit48, 0, 0x4001, 0};
  EXPECT_TRUE(Completed(pae.Linear(AccessKind::kRead)));
}

TEST(HotGuestWalkWidthTest, PdptesThatWereJustLoaded) {
  GuestTestMachine m(PagingMode::kPae);
  m.processor.maxphyaddr = 52;
  m.guest.cr3 = 0x8000;
  m.Guest(0x8010) = 0x0001000000004001;
  Engine engine(m.processor, m.controls, m.guest);
  FlatMemory memory(m.words.data(), m.words.size() * 8);
  Event event;
  engine.LoadPdptes(memory, event);
  engine.PerformLinearAccess(memory, {}, m.gla(), event);
  EXPECT_EQ(event.gpa, Gpa{0x0001000000004018});
}

}  // namespace
}  // namespace eptdiff
