#include "fuzzers/power/knock_outs.h"

#include <string_view>
#include <vector>

#include "fuzzers/generation/generator.h"
#include "fuzzers/mutation/mutator.h"
#include "fuzzers/power/kept_knock_outs.h"
#include "gtest/gtest.h"
#include "oracle/judgement/judge.h"
#include "oracle/reference/dialects/known_dialects.h"
#include "oracle/reference/witnesses/case_builder.h"

namespace eptdiff {
namespace {

std::size_t NumberOf(std::string_view name) {
  return static_cast<std::size_t>(FindAlteration(name) -
                                  AllAlterations().data());
}

TEST(KnockOutsTest, AnAlterationShowsInACaseThatTurnsOnIt) {
  KnockOuts knock_outs(AllAlterations());
  const std::size_t all = knock_outs.remaining();
  knock_outs.Run(Walk4().Pte(0x9037).Read(0x1234).Build());
  EXPECT_FALSE(knock_outs.shown(NumberOf("CFG-9/off")));
  // Bit 12 of a 2-MByte page.
  const Case c = Walk4().Pde(0x2010b7).Read(0x1234).Build();
  EXPECT_FALSE(knock_outs.Run(c).empty());
  EXPECT_TRUE(knock_outs.shown(NumberOf("CFG-9/off")));
  EXPECT_FALSE(knock_outs.shown(NumberOf("CFG-8/off")));
  EXPECT_LT(knock_outs.remaining(), all);
  // And does not show again.
  EXPECT_TRUE(knock_outs.Run(c).empty());
}

// Whether the engine disagrees with the reference that has this alteration, by
// a trial of its own.
bool Disagrees(const Case& c, const Alteration& alteration) {
  EngineOracle engine;
  Trial trial;
  trial.Add(engine, Dialect().With(alteration));
  return trial.Run(c)[0].disagrees;
}

// One stream for all is as good as a run for each: what is skipped because it
// does not concern a step would have shown nothing.
TEST(KnockOutsTest, ShowsWhatATrialOfItsOwnWouldShow) {
  KnockOuts knock_outs(AllAlterations());
  Case c;
  int shown = 0;
  for (std::uint64_t seed = 0; seed < 120; ++seed) {
    GenerateCase(seed, c, seed % 2 == 0 ? Focus::kEpt : Focus::kLinear);
    std::vector<bool> before(AllAlterations().size());
    for (std::size_t i = 0; i < before.size(); ++i) {
      before[i] = knock_outs.shown(i);
    }
    knock_outs.Run(c);
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (before[i]) continue;
      EXPECT_EQ(knock_outs.shown(i), Disagrees(c, AllAlterations()[i]))
          << AllAlterations()[i].name << " in the case of seed " << seed;
      shown += knock_outs.shown(i);
    }
  }
  EXPECT_GT(shown, 100);
}

// Evidence for the proofs; and each names an alteration that there is.
TEST(KnockOutsTest, EquivalentAlterationsDoNotShow) {
  std::vector<Alteration> equivalent;
  for (const Equivalent& e : EquivalentAlterations()) {
    ASSERT_NE(FindAlteration(e.alteration), nullptr) << e.alteration;
    equivalent.push_back(*FindAlteration(e.alteration));
  }
  EXPECT_EQ(NoticeableAlterations().size() + equivalent.size() +
                AlterationsOfCaches().size(),
            AllAlterations().size());
  KnockOuts knock_outs(equivalent);
  Case c;
  for (std::uint64_t seed = 0; seed < 20'000; ++seed) {
    GenerateCase(seed, c, seed % 2 == 0 ? Focus::kEpt : Focus::kLinear);
    for (const std::size_t i : knock_outs.Run(c)) {
      ADD_FAILURE() << equivalent[i].name << " in the case of seed " << seed;
    }
  }
}

}  // namespace
}  // namespace eptdiff
