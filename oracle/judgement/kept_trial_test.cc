// A trial of oracles that keep translations, beside one that does not; and
// where what may have been kept is followed no further.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "oracle/history.h"
#include "oracle/judgement/dialect_oracle.h"
#include "oracle/judgement/trial.h"
#include "oracle/reference/dialects/known_dialects.h"
#include "oracle/reference/witnesses/case_builder.h"

namespace eptdiff {
namespace {

// A read of 1234H at 9234H, whose page is then another, and a read again.
CaseBuilder Moved() {
  return Walk4().Read(0x1234).Store(0x4008, 0xa037).Read(0x1234);
}

// What it says of itself, and what it does.
class Fake final : public Oracle {
 public:
  Fake(bool says_that_it_keeps, Manner manner)
      : keeps_(says_that_it_keeps), answers_(Dialect(), manner) {}

  std::string_view name() const override { return "fake"; }
  bool keeps_translations() const override { return keeps_; }
  Skip Enter(const MachineState& state, Outcome& outcome) override {
    return answers_.Enter(state, outcome);
  }
  Skip Perform(const MachineState& state, const Step& step,
               Outcome& outcome) override {
    return answers_.Perform(state, step, outcome);
  }

 private:
  const bool keeps_;
  DialectOracle answers_;
};

class KeptTrial : public testing::Test {
 protected:
  KeptTrial() {
    trial_.set_observer([this](const StepReport& report) {
      if (report.oracle == 0) kept_ = report.outcome;
      if (report.oracle == 1) fresh_ = report.outcome;
    });
  }

  static std::uint64_t AddressOf(const Outcome& outcome) {
    return outcome.event.translations[0].address.value;
  }

  DialectOracle keeper_{Dialect(), Manner::kKept};
  DialectOracle reader_{Dialect()};
  Trial trial_;
  Outcome kept_;
  Outcome fresh_;
};

// With the whole verdict, and by memory first: nobody is judged otherwise.
class KeptTrialTest : public KeptTrial,
                      public testing::WithParamInterface<bool> {
 protected:
  KeptTrialTest() { trial_.set_memory_first(GetParam()); }
};
INSTANTIATE_TEST_SUITE_P(MemoryFirst, KeptTrialTest, testing::Bool());

TEST_P(KeptTrialTest, EachIsJudgedByWhetherItKeeps) {
  trial_.Add(keeper_, Dialect());
  trial_.Add(reader_, Dialect());
  const auto& standings = trial_.Run(Moved().Build());
  EXPECT_FALSE(standings[0].disagrees);
  EXPECT_FALSE(standings[1].disagrees);
  EXPECT_EQ(standings[0].compared, 4u);
  EXPECT_EQ(standings[1].compared, 4u);
  EXPECT_EQ(AddressOf(kept_), 0x9234u);
  EXPECT_EQ(AddressOf(fresh_), 0xa234u);
}

// The verdict of a keeper serves nobody else.
TEST_P(KeptTrialTest, StaleAnswersAreForKeepersAlone) {
  Fake secretive{false, Manner::kKept};
  trial_.Add(keeper_, Dialect());
  trial_.Add(secretive, Dialect());
  const auto& standings = trial_.Run(Moved().Build());
  EXPECT_FALSE(standings[0].disagrees);
  EXPECT_TRUE(standings[1].disagrees);
  EXPECT_EQ(standings[1].step, 3u);
  EXPECT_EQ(AddressOf(fresh_), 0x9234u);
}

TEST_P(KeptTrialTest, WhatOughtToHaveEndedIsNoAnswer) {
  DialectOracle never_ends{*FindDialect("CACHE-6/single-ends-nothing"),
                           Manner::kKept};
  trial_.Add(keeper_, Dialect());
  trial_.Add(never_ends, Dialect());
  const Case c = Walk4()
                     .Read(0x1234)
                     .Store(0x4008, 0xa037)
                     .Invept(1, 0x101e)
                     .Read(0x1234)
                     .Build();
  const auto& standings = trial_.Run(c);
  EXPECT_FALSE(standings[0].disagrees);
  EXPECT_EQ(AddressOf(kept_), 0xa234u);
  EXPECT_TRUE(standings[1].disagrees);
  EXPECT_EQ(standings[1].step, 4u);
  EXPECT_EQ(AddressOf(fresh_), 0x9234u);
}

// Who kept the dirty flag writes nothing; who did not writes it again.
TEST_P(KeptTrialTest, KeepersPartWhereTheirAnswersDo) {
  trial_.Add(keeper_, Dialect());
  trial_.Add(reader_, Dialect());
  const Case c = Walk4()
                     .AccessedDirty()
                     .Write(0x1234)
                     .Store(0x4008, 0x9037)
                     .Write(0x1234)
                     .Store(0x4008, 0xa037)
                     .Write(0x1234)
                     .Build();
  const auto& standings = trial_.Run(c);
  for (const Standings& one : standings) {
    EXPECT_FALSE(one.disagrees);
    EXPECT_EQ(one.compared, 6u);
  }
  EXPECT_TRUE(kept_.writes.empty());
  EXPECT_FALSE(fresh_.writes.empty());
}

// By memory first, what else might have been kept is looked for only where the
// answer does not fit.
TEST_F(KeptTrial, MemoryFirstIsAllThereIsWhereItFits) {
  DialectOracle keeper{Dialect(), Manner::kKept};
  Fake forgetful{true, Manner::kPlain};
  trial_.Add(forgetful, Dialect());
  trial_.Add(keeper, Dialect());
  trial_.set_memory_first(true);
  std::size_t alternatives[2] = {};
  trial_.set_observer([&](const StepReport& report) {
    alternatives[report.oracle] = report.verdict.alternatives.size();
  });
  trial_.Run(Moved().Build());
  EXPECT_EQ(alternatives[0], 1u);
  EXPECT_EQ(alternatives[1], 2u);
  trial_.set_memory_first(false);
  trial_.Run(Moved().Build());
  EXPECT_EQ(alternatives[0], 2u);
}

// Whatever is not followed is skipped by that name, and the reader beside it is
// judged to the end.
class KeptLimitsTest : public KeptTrial {
 protected:
  void ExpectSkipped(const CaseBuilder& builder, std::string_view words) {
    const Case c = builder.Build();
    std::string_view said;
    trial_.Add(empty_, Dialect());
    trial_.Add(reader_, Dialect());
    trial_.Add(keeper_, Dialect());
    trial_.set_observer([&](const StepReport& report) {
      if (report.oracle == 0) said = report.verdict.unmodelled;
    });
    const auto& standings = trial_.Run(c);
    EXPECT_EQ(standings[0].skip, Skip::kTooManyWays);
    EXPECT_EQ(standings[0].step, c.steps.size());
    EXPECT_EQ(standings[0].compared, c.steps.size());
    EXPECT_FALSE(standings[0].disagrees);
    EXPECT_EQ(said, words);
    EXPECT_EQ(standings[1].skip, Skip::kNone);
    EXPECT_EQ(standings[1].compared, c.steps.size() + 1);
    EXPECT_EQ(standings[2].skip, Skip::kTooManyWays);
  }

  Fake empty_{true, Manner::kPlain};
};

TEST_F(KeptLimitsTest, MoreStepsThanAreRemembered) {
  CaseBuilder builder = Walk4();
  for (std::size_t i = 0; i < History::kMaxMoments; ++i) builder.Read(0x1234);
  ExpectSkipped(builder, "more steps than are remembered");
}

// Two pages, of ten addresses each.
TEST_F(KeptLimitsTest, MoreAnswersThanAreKept) {
  CaseBuilder builder = Walk4().Word(0x4010, 0x80037);
  for (std::uint64_t i = 1; i < 10; ++i) {
    builder.Store(0x4008, 0x9037 + (i << 20));
    builder.Store(0x4010, 0x80037 + (i << 20));
  }
  ExpectSkipped(builder.Read(0x1fff, 2),
                "more permitted answers than are kept");
}

// The entries change only in bits that are ignored, so that there is but one
// answer, in very many ways.
TEST_F(KeptLimitsTest, MoreWaysThanAreLookedAt) {
  CaseBuilder builder = Walk4();
  for (std::uint64_t i = 1; i < 13; ++i) {
    builder.Store(0x1000, 0x2007 | i << 52);
    builder.Store(0x2000, 0x3007 | i << 52);
    builder.Store(0x3000, 0x4007 | i << 52);
    builder.Store(0x4008, 0x9037 | i << 52);
  }
  ExpectSkipped(builder.Read(0x1234),
                "more ways to have kept translations than are looked at");
}

}  // namespace
}  // namespace eptdiff
