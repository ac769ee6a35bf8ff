#include "oracle/exhaustive/small_worlds.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "oracle/reference/dialects/known_dialects.h"

namespace eptdiff {
namespace {

TEST(SmallWorldsTest, BothStatementsPermitTheSame) {
  SmallWorldTally all;
  for (int world = 0; world < SmallWorldCount(); ++world) {
    const SmallWorldTally tally = CompareSmallWorld(
        world, 4, Dialect(),
        [&](const std::string& words) { ADD_FAILURE() << world << words; });
    EXPECT_EQ(tally.differing, 0u) << "world " << world;
    EXPECT_GT(tally.kept, 0u) << "world " << world;
    all.sequences += tally.sequences;
    all.answers += tally.answers;
    all.kept += tally.kept;
  }
  std::printf(
      "%d worlds, %llu sequences, %llu answers, %llu of what was kept\n",
      SmallWorldCount(), static_cast<unsigned long long>(all.sequences),
      static_cast<unsigned long long>(all.answers),
      static_cast<unsigned long long>(all.kept));
}

// Each is wrong by itself, and must show.
TEST(SmallWorldsTest, AnAlteredReferenceIsNoticed) {
  for (const char* name :
       {"CACHE-2/not-present-kept", "CACHE-2/misconfigured-kept",
        "CACHE-3/never", "CACHE-4/not-as-declared", "CACHE-5/gpa-not-ended",
        "CACHE-5/every-gpa-ended", "CACHE-6/single-ends-nothing",
        "CACHE-6/all-ends-nothing", "CACHE-6/single-ends-all",
        "CACHE-6/single-leaves-upper-levels", "CACHE-6/all-leaves-upper-levels",
        "CACHE-9/never", "CACHE-10/never", "CACHE-10/clear-stays-clear"}) {
    const Alteration* alteration = FindAlteration(name);
    ASSERT_NE(alteration, nullptr) << name;
    bool noticed = false;
    for (int world = 0; world < SmallWorldCount() && !noticed; ++world) {
      noticed = CompareSmallWorld(world, 4, Dialect().With(*alteration),
                                  [](const std::string&) {})
                    .differing > 0;
    }
    EXPECT_TRUE(noticed) << name;
  }
}

}  // namespace
}  // namespace eptdiff
