#include "oracle/exhaustive/combined_worlds.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "oracle/reference/dialects/known_dialects.h"

namespace eptdiff {
namespace {

// Those of every seventh world are longer by a step.
constexpr int kEvery = 7;

TEST(CombinedWorldsTest, BothStatementsPermitTheSame) {
  SmallWorldTally all;
  for (int world = 0; world < CombinedWorldCount(); ++world) {
    const SmallWorldTally tally = CompareCombinedWorld(
        world, world % kEvery == 0 ? 3 : 2, Dialect(),
        [&](const std::string& words) { ADD_FAILURE() << world << words; });
    EXPECT_EQ(tally.differing, 0u) << "world " << world;
    EXPECT_GT(tally.kept, 0u) << "world " << world;
    all.sequences += tally.sequences;
    all.answers += tally.answers;
    all.kept += tally.kept;
  }
  std::printf(
      "%d worlds, %llu sequences, %llu answers, %llu of what was kept\n",
      CombinedWorldCount(), static_cast<unsigned long long>(all.sequences),
      static_cast<unsigned long long>(all.answers),
      static_cast<unsigned long long>(all.kept));
}

// Each is wrong by itself, and must show: in a world where it does.
TEST(CombinedWorldsTest, AnAlteredReferenceIsNoticed) {
  constexpr struct {
    const char* name;
    int world;
  } kAlterations[] = {{"CACHE-1/globals-need-the-pcid", 14},
                      {"CACHE-1/hlat-told-apart", 48},
                      {"CACHE-1/paging-told-apart", 52},
                      {"CACHE-2/guest-accessed-clear-kept", 7},
                      {"CACHE-2/guest-leaf-without-page-kept", 61},
                      {"CACHE-2/guest-not-present-kept", 14},
                      {"CACHE-4/not-as-declared", 0},
                      {"CACHE-6/single-ends-all", 0},
                      {"CACHE-7/address-leaves-upper-levels", 0},
                      {"CACHE-7/single-ends-every-vpid", 0},
                      {"CACHE-7/retaining-ends-globals", 14},
                      {"CACHE-7/guest-physical-too", 0},
                      {"CACHE-8/mov-cr3-whatever-bit-63", 0},
                      {"CACHE-11/transition-ends-nothing", 28},
                      {"CACHE-12/guest-physical-too", 0}};
  for (const auto& [name, world] : kAlterations) {
    const Alteration* alteration = FindAlteration(name);
    ASSERT_NE(alteration, nullptr) << name;
    EXPECT_GT(CompareCombinedWorld(world, 3, Dialect().With(*alteration),
                                   [](const std::string&) {})
                  .differing,
              0u)
        << name;
  }
}

}  // namespace
}  // namespace eptdiff
