#include "fuzzers/mutation/mutator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <string>

#include "fuzzers/encoding/canonical.h"
#include "fuzzers/encoding/encoding.h"
#include "fuzzers/entries/used_entries.h"
#include "fuzzers/generation/generator.h"
#include "fuzzers/generation/random_case.h"

namespace eptdiff {
namespace {

constexpr Focus kFocus = Focus::kLinear;  // draws from all mutations

// Every other case is about linear accesses.
Case Generated(std::uint64_t seed) {
  Case c;
  GenerateCase(seed / 2, c, seed % 2 == 0 ? Focus::kEpt : Focus::kLinear);
  return c;
}

class MutationTest : public testing::TestWithParam<Mutation> {};

TEST_P(MutationTest, AppliesAndNearlyAlwaysChangesTheCase) {
  int applied = 0;
  int changed = 0;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    const Case before = Generated(seed);
    Case c = before;
    Random random(seed);
    if (GetParam().apply(random, c)) {
      ++applied;
      changed += c != before ? 1 : 0;
    } else {
      ASSERT_EQ(c, before) << "seed " << seed;
    }
  }
  EXPECT_GT(applied, 50);
  EXPECT_GT(changed, applied / 2);
}

TEST_P(MutationTest, KeepsAnyCaseCanonical) {
  Random random(17);
  for (int i = 0; i < 2000; ++i) {
    Case c = RandomCase(random, 30);
    GetParam().apply(random, c);
    ASSERT_TRUE(IsCanonical(c)) << "case " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(All, MutationTest, testing::ValuesIn(AllMutations()),
                         [](const auto& info) {
                           std::string name(info.param.name);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(MutatorTest, ASeedIsAMutation) {
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    Case a = Generated(seed % 50);
    Case b = a;
    b.memory.reserve(1000);  // what is allocated must not matter
    Mutate(seed, a, kFocus);
    Mutate(seed, b, kFocus);
    ASSERT_EQ(a, b) << "seed " << seed;
  }
}

// Of each of ten cases by itself; of one that is small, more mutations change
// nothing.
TEST(MutatorTest, SeedsDoDifferentThings) {
  int changed = 0;
  for (std::uint64_t number = 0; number < 10; ++number) {
    const Case c = Generated(number);
    std::set<std::vector<std::uint8_t>> seen;
    for (std::uint64_t seed = 0; seed < 1000; ++seed) {
      Case mutated = c;
      Mutate(seed, mutated, kFocus);
      changed += mutated != c ? 1 : 0;
      seen.insert(EncodeCase(mutated));
    }
    EXPECT_GT(seen.size(), 500u) << "case " << number;
  }
  EXPECT_GT(changed, 9400);  // of 10,000
}

TEST(MutatorTest, SizesOfAccessesChangeUpToTheLargest) {
  Case c = Generated(1);
  Step access;
  std::set<std::uint16_t> sizes;
  for (std::uint64_t seed = 0; seed < 20000; ++seed) {
    c.steps = {access};
    Mutate(seed, c, kFocus);
    for (const Step& step : c.steps) sizes.insert(step.access.size);
  }
  EXPECT_GT(std::distance(sizes.begin(), sizes.upper_bound(64)), 50);
  EXPECT_GT(std::distance(sizes.upper_bound(64), sizes.end()), 100);
}

// FNV-1a over many chains of mutations: the same whatever the compiler.
TEST(MutatorTest, ASeedIsTheSameMutationOnEveryMachine) {
  std::uint64_t hash = 0xcbf29ce484222325;
  Case child;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    Case c = Generated(seed);
    for (std::uint64_t i = 0; i < 10; ++i) Mutate(seed * 10 + i, c, kFocus);
    CrossOver(c, Generated(seed + 1), seed, child, kFocus);
    std::vector<std::uint8_t> bytes = EncodeCase(child);
    bytes[0] = 1;  // whatever the encoding's version is
    for (const std::uint8_t byte : bytes) {
      hash = (hash ^ byte) * 0x100000001b3;
    }
  }
  EXPECT_EQ(hash, 6298460515031796993u);
}

TEST(MutatorTest, CasesStaySmallHoweverOftenTheyAreMutated) {
  for (std::uint64_t chain = 0; chain < 50; ++chain) {
    Case c = Generated(chain);
    for (std::uint64_t i = 0; i < 2000; ++i)
      Mutate(chain * 2000 + i, c, kFocus);
    EXPECT_TRUE(IsCanonical(c));
    EXPECT_LE(c.memory.size(), kMaxMutatedWords);
    EXPECT_LE(c.steps.size(), kMaxMutatedSteps);
  }
}

TEST(MutatorTest, AFullCaseStaysWithinTheLimits) {
  Case c = Generated(3);
  for (std::uint64_t i = 0; c.memory.size() + c.steps.size() < kMaxRecords;
       ++i) {
    c.memory.push_back({Hpa{0x100000 + 8 * i}, i});
  }
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    Mutate(seed, c, kFocus);
    ASSERT_LE(c.memory.size() + c.steps.size(), kMaxRecords);
  }
}

TEST(MutatorTest, MutatedCasesStillReachLeaves) {
  std::size_t accesses = 0;
  std::size_t leaves = 0;
  UsedEntries used;
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    Case c = Generated(seed);
    for (std::uint64_t i = 0; i < 10; ++i) Mutate(seed * 10 + i, c, kFocus);
    for (const Step& step : c.steps) {
      if (!IsAccess(step)) continue;
      FindUsedEntries(c, step, used);
      ++accesses;
      leaves += used.reached_leaf ? 1 : 0;
    }
  }
  const double share =
      static_cast<double>(leaves) / static_cast<double>(accesses);
  EXPECT_GT(share, 0.5);
  EXPECT_LT(share, 1);
}

TEST(CrossOverTest, TheChildIsCanonicalAndTakesFromBoth) {
  Case child;
  int mixed = 0;
  for (std::uint64_t seed = 0; seed < 5000; ++seed) {
    const Case a = Generated(2 * seed);
    const Case b = Generated(2 * seed + 1);
    CrossOver(a, b, seed, child, kFocus);
    ASSERT_TRUE(IsCanonical(child)) << "seed " << seed;
    ASSERT_LE(child.memory.size(), kMaxMutatedWords);
    mixed += child != a && child != b ? 1 : 0;
  }
  EXPECT_GT(mixed, 3000);
}

TEST(CrossOverTest, FullParentsHaveAChildWithinTheLimits) {
  Random random(5);
  Case a = RandomCase(random, kMaxRecords);
  Case b = RandomCase(random, kMaxRecords);
  a.memory.resize(kMaxRecords - a.steps.size());
  b.memory.clear();
  b.steps.resize(kMaxRecords);
  Case child;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    CrossOver(a, b, seed, child, kFocus);
    EXPECT_TRUE(IsCanonical(child));
    CrossOver(b, a, seed, child, kFocus);
    EXPECT_TRUE(IsCanonical(child));
  }
}

TEST(CrossOverTest, ASplicedSubtableTranslatesTheOthersStep) {
  // In a child that got one more step, that step reaches what it reached in b.
  int spliced = 0;
  int reached = 0;
  Case child;
  UsedEntries there;
  UsedEntries here;
  for (std::uint64_t seed = 0; seed < 5000; ++seed) {
    const Case a = Generated(2 * seed);
    const Case b = Generated(2 * seed + 1);
    CrossOver(a, b, seed, child, kFocus);
    if (child.controls != a.controls ||
        child.steps.size() != a.steps.size() + 1) {
      continue;
    }
    if (!IsAccess(child.steps.back())) continue;
    FindUsedEntries(child, child.steps.back(), here);
    ++spliced;
    reached += here.reached_leaf ? 1 : 0;
  }
  EXPECT_GT(spliced, 100);
  EXPECT_GT(reached, spliced / 2);
}

}  // namespace
}  // namespace eptdiff
