// How far the cases reach that builders are asked: what thin hypervisors map.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

#include "fuzzers/generation/table_generation.h"
#include "oracle/case.h"
#include "oracle/target/profile/builder_profile.h"

namespace eptdiff {
namespace {

// In percent; of cases, if nothing else is said.
struct Reach {
  int beyond = 0;  // something is mapped beyond 512 GBytes
  int top = 0;     // ... or in the upper half of the address space
  int holes = 0;   // ... and something else at least 16 GBytes away
  int same = 0;    // of pages and regions: at the host's address
  int out = 0;     // ... at one that the host does not have
};

Reach ReachOf(int gpa_width, std::uint8_t identity_maps) {
  eptdiff_builder_profile profile = BlankBuilderProfile();
  profile.operations = EPTDIFF_ALL_OPERATIONS;
  profile.refusals = EPTDIFF_ALL_REFUSALS;
  profile.models = EPTDIFF_MODELS_4_LEVELS | EPTDIFF_MODELS_ACCESSED_DIRTY;
  profile.gpa_width = static_cast<std::uint8_t>(gpa_width);
  profile.identity_maps = identity_maps;
  const BuilderFitting fitting(profile);
  const int width = gpa_width != 0 ? gpa_width : 48;
  int cases = 0, maps = 0;
  Reach reach;
  Case c;
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    GenerateTableCase(seed, c);
    if (!fitting.Fit(c)) continue;
    EXPECT_TRUE(fitting.Fits(c)) << seed;
    ++cases;
    std::uint64_t lowest = ~std::uint64_t{0}, highest = 0;
    for (const Step& step : c.steps) {
      const TableOperation& operation = step.operation;
      if (step.kind != StepKind::kTableOperation ||
          (operation.kind != TableOperationKind::kMap &&
           operation.kind != TableOperationKind::kMapRegion)) {
        continue;
      }
      ++maps;
      reach.same += operation.gpa.value == operation.hpa.value;
      reach.out += operation.hpa.value >> c.processor.maxphyaddr != 0;
      lowest = std::min(lowest, operation.gpa.value);
      highest = std::max(highest, operation.gpa.value);
    }
    reach.beyond += highest >> 39 != 0;
    reach.top += highest >> (width - 1) != 0;
    reach.holes += highest >= lowest && (highest - lowest) >> 34 != 0;
  }
  for (int* each : {&reach.beyond, &reach.top, &reach.holes}) {
    *each = *each * 100 / cases;
  }
  for (int* each : {&reach.same, &reach.out}) *each = *each * 100 / maps;
  return reach;
}

TEST(TableReachTest, MemoryIsFarUpWithHolesBetween) {
  for (const int width : {0, 40, 46}) {
    const Reach reach = ReachOf(width, 0);
    EXPECT_GE(reach.beyond, 30) << width;
    EXPECT_GE(reach.top, 10) << width;
    EXPECT_GE(reach.holes, 10) << width;
    EXPECT_LE(reach.out, 3) << width;
  }
}

TEST(TableReachTest, WhatIsMappedToItselfIsWithinTheMachine) {
  const Reach half = ReachOf(0, EPTDIFF_IDENTITY_HALF);
  EXPECT_GE(half.same, 40);
  EXPECT_LE(half.same, 60);
  for (const int width : {0, 46}) {
    const Reach always = ReachOf(width, EPTDIFF_IDENTITY_ALWAYS);
    EXPECT_GE(always.same, 95) << width;
    EXPECT_GE(always.beyond, 25) << width;
    EXPECT_GE(always.holes, 10) << width;
    EXPECT_LE(always.out, 5) << width;
    EXPECT_GE(always.out, 1) << width;
  }
}

}  // namespace
}  // namespace eptdiff
