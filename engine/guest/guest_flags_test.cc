// Accessed and dirty flags of guest entries, and what their updates are for
// EPT (GW-12, VIO-8, VIO-9, VIO-11).
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "engine/engine.h"
#include "engine/guest/guest_path.h"
#include "engine/guest/guest_test_machine.h"

namespace eptdiff {
namespace {

using engine::GuestStep;
using engine::SetGuestFlags;

constexpr auto kRead = AccessKind::kRead;
constexpr auto kWrite = AccessKind::kWrite;
constexpr std::uint64_t kAccessed = 0x20;
constexpr std::uint64_t kDirty = 0x40;

class GuestFlagsTest : public testing::TestWithParam<PagingMode> {
 protected:
  GuestFlagsTest() {
    for (int level = m_.top_level(); level > 0; --level) Clear(level);
  }
  void Clear(int level) {
    m_.Set(level, m_.Get(level) & ~(kAccessed | kDirty));
  }
  std::uint64_t FlagsOf(int level) {
    return m_.Get(level) & (kAccessed | kDirty);
  }
  bool AnySet() {
    for (int level = m_.top_level(); level > 0; --level) {
      if (FlagsOf(level) != 0) return true;
    }
    return false;
  }
  GuestTestMachine m_{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(, GuestFlagsTest, testing::ValuesIn(kPagingModes),
                         [](const auto& mode) {
                           std::string name = NameOf(mode.param);
                           std::erase(name, '-');
                           return name;
                         });

TEST_P(GuestFlagsTest, AReadSetsAccessedEverywhere) {
  auto expected = m_;
  for (int level = m_.top_level(); level > 0; --level) {
    expected.Flip(level, kAccessed);
  }
  EXPECT_TRUE(Completed(m_.Linear(kRead)));
  EXPECT_EQ(m_.words, expected.words) << "and changes nothing else";
}

TEST_P(GuestFlagsTest, AWriteSetsDirtyInTheLeaf) {
  EXPECT_TRUE(Completed(m_.Linear(AccessKind::kReadModifyWrite)));
  for (int level = m_.top_level(); level > 1; --level) {
    EXPECT_EQ(FlagsOf(level), kAccessed);
  }
  EXPECT_EQ(FlagsOf(1), kAccessed | kDirty);
}

TEST_P(GuestFlagsTest, AFaultSetsNone) {
  m_.Flip(1, 2);
  EXPECT_EQ(m_.Linear(kWrite).error_code, 3u);
  m_.Flip(1, 1);
  EXPECT_EQ(m_.Linear(kWrite).error_code, 2u);
  EXPECT_FALSE(AnySet());
}

TEST_P(GuestFlagsTest, TheyAreSetBeforeTheFinalAccess) {
  m_.EptPteOf(Gpa{0x9000}) = 0;
  EXPECT_EQ(ExitReason(m_.Linear(kWrite)), 48);
  EXPECT_EQ(FlagsOf(1), kAccessed | kDirty);
}

// With EPTP bit 6 clear a structure need not be writable to be read, but to be
// updated. What was set further up stays.
TEST_P(GuestFlagsTest, AnUpdateIsAWriteForEpt) {
  for (int level = m_.top_level(); level > 0; --level) {
    Clear(level);
    const std::uint64_t good = m_.EptPteOf(m_.AddressOf(level));
    m_.EptPteOf(m_.AddressOf(level)) &= ~std::uint64_t{2};
    GuestWalkState state;
    const Event exit = m_.LinearWithState({.kind = kRead}, state);
    ASSERT_EQ(ExitReason(exit), 48) << level;
    EXPECT_EQ(exit.qualification, 0xabu);  // read, write, R and X, GLA valid
    EXPECT_EQ(exit.gpa, m_.AddressOf(level));
    EXPECT_EQ(exit.gla, m_.gla());
    EXPECT_EQ(state.level, level);
    EXPECT_TRUE(state.update);
    EXPECT_EQ(FlagsOf(level), 0u);
    if (level < m_.top_level()) {
      EXPECT_EQ(FlagsOf(level + 1), kAccessed);
    }
    m_.Flip(level, kAccessed);
    EXPECT_NE(m_.Linear(kRead).gpa, m_.AddressOf(level))
        << "nothing has to be set";
    if (level == 1) {
      EXPECT_EQ(m_.Linear(kWrite).gpa, m_.AddressOf(1)) << "dirty has";
    }
    m_.EptPteOf(m_.AddressOf(level)) = good;
  }
}

TEST_P(GuestFlagsTest, RightsComeBeforeUpdates) {
  m_.EptPteOf(m_.AddressOf(m_.top_level())) &= ~std::uint64_t{2};
  m_.Flip(1, 2);
  EXPECT_EQ(m_.Linear(kWrite).error_code, 3u);
}

TEST_P(GuestFlagsTest, PagingWriteStandsInForWrite) {
  m_.EnablePagingWrite();
  for (int level = m_.top_level(); level > 0; --level) {
    std::uint64_t& pte = m_.EptPteOf(m_.AddressOf(level));
    pte = (pte & ~std::uint64_t{2}) | 0x0400000000000000;
  }
  EXPECT_TRUE(Completed(m_.Linear(kWrite)));
  EXPECT_EQ(FlagsOf(1), kAccessed | kDirty);
  m_.EnableAccessDirty();
  EXPECT_TRUE(Completed(m_.Linear(kWrite)));
  m_.controls.tertiary = 0;
  EXPECT_EQ(ExitReason(m_.Linear(kWrite)), 48);
}

TEST_P(GuestFlagsTest, EachStructureIsLoggedOnce) {
  for (std::uint64_t i = 0; i < 16; ++i) m_.At(0x4000 + 8 * i) &= ~0x300ull;
  m_.EnablePml(9);
  EXPECT_TRUE(Completed(m_.Linear(kWrite)));
  std::uint64_t slot = m_.controls.pml_address + 8 * 9;
  for (int level = m_.top_level(); level > 0; --level, slot -= 8) {
    EXPECT_EQ(m_.At(slot), m_.TableOf(level));
    EXPECT_EQ(m_.EptPteOf(m_.AddressOf(level)) & 0x300, 0x300u);
  }
  EXPECT_EQ(m_.At(slot), 0x9000u);
  EXPECT_EQ(m_.controls.pml_index, 9 - m_.top_level() - 1);
}

TEST_P(GuestFlagsTest, AFullLogEndsTheWalkWhereItIs) {
  const int top = m_.top_level();
  for (std::uint64_t i = 0; i < 16; ++i) m_.At(0x4000 + 8 * i) &= ~0x300ull;
  m_.EnablePml(0);
  EXPECT_EQ(ExitReason(m_.Linear(kWrite)), 62);
  EXPECT_EQ(m_.At(m_.controls.pml_address), m_.TableOf(top));
  EXPECT_EQ(m_.controls.pml_index, 0xffff);
  EXPECT_EQ(m_.EptPteOf(m_.AddressOf(top)) & 0x300, 0x300u) << "stays";
  EXPECT_EQ(m_.EptPteOf(m_.AddressOf(top - 1)) & 0x300, 0u);
  EXPECT_FALSE(AnySet());
}

TEST(GuestFlagsIn32BitPagingTest, TheOtherHalfOfTheWordIsSpared) {
  GuestTestMachine m(PagingMode::k32Bit);
  m.Guest(0x4800) = 0x0000500789abcdef;
  m.Guest(0x5810) = 0x7654321000009007;
  EXPECT_TRUE(Completed(m.Linear(kWrite)));
  EXPECT_EQ(m.Guest(0x4800), 0x0000502789abcdefu);
  EXPECT_EQ(m.Guest(0x5810), 0x7654321000009067u);
}

TEST(GuestFlagsTwoPagesTest, TheFirstPagesStayIfTheSecondFails) {
  GuestTestMachine m;
  m.Set(1, 0x9007);
  const Event fault =
      m.PerformLinear({.kind = kWrite, .size = 8}, Gla{0x8080604ffc});
  EXPECT_EQ(fault.cr2, Gla{0x8080605000});
  EXPECT_EQ(m.Get(1), 0x9067u);
}

// Other processors may be at it.
TEST(SetGuestFlagsTest, WhatOthersChange) {
  std::uint64_t words[1];
  FlatMemory memory(words, sizeof(words));
  const struct {
    std::uint64_t word, value;
    int bytes;
    std::uint64_t address;
    GuestStep step;
    std::uint64_t after;
  } kCases[] = {
      {0x9007, 0x9007, 8, 0, GuestStep::kGoesOn, 0x9067},
      {0x9027, 0x9007, 8, 0, GuestStep::kGoesOn, 0x9067},
      {0x9067, 0x9007, 8, 0, GuestStep::kGoesOn, 0x9067},
      {0x9006, 0x9007, 8, 0, GuestStep::kStale, 0x9006},
      {0x100009007, 0x9007, 8, 0, GuestStep::kStale, 0x100009007},
      {0x100009007, 0x9007, 4, 0, GuestStep::kGoesOn, 0x100009067},
      {0x900700000001, 0x9007, 4, 4, GuestStep::kGoesOn, 0x906700000001},
      {0x900600000001, 0x9007, 4, 4, GuestStep::kStale, 0x900600000001},
      {0, 0x9007, 8, 8, GuestStep::kNoMemory, 0},
  };
  for (const auto& c : kCases) {
    words[0] = c.word;
    EXPECT_EQ(SetGuestFlags(memory, Hpa{c.address}, c.bytes, c.value, 0x60),
              c.step)
        << std::hex << c.word;
    EXPECT_EQ(words[0], c.after);
  }
}

// The memory changes the leaf at the moment of the update: the walk starts
// over, and takes what stands there then.
class ChangingMemory {
 public:
  ChangingMemory(FlatMemory& memory, Hpa address, std::uint64_t value)
      : memory_(memory), address_(address), value_(value) {}
  bool Load(Hpa address, std::uint64_t& word) const {
    return memory_.Load(address, word);
  }
  bool Store(Hpa address, std::uint64_t value) {
    return memory_.Store(address, value);
  }
  bool CompareExchange(Hpa address, std::uint64_t expected,
                       std::uint64_t desired) {
    if (address == address_ && !done_) {
      done_ = true;
      memory_.Store(address, value_);
    }
    return memory_.CompareExchange(address, expected, desired);
  }

 private:
  FlatMemory& memory_;
  Hpa address_;
  std::uint64_t value_;
  bool done_ = false;
};

TEST(StaleGuestEntryTest, TheWalkStartsOver) {
  const struct {
    std::uint64_t value;
    EventKind kind;
    std::uint64_t after;
  } kCases[] = {
      {0xa007, EventKind::kCompleted, 0xa067},
      {0x9006, EventKind::kPageFault, 0x9006},
      {0x9027, EventKind::kCompleted, 0x9067},
  };
  for (const auto& c : kCases) {
    GuestTestMachine m;
    m.Set(1, 0x9007);
    FlatMemory flat(m.words.data(), m.words.size() * 8);
    ChangingMemory memory(flat, Hpa{0x25020}, c.value);
    Engine engine(m.processor, m.controls, m.guest);
    Event event;
    ASSERT_EQ(
        engine.PerformLinearAccess(memory, {.kind = kWrite}, m.gla(), event),
        EngineStatus::kAnswered);
    EXPECT_EQ(event.kind, c.kind);
    EXPECT_EQ(m.Get(1), c.after);
    if (c.kind == EventKind::kCompleted) {
      EXPECT_EQ(event.translations[0].address.value,
                0x20000 + (c.value & 0xf000) + 0xabc);
      EXPECT_EQ(event.translations[0].guest_structure_types, 0xeeeeu);
    }
  }
}

// A supervisor page, from which EPT lets supervisor mode alone fetch, becomes a
// user page meanwhile: nothing of what the first walk found is left.
TEST(StaleGuestEntryTest, TheSecondWalkAloneCounts) {
  GuestTestMachine m;
  m.EnableMbec();
  m.Set(1, 0x9003);
  m.EptPteOf(Gpa{0x9000}) = 0x29037;
  ASSERT_TRUE(Completed(m.Linear(AccessKind::kFetch)));
  m.Set(1, 0x9003);  // not accessed
  FlatMemory flat(m.words.data(), m.words.size() * 8);
  ChangingMemory memory(flat, Hpa{0x25020}, 0x9007);
  Engine engine(m.processor, m.controls, m.guest);
  Event event;
  ASSERT_EQ(engine.PerformLinearAccess(memory, {.kind = AccessKind::kFetch},
                                       m.gla(), event),
            EngineStatus::kAnswered);
  EXPECT_EQ(m.Get(1), 0x9027u);
  EXPECT_EQ(ExitReason(event), 48);
}

}  // namespace
}  // namespace eptdiff
