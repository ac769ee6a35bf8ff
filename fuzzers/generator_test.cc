#include "fuzzers/generator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "fuzzers/bits.h"
#include "fuzzers/canonical.h"
#include "fuzzers/encoding.h"
#include "fuzzers/machine_generation.h"
#include "fuzzers/used_entries.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kCases = 20'000;

// Calls `f` with the cases of many seeds.
template <typename F>
void ForEachCase(F f) {
  Case c;
  for (std::uint64_t seed = 0; seed < kCases; ++seed) {
    GenerateCase(seed, c);
    f(c);
  }
}

// In how many of 100 cases `f` holds.
template <typename F>
double Share(F f) {
  std::size_t hits = 0;
  ForEachCase([&](const Case& c) { hits += f(c) ? 1 : 0; });
  return 100.0 * static_cast<double>(hits) / kCases;
}

template <typename F>
std::size_t Median(F f) {
  std::vector<std::size_t> values;
  ForEachCase([&](const Case& c) { values.push_back(f(c)); });
  std::nth_element(values.begin(), values.begin() + kCases / 2, values.end());
  return values[kCases / 2];
}

bool HasCap(const Case& c, std::uint64_t capability) {
  return (c.processor.ept_vpid_cap & capability) != 0;
}

TEST(GeneratorTest, EveryCaseIsCanonicalAndSmall) {
  ForEachCase([](const Case& c) {
    ASSERT_TRUE(IsCanonical(c));
    ASSERT_LE(c.memory.size(), 96u);
    ASSERT_GE(c.steps.size(), 1u);
    ASSERT_LE(c.steps.size(), 8u);
  });
}

TEST(GeneratorTest, ASeedIsACase) {
  Case reused;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    GenerateCase(seed, reused);
    Case fresh;
    GenerateCase(seed, fresh);
    ASSERT_EQ(reused, fresh) << "seed " << seed;
  }
}

// FNV-1a over the encodings of many cases: the same whatever the compiler. A
// change of the generator changes it, and is the only reason to change it.
TEST(GeneratorTest, ASeedIsTheSameCaseOnEveryMachine) {
  std::uint64_t hash = 0xcbf29ce484222325;
  ForEachCase([&](const Case& c) {
    for (const std::uint8_t byte : EncodeCase(c)) {
      hash = (hash ^ byte) * 0x100000001b3;
    }
  });
  EXPECT_EQ(hash, 0xf5e6f878d84dc6efu);
}

TEST(GeneratorTest, SeedsDiffer) {
  std::set<std::vector<std::uint8_t>> seen;
  ForEachCase([&](const Case& c) { seen.insert(EncodeCase(c)); });
  EXPECT_EQ(seen.size(), kCases);
}

TEST(GeneratorTest, TheMixIsAsIntended) {
  using namespace bits;
  const std::size_t words =
      Median([](const Case& c) { return c.memory.size(); });
  EXPECT_GE(words, 10u);
  EXPECT_LE(words, 20u);
  const std::size_t steps =
      Median([](const Case& c) { return c.steps.size(); });
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
      {"PML", 25, 40,
       [](const Case& c) { return HasSecondary(c, kSecondaryPml); }},
      {"#VE", 25, 45,
       [](const Case& c) { return HasSecondary(c, kSecondaryVe); }},
      {"SPP", 10, 20,
       [](const Case& c) { return HasSecondary(c, kSecondarySpp); }},
      {"MBEC", 35, 55,
       [](const Case& c) { return HasSecondary(c, kSecondaryMbec); }},
  };
  for (const Row& row : kRows) {
    const double share = Share(row.holds);
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
  EXPECT_EQ(kinds.size(), static_cast<std::size_t>(kStepKindCount));
  EXPECT_EQ(accesses.size(), 6u);
  EXPECT_EQ(leaf_levels, (std::set<int>{1, 2, 3}));
}

}  // namespace
}  // namespace eptdiff
