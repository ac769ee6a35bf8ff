#include "oracle/diagnosis/diagnosis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "oracle/engine/engine_oracle.h"
#include "oracle/judgement/dialect_oracle.h"
#include "oracle/reference/dialects/known_dialects.h"
#include "oracle/reference/witnesses/case_builder.h"

namespace eptdiff {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

// A 1-GByte page with these bits set in its PDPTE.
Case GigabytePage(std::uint64_t bits) {
  return Walk4().Pdpte(0x40000087 | bits | 6 << 3).Read(0x1234).Build();
}
Case Read() { return Walk4().Read(0x1234).Build(); }
Case ReadOnlyWrite() { return Walk4().Pte(0x9031).Write(0x1234).Build(); }
Case ExecuteOnly() { return Walk4().Pte(0x9034).Fetch(0x1234).Build(); }

std::vector<std::string_view> Names(const Explanation& explanation) {
  std::vector<std::string_view> names;
  for (const Departure& departure : explanation.departures) {
    names.push_back(departure.alteration->name);
  }
  return names;
}
std::vector<std::string_view> Inseparable(const Departure& departure) {
  std::vector<std::string_view> names;
  for (const Alteration* alteration : departure.inseparable) {
    names.push_back(alteration->name);
  }
  return names;
}

DialectOracle OracleOf(std::string_view dialect) {
  return DialectOracle(*FindDialect(dialect));
}

TEST(DiagnosisTest, AgreementNeedsNoExplanation) {
  DialectOracle oracle = OracleOf("sdm");
  Diagnosis diagnosis;
  EXPECT_EQ(diagnosis.Ask(oracle, Read()), 2u);  // VM entry and the access
  diagnosis.Separate(oracle, nullptr);
  EXPECT_THAT(diagnosis.explanation().departures, IsEmpty());
  EXPECT_THAT(Sentences(diagnosis.explanation()), IsEmpty());
}

TEST(DiagnosisTest, WhatFitsEquallyWellIsOneClass) {
  DialectOracle oracle = OracleOf("CFG-8/bit-12-unchecked");
  Diagnosis diagnosis;
  diagnosis.Ask(oracle, GigabytePage(0x1000));
  const Explanation& explanation = diagnosis.explanation();
  EXPECT_THAT(Names(explanation), ElementsAre("CFG-8/off"));
  EXPECT_THAT(Inseparable(explanation.departures[0]),
              ElementsAre("CFG-8/bit-12-unchecked"));
}

TEST(DiagnosisTest, AnAnswerThatAgreesRefutes) {
  DialectOracle oracle = OracleOf("CFG-8/bit-12-unchecked");
  Diagnosis diagnosis;
  diagnosis.Ask(oracle, GigabytePage(0x1000));
  diagnosis.Ask(oracle, GigabytePage(0x2000));
  const Explanation& explanation = diagnosis.explanation();
  EXPECT_THAT(Names(explanation), ElementsAre("CFG-8/bit-12-unchecked"));
  EXPECT_THAT(explanation.departures[0].inseparable, IsEmpty());
  EXPECT_EQ(explanation.departures[0].cases, 1u);
  EXPECT_TRUE(explanation.smallest);
}

TEST(DiagnosisTest, SeparateAsksTheWitnesses) {
  DialectOracle oracle = OracleOf("CFG-8/off");
  Diagnosis diagnosis;
  diagnosis.Ask(oracle, GigabytePage(0x1000));
  diagnosis.Separate(oracle, nullptr);
  EXPECT_THAT(Names(diagnosis.explanation()), ElementsAre("CFG-8/off"));
  EXPECT_THAT(diagnosis.explanation().departures[0].inseparable, IsEmpty());
}

TEST(DiagnosisTest, SeparateAsksVariations) {
  DialectOracle oracle = OracleOf("CFG-10/bit-n-unchecked");
  Diagnosis diagnosis;
  diagnosis.Ask(oracle, Walk4().N(40).Pte(1ull << 40 | 0x9037).Read(0).Build());
  ASSERT_GT(diagnosis.explanation().departures[0].inseparable.size(), 0u);
  int asked = 0;
  const Vary vary = [&](std::uint64_t seed, const Case& original,
                        Case& varied) {
    ++asked;
    varied = original;
    for (MemoryWord& word : varied.memory) {
      if (word.address == Hpa{0x4008}) word.value ^= 1ull << (seed % 52);
    }
  };
  diagnosis.Separate(oracle, vary);
  EXPECT_GT(asked, 0);
  EXPECT_THAT(Names(diagnosis.explanation()),
              ElementsAre("CFG-10/bit-n-unchecked"));
  EXPECT_THAT(diagnosis.explanation().departures[0].inseparable, IsEmpty());
}

TEST(DiagnosisTest, TheNextDisagreementExtendsTheExplanation) {
  DialectOracle oracle = OracleOf("CFG-8/off,CFG-2/always-refused");
  Diagnosis diagnosis;
  diagnosis.Ask(oracle, GigabytePage(0x2000));
  diagnosis.Separate(oracle, nullptr);
  EXPECT_THAT(Names(diagnosis.explanation()), ElementsAre("CFG-8/off"));
  diagnosis.Ask(oracle, ExecuteOnly());
  diagnosis.Separate(oracle, nullptr);
  EXPECT_THAT(Names(diagnosis.explanation()),
              ElementsAre("CFG-8/off", "CFG-2/always-refused"));
}

// Neither alone changes the verdict.
TEST(DiagnosisTest, TwoThatShowOnlyTogetherAreFound) {
  DialectOracle oracle = OracleOf("CFG-8/off,CFG-10/off");
  Diagnosis diagnosis;
  Case c = GigabytePage(1ull << 40 | 0x20000);
  c.processor.maxphyaddr = 40;
  diagnosis.Ask(oracle, c);
  EXPECT_EQ(diagnosis.explanation().departures.size(), 2u);
  EXPECT_TRUE(diagnosis.explanation().smallest);
  EXPECT_THAT(diagnosis.explanation().unexplained, IsEmpty());
  diagnosis.Separate(oracle, nullptr);
  EXPECT_THAT(Names(diagnosis.explanation()),
              ElementsAre("CFG-8/off", "CFG-10/off"));
}

// Answers as the SDM does, but 1000H too high; and departs in a known way.
class Displaced final : public Oracle {
 public:
  std::string_view name() const override { return "displaced"; }
  Skip Enter(const MachineState& state, Outcome& outcome) override {
    return oracle_.Enter(state, outcome);
  }
  Skip Perform(const MachineState& state, const Step& step,
               Outcome& outcome) override {
    const Skip skip = oracle_.Perform(state, step, outcome);
    if (outcome.event.kind == EventKind::kCompleted &&
        outcome.event.translations[0].page_shift == 12) {
      outcome.event.translations[0].address.value += 0x1000;
    }
    return skip;
  }

 private:
  DialectOracle oracle_ = OracleOf("CFG-8/off");
};

TEST(DiagnosisTest, WhatNothingExplainsStandsApart) {
  Displaced oracle;
  Diagnosis diagnosis;
  diagnosis.Ask(oracle, Read());
  diagnosis.Ask(oracle, GigabytePage(0x2000));
  diagnosis.Ask(oracle, ReadOnlyWrite());
  const Explanation& explanation = diagnosis.explanation();
  EXPECT_THAT(Names(explanation), ElementsAre("CFG-8/off"));
  ASSERT_EQ(explanation.unexplained.size(), 1u);
  EXPECT_EQ(*explanation.unexplained[0].c, Read());
  EXPECT_EQ(explanation.unexplained[0].step, 1u);
  EXPECT_THAT(Sentences(explanation).back(),
              HasSubstr("Unexplained: 1 answer"));
}

TEST(DiagnosisTest, FieldsThatAnOracleLacksAreNotCompared) {
  Displaced oracle;
  Diagnosis diagnosis(kAllFields & ~SetOf(Field::kAddress));
  diagnosis.Ask(oracle, Read());
  EXPECT_THAT(diagnosis.explanation().unexplained, IsEmpty());
}

TEST(DiagnosisTest, VmEntryIsDiagnosedLikeAnyStep) {
  DialectOracle oracle = OracleOf("EPTP-1/write-back-only");
  Diagnosis diagnosis;
  diagnosis.Ask(oracle, Walk4().Eptp(0x1018).Read(0x1234).Build());
  EXPECT_THAT(Names(diagnosis.explanation()),
              ElementsAre("EPTP-1/write-back-only"));
}

TEST(DiagnosisTest, SentencesNameRuleSectionAndCases) {
  DialectOracle oracle = OracleOf("CFG-8/bit-12-unchecked");
  Diagnosis diagnosis;
  diagnosis.Ask(oracle, GigabytePage(0x1000));
  diagnosis.Ask(oracle, GigabytePage(0x2000));
  EXPECT_THAT(Sentences(diagnosis.explanation()),
              ElementsAre("CFG-8 (SDM table 29-3): bit 12 of a 1-GByte leaf is "
                          "not checked; seen in 1 case."));
}

TEST(DiagnosisTest, TheDialectIsWhatTheOracleIsThenJudgedBy) {
  DialectOracle oracle = OracleOf("CFG-8/off,VIO-3/leaf-only");
  Diagnosis diagnosis;
  diagnosis.Ask(oracle, GigabytePage(0x2000));
  diagnosis.Ask(oracle, Walk4().Pde(0x4005).Write(0x1234).Build());
  diagnosis.Separate(oracle, nullptr);
  const Dialect dialect = diagnosis.explanation().dialect();
  ASSERT_EQ(dialect.alterations().size(), 2u);
  Diagnosis again;
  DialectOracle same(dialect);
  again.Ask(same, GigabytePage(0x2000));
  again.Separate(same, nullptr);
  EXPECT_THAT(Names(again.explanation()), ElementsAre("CFG-8/off"));
}

}  // namespace
}  // namespace eptdiff
