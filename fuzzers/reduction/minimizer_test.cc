#include "fuzzers/reduction/minimizer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <set>
#include <vector>

#include "fuzzers/encoding/canonical.h"
#include "fuzzers/encoding/case_memory.h"
#include "fuzzers/encoding/encoding.h"
#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/guest_mode.h"
#include "fuzzers/entries/used_entries.h"
#include "fuzzers/generation/generator.h"
#include "fuzzers/reduction/reduction.h"
#include "oracle/machine_state.h"
#include "oracle/outcome.h"

namespace eptdiff {
namespace {

// Faults as they would look from outside: an access meets an entry of a kind.
struct Fault {
  const char* name;
  bool (*fails)(const Case& c);
  std::size_t shapes;  // what a hundred failing cases come down to, at most
};

// Whether some step of `c` uses an entry that `f` takes.
template <typename F>
bool SomeStepUses(const Case& c, F f) {
  UsedEntries used;
  for (const Step& step : c.steps) {
    FindUsedEntries(c, step, used);
    for (const UsedEntry& entry : used.list) {
      if (f(step, entry)) return true;
    }
  }
  return false;
}

bool IsEptLeaf(const UsedEntry& entry) {
  return entry.kind == UsedKind::kEpt && entry.leaf;
}

bool LargeLeafBit12(const Case& c) {
  return SomeStepUses(c, [](const Step&, const UsedEntry& entry) {
    return IsEptLeaf(entry) && entry.level == 2 &&
           (entry.value & 0x1001) == 0x1001;
  });
}

bool WriteThroughReadOnlyPte(const Case& c) {
  return SomeStepUses(c, [](const Step& step, const UsedEntry& entry) {
    return step.access.kind == AccessKind::kWrite && IsEptLeaf(entry) &&
           entry.level == 1 && (entry.value & 3) == 1;
  });
}

bool SecondAccessToOneLeaf(const Case& c) {
  std::set<std::uint64_t> leaves;
  return SomeStepUses(c, [&](const Step&, const UsedEntry& entry) {
    return IsEptLeaf(entry) && (entry.value & 7) != 0 &&
           !leaves.insert(entry.address.value).second;
  });
}

bool StoreAndPml(const Case& c) {
  return (c.controls.secondary & bits::kSecondaryPml) != 0 &&
         c.controls.pml_index > 511 &&
         std::any_of(c.steps.begin(), c.steps.end(), [](const Step& step) {
           return step.kind == StepKind::kStore;
         });
}

// Of the guest's own paging, in one mode and in another.
bool SomePagedAccessUses(const Case& c, GuestPagingMode mode,
                         bool (*f)(const UsedEntry& entry)) {
  if (GuestModeOf(c.guest) != mode) return false;
  return SomeStepUses(c, [&](const Step& step, const UsedEntry& entry) {
    return IsPagedAccess(c, step) && f(entry);
  });
}

bool ReadOnlyPteOf32Bits(const Case& c) {
  return SomePagedAccessUses(
      c, GuestPagingMode::k32Bit, [](const UsedEntry& entry) {
        return entry.kind == UsedKind::kGuest && entry.level == 1 &&
               (entry.value & 3) == 1;
      });
}

bool SupervisorPdeOfFourLevels(const Case& c) {
  return SomePagedAccessUses(
      c, GuestPagingMode::kFourLevel, [](const UsedEntry& entry) {
        return entry.kind == UsedKind::kGuest && entry.level == 2 &&
               !entry.leaf && (entry.value & 5) == 1;
      });
}

bool ReadOnlyMappingOfAPageDirectory(const Case& c) {
  return SomePagedAccessUses(
      c, GuestPagingMode::kPae, [](const UsedEntry& entry) {
        return entry.kind == UsedKind::kEpt && entry.guest_level == 2 &&
               entry.leaf && (entry.value & 3) == 1;
      });
}

bool LargePageThroughFiveLevels(const Case& c) {
  return SomePagedAccessUses(
      c, GuestPagingMode::kFiveLevel, [](const UsedEntry& entry) {
        return entry.kind == UsedKind::kGuest && entry.level == 3 &&
               entry.leaf && (entry.value & 1) != 0;
      });
}

constexpr Fault kFaults[] = {
    {"large-leaf-bit-12", LargeLeafBit12, 3},
    {"write-through-read-only-pte", WriteThroughReadOnlyPte, 2},
    {"second-access-to-one-leaf", SecondAccessToOneLeaf, 10},
    {"store-and-pml", StoreAndPml, 7},  // each bit of the index above 8
    {"read-only-pte-of-32-bits", ReadOnlyPteOf32Bits, 4},  // 4: at the end
    {"supervisor-pde-of-4-levels", SupervisorPdeOfFourLevels, 5},
    {"read-only-mapping", ReadOnlyMappingOfAPageDirectory, 3},
    {"large-page-through-5-levels", LargePageThroughFiveLevels, 3},
};

// The first generated cases that fail, with bit 12 of some entries set.
std::vector<Case> FailingCases(const Fault& fault, std::size_t count) {
  std::vector<Case> failing;
  for (std::uint64_t seed = 0; failing.size() < count; ++seed) {
    Case c;
    GenerateCase(seed, c, seed % 2 == 0 ? Focus::kEpt : Focus::kLinear);
    if (!c.memory.empty()) c.memory[seed % c.memory.size()].value ^= 0x1000;
    if (fault.fails(c)) failing.push_back(c);
  }
  return failing;
}

class MinimizerTest : public testing::TestWithParam<Fault> {};

TEST_P(MinimizerTest, TheResultFailsAndIsCanonicalAndNoDearer) {
  for (const Case& c : FailingCases(GetParam(), 100)) {
    const Case minimal = Minimize(c, GetParam().fails);
    EXPECT_TRUE(GetParam().fails(minimal));
    EXPECT_TRUE(IsCanonical(minimal));
    EXPECT_LE(CostOf(minimal), CostOf(c));
  }
}

TEST_P(MinimizerTest, MinimisingTwiceChangesNothing) {
  for (const Case& c : FailingCases(GetParam(), 50)) {
    const Case once = Minimize(c, GetParam().fails);
    MinimizeStats stats;
    EXPECT_EQ(Minimize(once, GetParam().fails, &stats), once);
    EXPECT_EQ(stats.reductions, 0u);
  }
}

// Not the minimiser's own enumeration: every step, every word, every bit.
TEST_P(MinimizerTest, NothingMoreCanBeTakenAway) {
  for (const Case& c : FailingCases(GetParam(), 20)) {
    const Case minimal = Minimize(c, GetParam().fails);
    for (std::size_t i = 0; i < minimal.steps.size(); ++i) {
      Case less = minimal;
      less.steps.erase(less.steps.begin() + static_cast<std::ptrdiff_t>(i));
      EXPECT_FALSE(GetParam().fails(less)) << "step " << i;
    }
    for (std::size_t i = 0; i < minimal.memory.size(); ++i) {
      Case less = minimal;
      less.memory.erase(less.memory.begin() + static_cast<std::ptrdiff_t>(i));
      EXPECT_FALSE(GetParam().fails(less)) << "word " << i;
      for (unsigned bit = 0; bit < 64; ++bit) {
        less = minimal;
        if ((less.memory[i].value >> bit & 1) == 0) continue;
        less.memory[i].value ^= bits::Bit(bit);
        EXPECT_FALSE(GetParam().fails(less)) << "word " << i << " bit " << bit;
      }
    }
    std::vector<std::uint8_t> bytes = EncodeCase(minimal);
    const std::vector<std::uint8_t> plain = EncodeCase(Case{});
    for (std::size_t bit = 8; bit < 8 * kRecordsOffset; ++bit) {
      const auto mask = static_cast<std::uint8_t>(1u << bit % 8);
      if (((bytes[bit / 8] ^ plain[bit / 8]) & mask) == 0) continue;
      bytes[bit / 8] ^= mask;
      const Case less = DecodeCase(bytes);
      bytes[bit / 8] ^= mask;
      if (!(CostOf(less) < CostOf(minimal))) continue;
      EXPECT_FALSE(GetParam().fails(less)) << "header bit " << bit;
    }
  }
}

TEST_P(MinimizerTest, OneFaultEndsInAFewCases) {
  std::set<std::vector<std::uint8_t>> results;
  for (const Case& c : FailingCases(GetParam(), 100)) {
    results.insert(EncodeCase(Minimize(c, GetParam().fails)));
  }
  EXPECT_LE(results.size(), GetParam().shapes);
}

INSTANTIATE_TEST_SUITE_P(All, MinimizerTest, testing::ValuesIn(kFaults),
                         [](const auto& info) {
                           std::string name(info.param.name);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(MinimizeTest, ALargeLeafComesOutAsThreeEntriesInLowPages) {
  const Case minimal = Minimize(FailingCases(kFaults[0], 1)[0], LargeLeafBit12);
  EXPECT_EQ(minimal.steps.size(), 1u);
  ASSERT_EQ(minimal.memory.size(), 3u);
  EXPECT_EQ(minimal.memory[0], (MemoryWord{Hpa{0x1000}, 0x2001}));
  EXPECT_EQ(minimal.memory[1], (MemoryWord{Hpa{0x2000}, 0x3001}));
  EXPECT_EQ(minimal.memory[2], (MemoryWord{Hpa{0x3000}, 0x1081}));
}

Case ReadOf(std::uint64_t gpa, std::uint16_t bytes) {
  Case c;
  GenerateCase(1, c);
  Step step;
  step.gpa = Gpa{gpa};
  step.access.size = bytes;
  c.steps = {step};
  return c;
}

// What fails above some size comes out as the next power of two; what has to
// have bytes in two pages, as two bytes.
TEST(MinimizeTest, ALargeAccessComesOutAsSmallAsItMayBe) {
  const Case c = ReadOf(0x1123, 3000);
  const auto above = [](unsigned bytes) {
    return [bytes](const Case& other) {
      return !other.steps.empty() && other.steps[0].access.size > bytes;
    };
  };
  EXPECT_EQ(Minimize(c, above(0)).steps[0].access.size, 1);
  EXPECT_EQ(Minimize(c, above(64)).steps[0].access.size, 128);
  EXPECT_EQ(Minimize(c, above(2048)).steps[0].access.size, 4096);
  const Case across = Minimize(ReadOf(0x1801, 3000), [](const Case& other) {
    if (other.steps.empty()) return false;
    const Step& step = other.steps[0];
    return step.gpa.value % 4096 + step.access.size > 4096;
  });
  EXPECT_EQ(across.steps[0].access.size, 2);
  EXPECT_EQ(across.steps[0].gpa.value, 0xfffu);
}

// Tables of the guest at address 0, as those of EPT in the lowest pages.
TEST(MinimizeTest, AGuestEntryComesOutAtTheBottomOfBothDimensions) {
  const auto fails = [](const Case& c) {
    return SupervisorPdeOfFourLevels(c) && (c.controls.eptp >> 12) != 0;
  };
  Case c;
  std::uint64_t seed = 0;
  do {
    GenerateCase(seed++, c, Focus::kLinear);
  } while (!fails(c));
  const Case minimal = Minimize(c, fails);
  EXPECT_EQ(minimal.steps.size(), 1u);
  EXPECT_EQ(minimal.guest.cr4, bits::kCr4Pae);
  EXPECT_EQ(minimal.guest.cr3, 0u);
  EXPECT_LE(minimal.memory.size(), 8u);
  for (const MemoryWord& word : minimal.memory) {
    EXPECT_LT(word.address.value, 0x8000u);
    EXPECT_LT(word.value, 0x8000u);
  }
}

TEST(MinimizeTest, WhatDoesNotFailIsReturnedAsItIs) {
  Case c;
  GenerateCase(1, c);
  c.steps[0].value = 7;  // not canonical
  EXPECT_EQ(Minimize(c, [](const Case&) { return false; }), c);
}

TEST(MinimizeTest, WhatAlwaysFailsEndsAsThePlainCase) {
  Case c;
  GenerateCase(1, c);
  EXPECT_EQ(Minimize(c, [](const Case&) { return true; }), Case{});
}

// Stores only: enough of a machine to have a state.
std::optional<StateBefore> AfterStores(const Case& c, std::size_t step) {
  Case state = c;
  state.steps.clear();
  for (std::size_t i = 0; i < step; ++i) {
    if (c.steps[i].kind == StepKind::kStore) {
      StoreWord(state, c.steps[i].hpa, c.steps[i].value);
    }
  }
  state.controls.pml_index = 3;
  return StateBefore{
      .memory = state.memory, .controls = state.controls, .guest = state.guest};
}

// The last step meets a word that three stores have made, one on another.
bool LastStepMeetsSeven(const Case& c) {
  if (c.steps.empty() || c.steps.back().kind == StepKind::kStore) return false;
  const auto state = AfterStores(c, c.steps.size() - 1);
  Case after;
  after.memory = state->memory;
  return LoadWord(after, Hpa{0x5000}) == 7;
}

// Whatever fails with CR0.WP = 0 and a PML index of 7, no step need bring
// about.
TEST(MinimizeTest, RegisterWritesAndVmEntriesFoldIntoTheInitialState) {
  Case c;
  c.guest.cr0 = 0x80010021;
  c.steps.resize(3);
  c.steps[0].kind = StepKind::kRegisterWrite;
  c.steps[0].value = 0x80000021;
  c.steps[1].kind = StepKind::kVmEntry;
  c.steps[1].index = 0x0812;
  c.steps[1].value = 7;
  c.steps[2].kind = StepKind::kPdpteLoad;
  const Case minimal = Minimize(c, [](const Case& smaller) {
    MachineState state;
    state.Load(smaller);
    for (const Step& step : smaller.steps) {
      state.Begin(step);
      if (step.kind == StepKind::kPdpteLoad) {
        return state.controls.pml_index == 7 &&
               (state.guest.cr0 & 0x80010000) == 0x80000000;
      }
      Outcome outcome;
      outcome.registers = RegistersOf(state);
      state.Apply(&step, outcome);
    }
    return false;
  });
  Case expected;
  expected.guest.cr0 = 0x80000000;
  expected.controls.pml_index = 7;
  expected.steps.resize(1);
  expected.steps[0].kind = StepKind::kPdpteLoad;
  EXPECT_EQ(minimal, expected);
}

TEST(MinimizeTest, EarlierStepsFoldIntoTheInitialState) {
  Case c;
  c.steps.resize(4);
  for (std::size_t i = 0; i < 3; ++i) {
    c.steps[i].kind = StepKind::kStore;
    c.steps[i].hpa = Hpa{0x5000};
    c.steps[i].value = 5 + i;
  }
  c.steps[3].kind = StepKind::kPdpteLoad;
  MinimizeOptions options;
  options.state_before = AfterStores;
  MinimizeStats stats;
  const Case minimal = Minimize(c, LastStepMeetsSeven, options, &stats);
  EXPECT_EQ(minimal.steps.size(), 1u);
  ASSERT_EQ(minimal.memory.size(), 1u);
  EXPECT_EQ(minimal.memory[0], (MemoryWord{Hpa{0x5000}, 7}));
  EXPECT_EQ(minimal.controls.pml_index, 0) << "taken over, then reduced";
}

TEST(MinimizeTest, AStoreFoldsWithoutTheHookToo) {
  Case c;
  c.steps.resize(2);
  c.steps[0].kind = StepKind::kStore;
  c.steps[0].hpa = Hpa{0x5000};
  c.steps[0].value = 7;
  c.steps[1].kind = StepKind::kPdpteLoad;
  const Case minimal = Minimize(c, LastStepMeetsSeven);
  EXPECT_EQ(minimal.steps.size(), 1u);
  EXPECT_EQ(minimal.memory, (std::vector{MemoryWord{Hpa{0x5000}, 7}}));
}

// A case in which no single step, but a pair, can go.
TEST(MinimizeTest, StepsThatGoOnlyTogetherGoTogether) {
  Case c;
  c.steps.resize(8);
  const auto even = [](const Case& candidate) {
    return candidate.steps.size() % 2 == 0 && !candidate.steps.empty();
  };
  EXPECT_EQ(Minimize(c, even).steps.size(), 2u);
}

TEST(MinimizeTest, AttemptsAreBounded) {
  MinimizeOptions options;
  options.max_attempts = 10;
  MinimizeStats stats;
  const Case c = FailingCases(kFaults[0], 1)[0];
  const Case result = Minimize(c, LargeLeafBit12, options, &stats);
  EXPECT_TRUE(LargeLeafBit12(result));
  EXPECT_EQ(stats.attempts, 10u);
  EXPECT_TRUE(stats.exhausted);
}

TEST(MinimizeTest, AFullCaseBecomesSmallWithinTheAttempts) {
  Case c = FailingCases(kFaults[0], 1)[0];
  for (std::uint64_t i = 0; c.memory.size() + c.steps.size() < kMaxRecords;
       ++i) {
    c.memory.push_back({Hpa{0x123456789000 + 8 * i}, ~i});
  }
  MinimizeStats stats;
  const Case minimal = Minimize(c, LargeLeafBit12, {}, &stats);
  EXPECT_EQ(minimal.memory.size(), 3u);
  EXPECT_FALSE(stats.exhausted);
}

}  // namespace
}  // namespace eptdiff
