// Cases that were moved to a machine's memory (oracle/processor/moving.h) mean
// what they meant, and the engine answers them as the SDM has it, whatever the
// machine. EPTDIFF_MOVED_CASES is how many of each kind, EPTDIFF_MOVED_FROM the
// first seed: a million of each take an hour.

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "fuzzers/entries/askable.h"
#include "fuzzers/entries/random.h"
#include "fuzzers/generation/generator.h"
#include "oracle/processor/moving.h"
#include "oracle/processor/moving_testing.h"

namespace eptdiff {
namespace {

std::uint64_t NumberIn(const char* variable, std::uint64_t otherwise) {
  const char* asked = std::getenv(variable);
  return asked == nullptr ? otherwise : std::strtoull(asked, nullptr, 10);
}
std::uint64_t CaseCount() { return NumberIn("EPTDIFF_MOVED_CASES", 2000); }
std::uint64_t FirstSeed() { return NumberIn("EPTDIFF_MOVED_FROM", 0); }

class MovedCasesTest : public testing::TestWithParam<Focus> {};

TEST_P(MovedCasesTest, MeanTheSame) {
  Case c;
  std::uint64_t moved = 0;
  std::uint64_t unclear = 0;
  // With all that may be kept, a case takes milliseconds.
  const std::uint64_t count = CaseCount() / 4;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t seed = FirstSeed() + i;
    GenerateCase(seed, c, GetParam());
    Mover mover(FreeMemory(c.processor.maxphyaddr - c.processor.keyid_bits));
    Unmovable why;
    const std::string what = WhatMovingChanges(c, mover, why);
    if (what == kMayReadTables) {
      ++unclear;
      continue;
    }
    ASSERT_EQ(what, "") << "seed " << seed;
    moved += why == Unmovable::kNone;
  }
  EXPECT_GT(moved, count * 3 / 4);
  EXPECT_LE(unclear, count / 100);
}

// With a processor of another width and other capabilities: another meaning,
// but nothing outside of free memory, and no answer of the engine that the SDM
// forbids.
TEST_P(MovedCasesTest, AreAnsweredOnOtherMachines) {
  Random random(7);
  Case c;
  Case moved;
  std::uint64_t asked = 0;
  for (std::uint64_t i = 0; i < CaseCount(); ++i) {
    const std::uint64_t seed = FirstSeed() + i;
    GenerateCase(seed, c, GetParam());
    Processor machine = c.processor;
    machine.maxphyaddr = static_cast<std::uint8_t>(36 + random.Below(16));
    machine.keyid_bits = 0;
    machine.ept_vpid_cap ^= std::uint64_t{random.Below(4)} << 16;
    if (random.OneIn(2)) machine.ept_vpid_cap |= 3u << 16;
    const auto free = FreeMemory(machine.maxphyaddr);
    Mover mover(free);
    if (mover.Move(c, machine, moved) != Unmovable::kNone) continue;
    ++asked;
    MakeAskable(moved);
    ASSERT_EQ(WhatIsWrongThere(moved, mover, free), "") << "seed " << seed;
  }
  EXPECT_GT(asked, CaseCount() * 3 / 4);
}

INSTANTIATE_TEST_SUITE_P(Kinds, MovedCasesTest,
                         testing::Values(Focus::kEpt, Focus::kLinear,
                                         Focus::kCaches));

}  // namespace
}  // namespace eptdiff
