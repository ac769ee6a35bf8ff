#include "oracle/processor/moving.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>

#include "fuzzers/generation/generator.h"
#include "oracle/processor/moving_testing.h"
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

TEST(MovingTest, Measure) {
  std::map<std::string, int> whys;
  std::map<std::string, int> wrong;
  for (const Focus focus : {Focus::kEpt, Focus::kLinear, Focus::kCaches}) {
    for (std::uint64_t seed = 0; seed < 30000; ++seed) {
      Case c;
      GenerateCase(seed, c, focus);
      Mover mover(FreeMemory(c.processor.maxphyaddr - c.processor.keyid_bits));
      Unmovable why;
      const std::string what = WhatMovingChanges(c, mover, why);
      ++whys[std::to_string(int(focus)) + std::string(WordsOf(why))];
      if (!what.empty() && ++wrong[what] == 1)
        std::cout << int(focus) << " " << seed << " " << what << "\n";
    }
  }
  for (auto& [w, n] : whys) std::cout << n << " " << w << "\n";
  for (auto& [w, n] : wrong) std::cout << n << " " << w << "\n";
}

}  // namespace
}  // namespace eptdiff
