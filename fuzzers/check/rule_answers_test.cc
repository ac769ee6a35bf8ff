// What is said of rules, of an oracle whose mistakes are known.
#include "fuzzers/check/rule_answers.h"

#include <memory>
#include <string>
#include <string_view>

#include "fuzzers/check/declared_rules.h"
#include "fuzzers/check/known_departures.h"
#include "fuzzers/check/proven_rules.h"
#include "gtest/gtest.h"
#include "oracle/judgement/dialect_oracle.h"
#include "oracle/judgement/trial.h"
#include "oracle/reference/dialects/known_dialects.h"
#include "oracle/reference/witnesses/witnesses.h"
#include "oracle/target/profile/profile.h"

namespace eptdiff {
namespace {

TEST(RuleAnswersTest, AnAnswerCountsOnceForARuleAndOnceForEachSituation) {
  RulePlaces consequences;
  consequences.Add(RulePlace{Rule::kCfg9, 2, false}.number());
  consequences.Add(RulePlace{Rule::kCfg9, 2, true}.number());
  consequences.Add(RulePlace{Rule::kAd1, 0, false}.number());
  const auto answers = std::make_unique<RuleAnswers>();
  const Step step;
  const GuestPagingMode mode = GuestPagingMode::kPae;
  answers->Agree(mode, &step, consequences);
  EXPECT_EQ(answers->Of(Rule::kCfg9).agreeing, 1u);
  EXPECT_EQ(answers->At(Rule::kCfg9, mode, 2).agreeing, 1u);
  EXPECT_EQ(answers->At(Rule::kCfg9, mode, 6 + 2).agreeing, 1u);
  EXPECT_EQ(answers->At(Rule::kAd1, mode, 6).agreeing, 1u);
  constexpr Rule kAtFault[] = {Rule::kCfg9, Rule::kCfg9};
  answers->Disagree(kAtFault, mode, &step, consequences);
  EXPECT_EQ(answers->Of(Rule::kCfg9).disagreeing, 1u);
  EXPECT_EQ(answers->At(Rule::kCfg9, mode, 2).disagreeing, 1u);
  EXPECT_FALSE(answers->At(Rule::kCfg9, GuestPagingMode::kNone, 2).any());
  EXPECT_EQ(answers->Of(Rule::kCfg9).obscured, 0u);
  // Of another rule that answer shows nothing, but it came up.
  EXPECT_EQ(answers->Of(Rule::kAd1).agreeing, 1u);
  EXPECT_EQ(answers->Of(Rule::kAd1).disagreeing, 0u);
  EXPECT_EQ(answers->Of(Rule::kAd1).obscured, 1u);
  EXPECT_EQ(answers->At(Rule::kAd1, mode, 6).obscured, 1u);
}

TEST(RuleAnswersTest, AProcessorsAccessToAGuestEntryIsOneWhateverTheTraceSays) {
  RulePlaces consequences;
  consequences.Add(RulePlace{Rule::kVio3, 1, false}.number());
  consequences.Add(RulePlace{Rule::kVio3, 1, true}.number());
  Step step;
  step.kind = StepKind::kPagingStructureRead;
  const auto answers = std::make_unique<RuleAnswers>();
  answers->Agree(GuestPagingMode::kNone, &step, consequences);
  EXPECT_EQ(answers->At(Rule::kVio3, GuestPagingMode::kNone, 1).agreeing, 1u);
  EXPECT_FALSE(answers->At(Rule::kVio3, GuestPagingMode::kNone, 7).any());
}

// Of the witnesses, how many show alteration number `i` of this dialect that an
// oracle in this dialect has; and that only what the SDM forbids shows any.
std::size_t Shown(const std::string& name, std::size_t i) {
  const Dialect dialect = FindDialect(name).value();
  DialectOracle oracle(dialect);
  KnownDepartures known(dialect, oracle.fields());
  Trial trial;
  trial.Add(oracle, dialect);
  std::size_t shown = 0;
  for (const NamedCase& witness : Witnesses()) {
    trial.set_observer([&](const StepReport& report) {
      const Step* step =
          report.step == 0 ? nullptr : &witness.c.steps[report.step - 1];
      const auto* found = known.Find(report, step);
      if (found == nullptr) return;
      for (const std::size_t alteration : found->alterations) {
        shown += alteration == i ? 1 : 0;
      }
    });
    trial.Run(witness.c);
  }
  return shown;
}

TEST(KnownDeparturesTest, AnAnswerShowsWhatItNeedsToBeExplained) {
  EXPECT_GT(Shown("CFG-9/off", 0), 0u);
  EXPECT_EQ(Shown("CFG-8/off,CFG-9/off", 0), Shown("CFG-8/off", 0));
  EXPECT_EQ(Shown("CFG-8/off,CFG-9/off", 1), Shown("CFG-9/off", 0));
}

// An oracle in the SDM itself that does not know memory types.
class Silent final : public Oracle {
 public:
  std::string_view name() const override { return "silent"; }
  FieldSet fields() const override {
    return kAllFields & ~SetOf(Field::kMemoryType) &
           ~SetOf(Field::kStructureMemoryType);
  }
  Skip Enter(const MachineState& state, Outcome& outcome) override {
    return oracle_.Enter(state, outcome);
  }
  Skip Perform(const MachineState& state, const Step& step,
               Outcome& outcome) override {
    return oracle_.Perform(state, step, outcome);
  }

 private:
  DialectOracle oracle_{Dialect()};
};

TEST(ProvenRulesTest, WhatIsNotFilledInProvesNothing) {
  DialectOracle right((Dialect()));
  Silent silent;
  ProvenRules of_right(right);
  ProvenRules of_silent(silent);
  for (const NamedCase& witness : Witnesses()) {
    of_right.Add(witness.c);
    of_silent.Add(witness.c);
  }
  EXPECT_TRUE(of_right.Has(Rule::kMt5));
  EXPECT_FALSE(of_silent.Has(Rule::kMt5));
  EXPECT_TRUE(of_silent.Has(Rule::kCfg9));
}

TEST(ProvenRulesTest, AWrongAnswerProvesNothingAndARightOneItsRule) {
  const Dialect wrong = FindDialect("CFG-9/off").value();
  DialectOracle right_oracle((Dialect()));
  DialectOracle wrong_oracle(wrong);
  ProvenRules of_right(right_oracle);
  ProvenRules of_wrong(wrong_oracle);
  EXPECT_FALSE(of_right.Has(Rule::kCfg9));
  for (const NamedCase& witness : Witnesses()) {
    of_right.Add(witness.c);
    of_wrong.Add(witness.c);
  }
  EXPECT_TRUE(of_right.Has(Rule::kCfg9));
  EXPECT_TRUE(of_right.Has(Rule::kCfg8));
  EXPECT_TRUE(of_wrong.Has(Rule::kCfg8));
}

// It says that it keeps translations, and answers by memory.
class Forgetful final : public Oracle {
 public:
  std::string_view name() const override { return "forgetful"; }
  bool keeps_translations() const override { return true; }
  Skip Enter(const MachineState& state, Outcome& outcome) override {
    return oracle_.Enter(state, outcome);
  }
  Skip EnterAgain(const MachineState& state, const Step& step,
                  Outcome& outcome) override {
    return oracle_.EnterAgain(state, step, outcome);
  }
  Skip Perform(const MachineState& state, const Step& step,
               Outcome& outcome) override {
    return oracle_.Perform(state, step, outcome);
  }

 private:
  DialectOracle oracle_{Dialect()};
};

// What is asked of a keeper first leaves out nothing that an answer refutes.
TEST(ProvenRulesTest, TheSameAnswersProveTheSameOfAKeeper) {
  DialectOracle right((Dialect()));
  Forgetful forgetful;
  ProvenRules of_right(right);
  ProvenRules of_forgetful(forgetful);
  for (const NamedCase& witness : Witnesses()) {
    if (witness.keeps()) continue;
    of_right.Add(witness.c);
    of_forgetful.Add(witness.c);
  }
  for (const RuleInfo& rule : kRules) {
    if (rule.identifier.starts_with("CACHE-")) continue;
    EXPECT_EQ(of_forgetful.Has(rule.rule), of_right.Has(rule.rule))
        << rule.identifier;
  }
}

// What ends a translation is proved by not giving it again.
TEST(ProvenRulesTest, AKeeperProvesWhatItMayNotKeep) {
  DialectOracle keeper(Dialect(), Manner::kKept);
  DialectOracle forgetful((Dialect()));
  ProvenRules of_keeper(keeper);
  ProvenRules of_forgetful(forgetful);
  for (const NamedCase& witness : Witnesses()) {
    if (!witness.keeps()) continue;
    of_keeper.Add(witness.c);
    of_forgetful.Add(witness.c);
  }
  for (const Rule rule :
       {Rule::kCache1, Rule::kCache2, Rule::kCache3, Rule::kCache4,
        Rule::kCache5, Rule::kCache6, Rule::kCache7, Rule::kCache8,
        Rule::kCache9, Rule::kCache10, Rule::kCache11, Rule::kCache12,
        Rule::kCache14, Rule::kCache15}) {
    EXPECT_TRUE(of_keeper.Has(rule)) << IdentifierOf(rule);
    EXPECT_FALSE(of_forgetful.Has(rule)) << IdentifierOf(rule);
  }
}

TEST(DeclaredRulesTest, AProfileDeclaresWhatItsFeaturesAndFieldsShow) {
  eptdiff_profile profile = BlankProfile();
  profile.models = EPTDIFF_MODELS_4_LEVELS;
  EXPECT_TRUE(Declares(profile, Rule::kCfg9));
  EXPECT_TRUE(Declares(profile, Rule::kQual9));
  EXPECT_FALSE(Declares(profile, Rule::kQual6)) << "no MBEC";
  EXPECT_FALSE(Declares(profile, Rule::kPml2));
  EXPECT_FALSE(Declares(profile, Rule::kGw7));
  EXPECT_TRUE(Declares(profile, Rule::kMt5));
  EXPECT_TRUE(Declares(profile, Rule::kInfo2)) << "of misconfigurations";
  profile.fills &= ~(EPTDIFF_FILLS_MEMORY_TYPE | EPTDIFF_FILLS_QUALIFICATION);
  EXPECT_FALSE(Declares(profile, Rule::kMt5));
  EXPECT_FALSE(Declares(profile, Rule::kQual9));
  EXPECT_FALSE(Declares(profile, Rule::kInfo2));
  EXPECT_FALSE(Declares(profile, Rule::kCache3));
  EXPECT_FALSE(Declares(profile, Rule::kCache13));
  profile.models |= EPTDIFF_MODELS_INVALIDATION;
  EXPECT_FALSE(Declares(profile, Rule::kCache6)) << "it keeps nothing";
  EXPECT_TRUE(Declares(profile, Rule::kCache13));
  profile.models |= EPTDIFF_MODELS_CACHES;
  EXPECT_TRUE(Declares(profile, Rule::kCache6));
  EXPECT_FALSE(Declares(profile, Rule::kCache12)) << "no page faults";
  profile.models |= EPTDIFF_MODELS_LINEAR_PAE;
  EXPECT_TRUE(Declares(profile, Rule::kGw7));
  EXPECT_FALSE(Declares(profile, Rule::kGw4));
  EXPECT_TRUE(Declares(profile, Rule::kCache12));
}

TEST(DeclaredRulesTest, WhatIsLeftToHardwareAndWhatIsNotKeptAreNotDeclared) {
  eptdiff_profile profile = BlankProfile();
  profile.models = EPTDIFF_MODELS_4_LEVELS | EPTDIFF_MODELS_CACHES |
                   EPTDIFF_MODELS_LINEAR_4_LEVEL | EPTDIFF_MODELS_INVALIDATION;
  profile.leaves = EPTDIFF_LEAVES_EPT_RESERVED_BITS;
  EXPECT_FALSE(Declares(profile, Rule::kCfg9));
  EXPECT_TRUE(Declares(profile, Rule::kCfg1));
  EXPECT_TRUE(Declares(profile, Rule::kCache4));
  EXPECT_TRUE(Declares(profile, Rule::kCache7));
  EXPECT_TRUE(Declares(profile, Rule::kCache12));
  profile.keeps = EPTDIFF_KEEPS_COMBINED;
  EXPECT_FALSE(Declares(profile, Rule::kCache4));
  EXPECT_FALSE(Declares(profile, Rule::kCache7)) << "no VPIDs";
  EXPECT_TRUE(Declares(profile, Rule::kCache12));
  profile.keeps = EPTDIFF_KEEPS_GUEST_PHYSICAL;
  EXPECT_FALSE(Declares(profile, Rule::kCache12));
  EXPECT_TRUE(Declares(profile, Rule::kCache6));
}

TEST(DeclaredRulesTest, ASituationNeedsItsPagingModeAndItsLevels) {
  eptdiff_profile profile = BlankProfile();
  profile.models = EPTDIFF_MODELS_4_LEVELS | EPTDIFF_MODELS_LINEAR_PAE;
  const auto pae = GuestPagingMode::kPae;
  const auto four = GuestPagingMode::kFourLevel;
  EXPECT_TRUE(CanMeet(profile, Rule::kCfg9, pae, true, 2));
  EXPECT_FALSE(CanMeet(profile, Rule::kCfg9, four, true, 2));
  EXPECT_TRUE(CanMeet(profile, Rule::kCfg9, four, false, 2));
  EXPECT_FALSE(CanMeet(profile, Rule::kCfg5, four, false, 5));
  EXPECT_FALSE(CanMeet(profile, Rule::kGw7, four, false, 2));
}

}  // namespace
}  // namespace eptdiff
