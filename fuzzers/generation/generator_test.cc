#include "fuzzers/generation/generator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "fuzzers/encoding/canonical.h"
#include "fuzzers/encoding/case_memory.h"
#include "fuzzers/encoding/encoding.h"
#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/guest_mode.h"
#include "fuzzers/entries/registers.h"
#include "fuzzers/entries/used_entries.h"
#include "fuzzers/generation/machine_generation.h"
#include "oracle/acceptable_state.h"
#include "oracle/judgement/spine.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kCases = 20'000;

// Calls `f` with the cases of many seeds.
template <typename F>
void ForEachCase(Focus focus, F f) {
  Case c;
  for (std::uint64_t seed = 0; seed < kCases; ++seed) {
    GenerateCase(seed, c, focus);
    f(c);
  }
}
template <typename F>
void ForEachCase(F f) {
  ForEachCase(Focus::kEpt, f);
}

// In how many of 100 cases `f` holds.
template <typename F>
double Share(Focus focus, F f) {
  std::size_t hits = 0;
  ForEachCase(focus, [&](const Case& c) { hits += f(c) ? 1 : 0; });
  return 100.0 * static_cast<double>(hits) / kCases;
}

template <typename F>
std::size_t Median(Focus focus, F f) {
  std::vector<std::size_t> values;
  ForEachCase(focus, [&](const Case& c) { values.push_back(f(c)); });
  std::nth_element(values.begin(), values.begin() + kCases / 2, values.end());
  return values[kCases / 2];
}

bool HasCap(const Case& c, std::uint64_t capability) {
  return (c.processor.ept_vpid_cap & capability) != 0;
}

class EachFocusTest : public testing::TestWithParam<Focus> {};

INSTANTIATE_TEST_SUITE_P(, EachFocusTest,
                         testing::Values(Focus::kEpt, Focus::kLinear),
                         [](const auto& info) {
                           return info.param == Focus::kEpt ? "Ept" : "Linear";
                         });

TEST_P(EachFocusTest, EveryCaseIsCanonicalAndSmall) {
  ForEachCase(GetParam(), [](const Case& c) {
    ASSERT_TRUE(IsCanonical(c));
    ASSERT_LE(c.memory.size(), 96u);
    ASSERT_GE(c.steps.size(), 1u);
    ASSERT_LE(c.steps.size(), 8u);
  });
}

TEST_P(EachFocusTest, LinearAddressesAreCanonicalOnceMasked) {
  ForEachCase(GetParam(), [](const Case& c) {
    for (const Step& step : c.steps) {
      if (!IsPagedAccess(c, step)) continue;
      const std::uint64_t gla = step.gla.value;
      ASSERT_EQ(Canonical(c.guest, step.access, gla), gla);
    }
  });
}

TEST_P(EachFocusTest, ASeedIsACase) {
  Case reused;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    GenerateCase(seed, reused, GetParam());
    Case fresh;
    GenerateCase(seed, fresh, GetParam());
    ASSERT_EQ(reused, fresh) << "seed " << seed;
  }
}

// FNV-1a over the encodings of many cases: the same whatever the compiler. A
// change of the generator changes it, and is the only reason to change it.
TEST_P(EachFocusTest, ASeedIsTheSameCaseOnEveryMachine) {
  std::uint64_t hash = 0xcbf29ce484222325;
  ForEachCase(GetParam(), [&](const Case& c) {
    std::vector<std::uint8_t> bytes = EncodeCase(c);
    bytes[0] = 6;  // whatever the encoding's version is
    for (const std::uint8_t byte : bytes) {
      hash = (hash ^ byte) * 0x100000001b3;
    }
  });
  EXPECT_EQ(hash, GetParam() == Focus::kEpt ? 11332171523271593230u
                                            : 16363753472260675393u);
}

TEST_P(EachFocusTest, SeedsDiffer) {
  std::set<std::vector<std::uint8_t>> seen;
  ForEachCase(GetParam(), [&](const Case& c) { seen.insert(EncodeCase(c)); });
  EXPECT_EQ(seen.size(), kCases);
}

// Of more than 64 bytes, also across two pages, and the largest; what has a
// size of its own is not among them.
TEST_P(EachFocusTest, SomeAccessesAreLarge) {
  std::size_t accesses = 0, large = 0, crosses = 0, largest = 0;
  ForEachCase(GetParam(), [&](const Case& c) {
    for (const Step& step : c.steps) {
      const bool linear = step.kind == StepKind::kLinearAccess;
      if (!linear && step.kind != StepKind::kGuestPhysicalAccess) continue;
      ++accesses;
      if (step.access.size <= 64) continue;
      ++large;
      EXPECT_LE(step.access.kind, AccessKind::kWrite);
      const std::uint64_t first = linear ? step.gla.value : step.gpa.value;
      crosses += first % 4096 + step.access.size > 4096 ? 1 : 0;
      largest += step.access.size == 4096 ? 1 : 0;
    }
  });
  EXPECT_GT(large, accesses / 33);
  EXPECT_LT(large, accesses / 12);
  EXPECT_GT(crosses, large / 20);
  EXPECT_GT(largest, large / 50);
}

TEST(GeneratorTest, TheMixIsAsIntended) {
  using namespace bits;
  const std::size_t words =
      Median(Focus::kEpt, [](const Case& c) { return c.memory.size(); });
  EXPECT_GE(words, 10u);
  EXPECT_LE(words, 20u);
  const std::size_t steps =
      Median(Focus::kEpt, [](const Case& c) { return c.steps.size(); });
  EXPECT_GE(steps, 2u);
  EXPECT_LE(steps, 3u);

  struct Row {
    const char* what;
    double least, most;
    bool (*holds)(const Case&);
  };
  constexpr Row kRows[] = {
      {"accessed and dirty flags", 45, 56,
       [](const Case& c) { return (c.controls.eptp & kAccessedDirty) != 0; }},
      {"5-level EPT", 7, 12, [](const Case& c) { return EptLevels(c) == 5; }},
      {"execute-only", 92, 97,
       [](const Case& c) { return HasCap(c, kCapExecuteOnly); }},
      {"2-MByte pages", 92, 97,
       [](const Case& c) { return HasCap(c, kCap2Mb); }},
      {"tertiary controls", 3, 7,
       [](const Case& c) { return c.controls.tertiary != 0; }},
      {"transactional", 0.5, 3,
       [](const Case& c) { return c.guest.transactional; }},
      {"CR0.PG = 0", 15, 25, [](const Case& c) { return !PagingIsOn(c); }},
      {"PAE paging", 8, 16, [](const Case& c) { return UsesPae(c); }},
      {"a guest that VM entry refuses", 1.5, 4,
       [](const Case& c) {
         return !EntersWithGuest(c.processor, c.controls, c.guest);
       }},
      {"controls that miss one another", 0.5, 2,
       [](const Case& c) { return !EntersWithControls(c.controls); }},
      {"PML", 25, 40,
       [](const Case& c) { return HasSecondary(c, kSecondaryPml); }},
      {"#VE", 25, 45,
       [](const Case& c) { return HasSecondary(c, kSecondaryVe); }},
      {"SPP", 10, 20,
       [](const Case& c) { return HasSecondary(c, kSecondarySpp); }},
      {"MBEC", 35, 55,
       [](const Case& c) { return HasSecondary(c, kSecondaryMbec); }},
      {"PEBS", 0.1, 1,
       [](const Case& c) {
         return std::any_of(c.steps.begin(), c.steps.end(),
                            [](const Step& step) { return step.access.pebs; });
       }},
  };
  for (const Row& row : kRows) {
    const double share = Share(Focus::kEpt, row.holds);
    EXPECT_GE(share, row.least) << row.what;
    EXPECT_LE(share, row.most) << row.what;
  }
}

TEST(GeneratorTest, MostAccessesReachALeaf) {
  std::size_t accesses = 0;
  std::size_t leaves = 0;
  UsedEntries used;
  ForEachCase([&](const Case& c) {
    for (const Step& step : c.steps) {
      if (AccessedRange(c, step).bytes == 0) continue;
      FindUsedEntries(c, step, used);
      ++accesses;
      leaves += used.reached_leaf ? 1 : 0;
    }
  });
  const double share =
      100.0 * static_cast<double>(leaves) / static_cast<double>(accesses);
  EXPECT_GT(share, 60);
  EXPECT_LT(share, 95);
}

// What chance alone brings about in one case of ten thousand, or in none.
TEST_P(EachFocusTest, PagesMeetWhatIsUnlikeThem) {
  using namespace bits;
  std::size_t beyond_tables = 0;
  std::size_t beyond_4_gbytes = 0;
  std::size_t other_size = 0;
  std::size_t other_guest_size = 0;
  UsedEntries used;
  ForEachCase(GetParam(), [&](const Case& c) {
    for (const Step& step : c.steps) {
      const std::uint64_t last = step.gpa.value + step.access.size - 1;
      beyond_tables += step.kind == StepKind::kGuestPhysicalAccess &&
                       EptLevels(c) == 4 && step.gpa.value < Bit(48) &&
                       last >= Bit(48);
      beyond_4_gbytes += step.kind == StepKind::kLinearAccess &&
                         !PagingIsOn(c) &&
                         step.gla.value + step.access.size > Bit(32);
      std::set<int> ept;
      std::set<int> guest;
      FindUsedEntries(c, step, used);
      for (const UsedEntry& entry : used.list) {
        if (!entry.leaf) continue;
        if (entry.kind == UsedKind::kGuest) guest.insert(entry.level);
        if (entry.kind == UsedKind::kEpt && entry.guest_level == 0) {
          ept.insert(entry.level);
        }
      }
      other_size += ept.size() > 1;
      other_guest_size += guest.size() > 1;
    }
  });
  if (GetParam() == Focus::kEpt) {
    EXPECT_GT(beyond_tables, kCases / 1000);
    EXPECT_GT(beyond_4_gbytes, kCases / 200);
    EXPECT_GT(other_size, kCases / 60);
  } else {
    EXPECT_GT(beyond_4_gbytes, kCases / 2000);
    EXPECT_GT(other_size, kCases / 120);
    EXPECT_GT(other_guest_size, kCases / 200);
  }
}

TEST_P(EachFocusTest, OneBitMakesTheVeAreaBusy) {
  std::set<std::uint64_t> seen;
  ForEachCase(GetParam(), [&](const Case& c) {
    if (!HasSecondary(c, bits::kSecondaryVe)) return;
    const std::uint64_t busy =
        LoadWord(c, Hpa{c.controls.ve_information_address}) >> 32;
    if (busy != 0 && (busy & (busy - 1)) == 0) seen.insert(busy);
  });
  EXPECT_EQ(seen.size(), 32u);
}

// Each of the upper bits by itself: code that takes it for something else, and
// looks at no other, is found out.
TEST_P(EachFocusTest, EachUpperBitOfAnEntryIsSetByItself) {
  using namespace bits;
  std::size_t alone[64] = {};
  UsedEntries used;
  ForEachCase(GetParam(), [&](const Case& c) {
    for (const Step& step : c.steps) {
      FindUsedEntries(c, step, used);
      for (const UsedEntry& entry : used.list) {
        const std::uint64_t upper = entry.value >> 52;
        if (entry.kind != UsedKind::kEpt || upper == 0) continue;
        if ((upper & (upper - 1)) != 0) continue;
        for (unsigned bit = 52; bit < 64; ++bit) {
          alone[bit] += entry.value >> bit & 1;
        }
      }
    }
  });
  for (unsigned bit = 52; bit < 64; ++bit) {
    EXPECT_GT(alone[bit], kCases / 150) << bit;
  }
}

TEST(GeneratorTest, EveryKindOfStepAndAccessOccurs) {
  std::set<StepKind> kinds;
  std::set<AccessKind> accesses;
  std::set<int> leaf_levels;
  UsedEntries used;
  ForEachCase([&](const Case& c) {
    for (const Step& step : c.steps) {
      kinds.insert(step.kind);
      accesses.insert(step.access.kind);
      FindUsedEntries(c, step, used);
      for (const UsedEntry& entry : used.list) {
        if (entry.leaf) leaf_levels.insert(entry.level);
      }
    }
  });
  // Table operations are about builders.
  EXPECT_EQ(kinds.size(), static_cast<std::size_t>(kStepKindCount) - 1);
  EXPECT_EQ(accesses.size(), 7u);
  EXPECT_EQ(leaf_levels, (std::set<int>{1, 2, 3}));
}

// Most of them complete, so that the steps behind them are judged.
TEST_P(EachFocusTest, SomeCasesChangeRegistersBetweenAccesses) {
  std::size_t writes = 0;
  std::size_t entries = 0;
  std::size_t functions = 0;
  std::size_t completed = 0;
  std::size_t refused = 0;  // EPT is off, for one
  std::set<GuestRegister> registers;
  std::set<std::uint32_t> fields;
  ForEachCase(GetParam(), [&](const Case& c) {
    for (Spine spine(c); !spine.over(); spine.Advance()) {
      if (spine.step() == 0) continue;
      const Step& step = c.steps[spine.step() - 1];
      const bool write = step.kind == StepKind::kRegisterWrite;
      const bool entry = step.kind == StepKind::kVmEntry;
      if (write) registers.insert(step.reg);
      if (entry) fields.insert(step.index);
      writes += write ? 1 : 0;
      entries += entry ? 1 : 0;
      functions += step.kind == StepKind::kEptpSwitch && step.value != 0;
      if (!write && !entry) continue;
      if (spine.verdict().standing != Standing::kJudged) {
        ++refused;
        continue;
      }
      const Event& event = spine.verdict().alternatives[0].event;
      completed += event.kind == EventKind::kCompleted ? 1 : 0;
    }
  });
  EXPECT_GT(writes, kCases / 50);
  EXPECT_LT(writes, kCases / 20);
  EXPECT_GT(entries, kCases / 100);
  EXPECT_LT(entries, kCases / 40);
  EXPECT_GT(functions, kCases / 400);
  EXPECT_GT(completed, (writes + entries) / 2);
  EXPECT_LT(refused, kCases / 1000);
  EXPECT_EQ(registers.size(), static_cast<std::size_t>(kGuestRegisterCount));
  EXPECT_GT(fields.size(), 20u);
}

bool Has(std::uint64_t value, std::uint64_t bit) { return (value & bit) != 0; }

TEST(LinearGeneratorTest, TheMixIsAsIntended) {
  using namespace bits;
  const std::size_t words =
      Median(Focus::kLinear, [](const Case& c) { return c.memory.size(); });
  EXPECT_GE(words, 8u);
  EXPECT_LE(words, 20u);
  EXPECT_LE(
      Median(Focus::kLinear, [](const Case& c) { return c.steps.size(); }), 2u);

  struct Row {
    const char* what;
    double least, most;
    bool (*holds)(const Case&);
  };
  constexpr Row kRows[] = {
      {"no paging", 2, 5, [](const Case& c) { return !PagingIsOn(c); }},
      {"32-bit paging", 15, 25,
       [](const Case& c) {
         return GuestModeOf(c.guest) == GuestPagingMode::k32Bit;
       }},
      {"PAE paging", 12, 22,
       [](const Case& c) {
         return GuestModeOf(c.guest) == GuestPagingMode::kPae;
       }},
      {"4-level paging", 30, 45,
       [](const Case& c) {
         return GuestModeOf(c.guest) == GuestPagingMode::kFourLevel;
       }},
      {"5-level paging", 15, 30,
       [](const Case& c) {
         return GuestModeOf(c.guest) == GuestPagingMode::kFiveLevel;
       }},
      {"HLAT", 1, 6,
       [](const Case& c) { return Has(c.controls.tertiary, kTertiaryHlat); }},
      {"CR0.WP", 55, 75,
       [](const Case& c) { return Has(c.guest.cr0, kCr0Wp); }},
      {"SMEP", 30, 50,
       [](const Case& c) { return Has(c.guest.cr4, kCr4Smep); }},
      {"SMAP", 30, 50,
       [](const Case& c) { return Has(c.guest.cr4, kCr4Smap); }},
      {"PKE", 20, 40, [](const Case& c) { return Has(c.guest.cr4, kCr4Pke); }},
      {"PKS", 15, 35, [](const Case& c) { return Has(c.guest.cr4, kCr4Pks); }},
      {"CET", 18, 35, [](const Case& c) { return Has(c.guest.cr4, kCr4Cet); }},
      {"LASS", 4, 12, [](const Case& c) { return Has(c.guest.cr4, kCr4Lass); }},
      {"CR4.LASS, and an access that goes on at address 0", 0.05, 0.5,
       [](const Case& c) {
         return Has(c.guest.cr4, kCr4Lass) &&
                std::any_of(c.steps.begin(), c.steps.end(),
                            [](const Step& step) {
                              return step.kind == StepKind::kLinearAccess &&
                                     step.gla.value + step.access.size - 1u <
                                         step.gla.value;
                            });
       }},
      {"INVLPG or INVPCID that exits", 0.1, 0.5,
       [](const Case& c) {
         return Has(c.controls.primary, kPrimaryInvlpg) &&
                std::any_of(c.steps.begin(), c.steps.end(),
                            [](const Step& step) {
                              return step.kind == StepKind::kInvalidation;
                            });
       }},
      {"LAM_SUP", 3, 8,
       [](const Case& c) { return Has(c.guest.cr4, kCr4LamSup); }},
      {"LAM_U57 or LAM_U48", 4, 10,
       [](const Case& c) {
         return (c.guest.cr3 & (kCr3LamU57 | kCr3LamU48)) != 0;
       }},
      {"an address that is masked", 3, 9,
       [](const Case& c) {
         return std::any_of(
             c.steps.begin(), c.steps.end(), [&c](const Step& step) {
               return IsPagedAccess(c, step) &&
                      Masked(c.guest, step.access, step.gla.value) !=
                          step.gla.value;
             });
       }},
      {"NXE", 65, 85,
       [](const Case& c) { return Has(c.guest.efer, kEferNxe); }},
      {"AC", 10, 30,
       [](const Case& c) { return Has(c.guest.rflags, kRflagsAc); }},
  };
  for (const Row& row : kRows) {
    const double share = Share(Focus::kLinear, row.holds);
    EXPECT_GE(share, row.least) << row.what;
    EXPECT_LE(share, row.most) << row.what;
  }
}

// Where the tables lead, whatever they allow.
TEST(LinearGeneratorTest, MostAccessesReachTheFinalAddressInEveryMode) {
  struct Count {
    double accesses = 0, guest_leaves = 0, leaves = 0;
  };
  std::map<GuestPagingMode, Count> counts;
  std::set<std::pair<GuestPagingMode, int>> guest_leaf_levels;
  UsedEntries used;
  ForEachCase(Focus::kLinear, [&](const Case& c) {
    const GuestPagingMode mode = GuestModeOf(c.guest);
    for (const Step& step : c.steps) {
      if (!IsPagedAccess(c, step)) continue;
      FindUsedEntries(c, step, used);
      Count& count = counts[mode];
      ++count.accesses;
      count.guest_leaves += used.reached_guest_leaf ? 1 : 0;
      count.leaves += used.reached_leaf ? 1 : 0;
      for (const UsedEntry& entry : used.list) {
        if (entry.kind == UsedKind::kGuest && entry.leaf) {
          guest_leaf_levels.emplace(mode, entry.level);
        }
      }
    }
  });
  for (const auto& [mode, count] : counts) {
    SCOPED_TRACE(static_cast<int>(mode));
    EXPECT_GT(count.guest_leaves, 0.87 * count.accesses);
    EXPECT_GT(count.leaves, 0.73 * count.accesses);
    EXPECT_LT(count.leaves, 0.95 * count.accesses);
  }
  EXPECT_EQ(counts.size(), 4u);
  EXPECT_EQ(guest_leaf_levels, (std::set<std::pair<GuestPagingMode, int>>{
                                   {GuestPagingMode::k32Bit, 1},
                                   {GuestPagingMode::k32Bit, 2},
                                   {GuestPagingMode::kPae, 1},
                                   {GuestPagingMode::kPae, 2},
                                   {GuestPagingMode::kFourLevel, 1},
                                   {GuestPagingMode::kFourLevel, 2},
                                   {GuestPagingMode::kFourLevel, 3},
                                   {GuestPagingMode::kFiveLevel, 1},
                                   {GuestPagingMode::kFiveLevel, 2},
                                   {GuestPagingMode::kFiveLevel, 3}}));
}

// The situations that make the two dimensions more than the sum of them.
TEST(LinearGeneratorTest, SituationsOfBothDimensionsOccur) {
  std::size_t table_is_data = 0;
  std::size_t entry_twice = 0;
  std::size_t crosses = 0;
  std::size_t large_structures = 0;
  std::size_t read_only_structures = 0;
  std::size_t user_of_supervisor = 0;
  UsedEntries used;
  ForEachCase(Focus::kLinear, [&](const Case& c) {
    for (const Step& step : c.steps) {
      if (!IsPagedAccess(c, step)) continue;
      FindUsedEntries(c, step, used);
      crosses += (step.gla.value & 0xfff) + step.access.size > 0x1000 ? 1 : 0;
      std::set<std::uint64_t> guest;
      bool twice = false;
      bool data = false;
      bool large = false;
      bool read_only = false;
      bool supervisor = false;
      for (const UsedEntry& entry : used.list) {
        if (entry.kind == UsedKind::kGuest) {
          data |= used.reached_guest_leaf && entry.gpa >> 12 == used.gpa >> 12;
          twice |= !guest.insert(entry.address.value).second;
          supervisor |= (entry.value & 5) == 1;
        } else if (entry.guest_level != 0 && entry.leaf) {
          large |= entry.level > 1;
          read_only |= (entry.value & 7) != 0 && (entry.value & 2) == 0;
        }
      }
      table_is_data += data ? 1 : 0;
      entry_twice += twice ? 1 : 0;
      large_structures += large ? 1 : 0;
      read_only_structures += read_only ? 1 : 0;
      user_of_supervisor += supervisor && c.guest.cpl == 3 ? 1 : 0;
    }
  });
  EXPECT_GT(table_is_data, kCases / 20);
  EXPECT_GT(entry_twice, kCases / 17);
  EXPECT_GT(crosses, kCases / 14);
  EXPECT_GT(large_structures, kCases / 2);
  EXPECT_GT(read_only_structures, kCases / 8);
  EXPECT_GT(user_of_supervisor, kCases / 16);
}

TEST(LinearGeneratorTest, EveryKindOfStepAndAccessOccurs) {
  std::set<StepKind> kinds;
  std::set<AccessKind> accesses;
  ForEachCase(Focus::kLinear, [&](const Case& c) {
    for (const Step& step : c.steps) {
      kinds.insert(step.kind);
      accesses.insert(step.access.kind);
    }
  });
  // Table operations are about builders.
  EXPECT_EQ(kinds.size(), static_cast<std::size_t>(kStepKindCount) - 1);
  EXPECT_EQ(accesses.size(), 7u);
}

}  // namespace
}  // namespace eptdiff
