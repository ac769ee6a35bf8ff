#include "oracle/judgement/trial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "oracle/judgement/permitted.h"
#include "oracle/reference/dialects/known_dialects.h"
#include "oracle/reference/reference.h"
#include "oracle/reference/witnesses/case_builder.h"

namespace eptdiff {
namespace {

// An oracle that answers what the SDM permits, until it is told otherwise.
class FakeOracle : public Oracle {
 public:
  explicit FakeOracle(std::string name) : name_(std::move(name)) {}

  std::string_view name() const override { return name_; }
  bool models_entry() const override { return models_entry_; }

  Skip Enter(const MachineState& state, Outcome& outcome) override {
    step_ = 0;
    reference_.JudgeEntry(state, verdict_, trace_);
    outcome = PlainOutcome(verdict_.alternatives[0], state);
    return enter_skip_;
  }

  Skip Perform(const MachineState& state, const Step& step,
               Outcome& outcome) override {
    ++step_;
    if (step_ == skipped_step_) return skip_;
    reference_.Judge(state, step, verdict_, trace_);
    if (verdict_.standing == Standing::kJudged) {
      const bool all = sets_optional_ && step_ == 1 &&
                       !verdict_.alternatives[0].optional.empty();
      outcome = PermittedOutcomes(verdict_, state)[all ? 1 : 0];
    } else {
      outcome = {};
    }
    if (twist_) twist_(step_, outcome);
    return Skip::kNone;
  }

  // The steps that it was asked in the last case.
  std::size_t asked() const { return step_; }

  FakeOracle& Skips(std::size_t step, Skip skip = Skip::kAsynchronous) {
    skipped_step_ = step;
    skip_ = skip;
    return *this;
  }
  FakeOracle& SkipsCases() {
    enter_skip_ = Skip::kMaxphyaddr;
    return *this;
  }
  FakeOracle& DoesNotModelEntry() {
    models_entry_ = false;
    return *this;
  }
  // Does all optional writes of step 1.
  FakeOracle& SetsOptionalFlags() {
    sets_optional_ = true;
    return *this;
  }
  // Changes the answer to a step.
  FakeOracle& Twists(std::function<void(std::size_t, Outcome&)> twist) {
    twist_ = std::move(twist);
    return *this;
  }

 private:
  std::string name_;
  Reference reference_;
  Verdict verdict_;
  Trace trace_;
  std::size_t step_ = 0;
  std::size_t skipped_step_ = 0;
  Skip skip_ = Skip::kNone;
  Skip enter_skip_ = Skip::kNone;
  bool models_entry_ = true;
  bool sets_optional_ = false;
  std::function<void(std::size_t, Outcome&)> twist_;
};

Dialect With(std::string_view alteration) { return *FindDialect(alteration); }

// Three reads of an execute-only page: an EPT violation each time, and the
// accessed flags may be set or not.
Case Violations() {
  return Walk4()
      .AccessedDirty()
      .Pte(0x9034)
      .Read(0x1234)
      .Read(0x1234)
      .Read(0x1234)
      .Build();
}

// What the observer saw of one judged step.
struct Seen {
  std::size_t oracle;
  std::size_t step;
  const MachineState* before;
  const Verdict* verdict;
  std::uint64_t pml4e;  // of the cases above, before the step
};

class TrialTest : public testing::Test {
 protected:
  TrialTest() {
    trial_.set_observer([this](const StepReport& report) {
      seen_.push_back({report.oracle, report.step, &report.before,
                       &report.verdict, report.before.memory.Load({0x1000})});
    });
  }

  const Seen& SeenBy(std::size_t oracle, std::size_t step) const {
    static const Seen kNothing = {};
    for (const Seen& seen : seen_) {
      if (seen.oracle == oracle && seen.step == step) return seen;
    }
    ADD_FAILURE() << "oracle " << oracle << " was not judged at step " << step;
    return kNothing;
  }

  FakeOracle a_{"a"};
  FakeOracle b_{"b"};
  FakeOracle c_{"c"};
  Trial trial_;
  std::vector<Seen> seen_;
};

TEST_F(TrialTest, AgreeingOraclesAreJudgedToTheEnd) {
  trial_.Add(a_, Dialect());
  trial_.Add(b_, Dialect());
  for (const Standings& standings : trial_.Run(Violations())) {
    EXPECT_FALSE(standings.disagrees);
    EXPECT_FALSE(standings.undefined);
    EXPECT_EQ(standings.skip, Skip::kNone);
    EXPECT_EQ(standings.compared, 4u);
  }
  EXPECT_EQ(SeenBy(0, 3).before, SeenBy(1, 3).before);
  EXPECT_EQ(SeenBy(0, 3).verdict, SeenBy(1, 3).verdict);
}

TEST_F(TrialTest, WithoutOraclesNothingHappens) {
  EXPECT_TRUE(trial_.Run(Violations()).empty());
}

TEST_F(TrialTest, DisagreementStopsTheJudgementOfThatOracleAlone) {
  a_.Twists([](std::size_t step, Outcome& outcome) {
    if (step == 2) outcome.event.qualification ^= 1 << 5;
  });
  trial_.Add(a_, Dialect());
  trial_.Add(b_, Dialect());
  const auto& standings = trial_.Run(Violations());
  EXPECT_TRUE(standings[0].disagrees);
  EXPECT_EQ(standings[0].step, 2u);
  EXPECT_EQ(standings[0].compared, 3u);
  EXPECT_EQ(SignatureOf("a", standings[0].finding),
            "eptdiff-a-qualification5-QUAL-5-none");
  ASSERT_NE(standings[0].verdict, nullptr);
  EXPECT_FALSE(standings[0].verdict->alternatives.empty());
  EXPECT_EQ(standings[0].outcome.event.qualification & 0x20, 0u);
  EXPECT_EQ(a_.asked(), 2u);
  EXPECT_FALSE(standings[1].disagrees);
  EXPECT_EQ(standings[1].compared, 4u);
}

// What a write leaves is what the next step meets; a lost one is noticed there
// at the latest.
TEST_F(TrialTest, EffectsAreCarriedOut) {
  trial_.Add(a_, Dialect());
  const Case c = Walk4()
                     .AccessedDirty()
                     .Pml(1)
                     .Write(0x1234)
                     .Store(0x4008, 0x9037)
                     .Write(0x1234)
                     .Store(0x4008, 0x9037)
                     .Write(0x1234)
                     .Build();
  Outcome last;
  trial_.set_observer([&](const StepReport& report) { last = report.outcome; });
  EXPECT_EQ(trial_.Run(c)[0].compared, 6u);
  EXPECT_EQ(last.event.exit_reason, 62) << "two entries fill the log";
}

TEST_F(TrialTest, OraclesInDifferentStatesAreJudgedApart) {
  b_.SetsOptionalFlags();
  c_.SetsOptionalFlags();
  trial_.Add(a_, Dialect());
  trial_.Add(b_, Dialect());
  trial_.Add(c_, Dialect());
  for (const Standings& standings : trial_.Run(Violations())) {
    EXPECT_EQ(standings.compared, 4u);
    EXPECT_FALSE(standings.disagrees);
  }
  EXPECT_EQ(SeenBy(0, 1).before, SeenBy(1, 1).before);
  for (std::size_t step : {2, 3}) {
    EXPECT_EQ(SeenBy(0, step).pml4e, 0x2007u);
    EXPECT_EQ(SeenBy(1, step).pml4e, 0x2107u);
    EXPECT_EQ(SeenBy(2, step).pml4e, 0x2107u);
    EXPECT_NE(SeenBy(0, step).verdict, SeenBy(1, step).verdict);
    EXPECT_EQ(SeenBy(1, step).before, SeenBy(2, step).before);
    EXPECT_EQ(SeenBy(1, step).verdict, SeenBy(2, step).verdict);
  }
}

TEST_F(TrialTest, WhatTheSdmAnswersIsNoErrorOfTheCaller) {
  trial_.Add(a_, Dialect());
  for (const Skip skip : {Skip::kCallerError, Skip::kEptOff}) {
    a_.Skips(2, skip);
    const auto& standings = trial_.Run(Violations());
    EXPECT_EQ(standings[0].skip, skip);
    EXPECT_EQ(standings[0].step, 2u);
    EXPECT_TRUE(standings[0].disagrees);
  }
}

TEST_F(TrialTest, APanicIsASkipAndAFinding) {
  a_.Skips(2, Skip::kPanic);
  trial_.Add(a_, Dialect());
  trial_.Add(b_, Dialect());
  const auto& standings = trial_.Run(Violations());
  EXPECT_EQ(standings[0].skip, Skip::kPanic);
  EXPECT_EQ(standings[0].step, 2u);
  EXPECT_EQ(standings[0].compared, 2u);
  EXPECT_TRUE(standings[0].disagrees);
  EXPECT_NE(standings[0].verdict, nullptr);
  EXPECT_EQ(SignatureOf("a", standings[0].finding),
            "eptdiff-a-panic-VIO-2-PTE");
  EXPECT_EQ(a_.asked(), 2u);
  EXPECT_FALSE(standings[1].disagrees);
  EXPECT_EQ(standings[1].compared, 4u);
}

TEST_F(TrialTest, AStateOutlivesTheOracleThatLedIt) {
  a_.Skips(2);
  b_.SetsOptionalFlags();
  trial_.Add(a_, Dialect());
  trial_.Add(b_, Dialect());
  trial_.Add(c_, Dialect());
  const auto& standings = trial_.Run(Violations());
  EXPECT_EQ(standings[0].skip, Skip::kAsynchronous);
  EXPECT_FALSE(standings[0].disagrees);
  EXPECT_EQ(standings[0].step, 2u);
  EXPECT_EQ(standings[0].compared, 2u);
  EXPECT_EQ(standings[1].compared, 4u);
  EXPECT_EQ(standings[2].compared, 4u);
  EXPECT_EQ(SeenBy(1, 3).pml4e, 0x2107u);
  EXPECT_EQ(SeenBy(2, 3).pml4e, 0x2007u) << "c stays where a was";
}

TEST_F(TrialTest, AnOracleMayRefuseACase) {
  a_.SkipsCases();
  trial_.Add(a_, Dialect());
  trial_.Add(b_, Dialect());
  const auto& standings = trial_.Run(Violations());
  EXPECT_EQ(standings[0].skip, Skip::kMaxphyaddr);
  EXPECT_EQ(standings[0].compared, 0u);
  EXPECT_EQ(a_.asked(), 0u);
  EXPECT_EQ(standings[1].compared, 4u);
}

TEST_F(TrialTest, NothingIsJudgedAfterAnAlias) {
  a_.Twists([](std::size_t, Outcome& outcome) {
    outcome.event.kind = EventKind::kPageFault;  // as good as any
  });
  trial_.Add(a_, Dialect());
  const Case c = Walk4()
                     .AccessedDirty()
                     .Pml(1)
                     .With([](Case& c) { c.controls.pml_address = 0x4000; })
                     .Write(0x1234)
                     .Read(0x1234)
                     .Build();
  const auto& standings = trial_.Run(c);
  EXPECT_TRUE(standings[0].undefined);
  EXPECT_FALSE(standings[0].disagrees);
  EXPECT_EQ(standings[0].step, 1u);
  EXPECT_EQ(standings[0].compared, 1u);
  EXPECT_EQ(a_.asked(), 1u);
}

TEST_F(TrialTest, AfterAFailedEntryThereIsNoGuest) {
  trial_.Add(a_, Dialect());
  const auto& standings = trial_.Run(Walk4().Eptp(0x1019).Read(0x1234).Build());
  EXPECT_FALSE(standings[0].disagrees);
  EXPECT_EQ(standings[0].skip, Skip::kNone);
  EXPECT_EQ(standings[0].compared, 1u);
  EXPECT_EQ(a_.asked(), 0u);
}

TEST_F(TrialTest, FailedEntryThatAnOracleDoesNotSeeIsDisagreement) {
  class AlwaysEnters : public FakeOracle {
   public:
    using FakeOracle::FakeOracle;
    Skip Enter(const MachineState& state, Outcome& outcome) override {
      outcome = {};
      outcome.registers = RegistersOf(state);
      return Skip::kNone;
    }
  };
  AlwaysEnters oracle("a");
  trial_.Add(oracle, Dialect());
  const auto& standings = trial_.Run(Walk4().Eptp(0x1019).Build());
  EXPECT_TRUE(standings[0].disagrees);
  EXPECT_EQ(standings[0].step, 0u);
  EXPECT_EQ(SignatureOf("a", standings[0].finding),
            "eptdiff-a-event-EPTP-1-none");
}

TEST_F(TrialTest, AnOracleWithoutEntrySkipsWhatEntryRefuses) {
  a_.DoesNotModelEntry();
  trial_.Add(a_, Dialect());
  EXPECT_EQ(trial_.Run(Walk4().Eptp(0x1019).Read(0x1234).Build())[0].skip,
            Skip::kVmEntryNotModelled);
  EXPECT_EQ(a_.asked(), 0u);
  const auto& standings = trial_.Run(Violations());
  EXPECT_EQ(standings[0].skip, Skip::kNone);
  EXPECT_EQ(standings[0].compared, 3u) << "the steps, but not the entry";
}

TEST_F(TrialTest, WhatNobodyCanBeAskedIsSkipped) {
  constexpr std::uint64_t kNotCanonical = std::uint64_t{1} << 63;
  trial_.Add(a_, Dialect());
  const auto off = [](Case& c) { c.controls.secondary = 0; };
  EXPECT_EQ(trial_.Run(Walk4().With(off).Read(0x1234).Build())[0].skip,
            Skip::kCallerError);
  EXPECT_EQ(trial_.Run(Walk4().Read(std::uint64_t{1} << 52).Build())[0].skip,
            Skip::kCallerError);
  EXPECT_EQ(
      trial_.Run(Walk4().Linear(AccessKind::kRead, kNotCanonical).Build())[0]
          .skip,
      Skip::kCallerError);
}

// unmodelled.def: no oracle is asked, and the observer hears why.
TEST_F(TrialTest, WhatNobodyModelsIsSkippedByItsName) {
  trial_.Add(a_, Dialect());
  trial_.Add(b_, With("CFG-9/off"));
  const auto seam = [](Case& c) {
    c.controls.primary |= 1 << 17;
    c.controls.tertiary |= 1 << 5;
  };
  for (const Standings& standings :
       trial_.Run(Walk4().With(seam).Read(0x1234).Build())) {
    EXPECT_EQ(standings.skip, Skip::kSeam);
    EXPECT_EQ(standings.step, 1u);
    EXPECT_EQ(standings.compared, 1u) << "the entry";
    EXPECT_FALSE(standings.disagrees);
  }
  EXPECT_EQ(a_.asked(), 0u);
  EXPECT_EQ(SeenBy(0, 1).verdict->standing, Standing::kNotModelled);
  EXPECT_EQ(SeenBy(0, 1).verdict->unmodelled, WordsOf(Skip::kSeam));
}

TEST_F(TrialTest, WhatABuilderIsAskedIsSkippedWhole) {
  trial_.Add(a_, Dialect());
  trial_.Add(b_, Dialect());
  Case c = Walk4().Read(0x1234).Build();
  Step& step = c.steps.emplace_back();
  step.kind = StepKind::kTableOperation;
  for (const Standings& standings : trial_.Run(c)) {
    EXPECT_EQ(standings.skip, Skip::kTableOperation);
    EXPECT_EQ(standings.compared, 0u);
  }
}

// A dialect whose alterations change no answer gives the SDM's own verdict,
// and that is not computed twice.
TEST_F(TrialTest, AVerdictThatNoAlterationTouchedServesAll) {
  trial_.Add(a_, Dialect());
  trial_.Add(b_, With("CFG-9/off"));
  for (const Standings& standings : trial_.Run(Violations())) {
    EXPECT_FALSE(standings.disagrees);
  }
  for (std::size_t step = 0; step <= 3; ++step) {
    EXPECT_EQ(SeenBy(0, step).verdict, SeenBy(1, step).verdict);
  }
}

TEST_F(TrialTest, EachOracleIsJudgedInItsDialect) {
  trial_.Add(a_, Dialect());
  trial_.Add(b_, With("CFG-1/off"));
  trial_.Add(c_, Dialect());
  const auto& standings = trial_.Run(Walk4().Pte(0x9032).Read(0x1234).Build());
  EXPECT_FALSE(standings[0].disagrees);
  EXPECT_TRUE(standings[1].disagrees) << "it follows the SDM, not its dialect";
  EXPECT_FALSE(standings[2].disagrees);
  EXPECT_EQ(SeenBy(0, 0).verdict, SeenBy(1, 0).verdict);
  EXPECT_NE(SeenBy(0, 1).verdict, SeenBy(1, 1).verdict);
  EXPECT_EQ(SeenBy(0, 1).verdict, SeenBy(2, 1).verdict);
}

TEST_F(TrialTest, ACaseLeavesNothingToTheNext) {
  a_.Twists([](std::size_t, Outcome& outcome) { outcome.event.gpa.value = 0; });
  trial_.Add(a_, Dialect());
  EXPECT_TRUE(trial_.Run(Violations())[0].disagrees);
  a_.Twists({});
  const Standings& again = trial_.Run(Violations())[0];
  EXPECT_FALSE(again.disagrees);
  EXPECT_EQ(again.verdict, nullptr);
  EXPECT_EQ(again.compared, 4u);
  EXPECT_EQ(SeenBy(0, 1).pml4e, 0x2007u);
}

}  // namespace
}  // namespace eptdiff
