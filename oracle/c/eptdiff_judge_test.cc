// That the judgement through C is the reference's: on every hand-written case,
// with its answer, with what it must not be, and with the answers that the
// judge itself gives.
#include "oracle/c/eptdiff_judge.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "oracle/c/question_values.h"
#include "oracle/judgement/judge.h"
#include "oracle/judgement/permitted.h"
#include "oracle/reference/witnesses/last_step.h"
#include "oracle/reference/witnesses/witnesses.h"
#include "oracle/rules.h"
#include "oracle/target/session/question.h"

namespace eptdiff {
namespace {

std::uint64_t Load(void* context, std::uint64_t address) {
  return static_cast<const MachineState*>(context)->memory.Load({address});
}

eptdiff_judge_memory MemoryOf(MachineState& state) {
  eptdiff_judge_memory memory = {};
  memory.size = sizeof(memory);
  memory.context = &state;
  memory.load = Load;
  return memory;
}

using Handle = std::unique_ptr<eptdiff_judge, decltype(&eptdiff_judge_destroy)>;
Handle Create() {
  eptdiff_judge* judge = nullptr;
  EXPECT_EQ(eptdiff_judge_create(&judge), EPTDIFF_JUDGE_DONE);
  return {judge, &eptdiff_judge_destroy};
}

// The last step of a case as a question; VM entry if it has none.
eptdiff_question QuestionOf(const Case& c, const MachineState& before) {
  eptdiff_question question;
  SetMachine(before, question);
  if (c.steps.empty()) {
    question.step = EPTDIFF_STEP_VM_ENTRY;
  } else {
    SetStep(c.steps.back(), question);
  }
  return question;
}

struct CAnswer {
  explicit CAnswer(const Outcome& outcome) {
    answer.size = sizeof(answer);
    SetAnswer(outcome, answer);
    for (const MemoryWord& word : outcome.writes) {
      stores.push_back({word.address.value, word.value});
    }
  }
  eptdiff_answer answer = {};
  std::vector<eptdiff_judge_store> stores;
};

// What is compared: all that an answer has.
eptdiff_profile EveryField() {
  eptdiff_profile profile = {};
  profile.size = sizeof(profile);
  profile.fills = EPTDIFF_FILLS_ALL | EPTDIFF_FILLS_SAVED_STATE;
  return profile;
}

eptdiff_judge_finding Ask(eptdiff_judge* judge, const CAnswer& given,
                          const eptdiff_profile& profile) {
  eptdiff_judge_finding finding = {};
  finding.size = sizeof(finding);
  EXPECT_EQ(eptdiff_judge_answer(judge, &given.answer, given.stores.data(),
                                 given.stores.size(), &profile, &finding),
            EPTDIFF_JUDGE_DONE)
      << eptdiff_judge_why(judge);
  return finding;
}

int ExpectedStatus(Standing standing) {
  switch (standing) {
    case Standing::kJudged:
      return EPTDIFF_JUDGE_DONE;
    case Standing::kUndefined:
      return EPTDIFF_JUDGE_UNDEFINED;
    case Standing::kCallerError:
      return EPTDIFF_JUDGE_CALLER_ERROR;
    case Standing::kNotModelled:
      break;
  }
  return EPTDIFF_JUDGE_NOT_MODELLED;
}

bool IsForTargets(const Case& c) {
  return c.steps.empty() || (c.steps.back().kind != StepKind::kStore &&
                             c.steps.back().kind != StepKind::kTableOperation);
}

TEST(EptdiffJudgeTest, EveryWitnessIsJudgedAsTheReferenceDoes) {
  Handle judge = Create();
  const eptdiff_profile every = EveryField();
  int asked = 0;
  int forbidden = 0;
  for (const NamedCase& named : Witnesses()) {
    if (named.keeps() || !IsForTargets(named.c)) continue;
    SCOPED_TRACE(named.name);
    JudgedStep judged;
    JudgeLastStep(named.c, Dialect(), judged);
    const eptdiff_question question = QuestionOf(named.c, judged.before);
    const eptdiff_judge_memory memory = MemoryOf(judged.before);
    ASSERT_EQ(eptdiff_judge_ask(judge.get(), &question, &memory),
              ExpectedStatus(judged.verdict.standing))
        << eptdiff_judge_why(judge.get());
    ++asked;
    if (judged.verdict.standing != Standing::kJudged) {
      EXPECT_EQ(eptdiff_judge_alternatives(judge.get()), 0u);
      continue;
    }
    EXPECT_EQ(eptdiff_judge_alternatives(judge.get()),
              judged.verdict.alternatives.size());

    // Whatever the verdict permits or not, with its finding.
    std::vector<Outcome> outcomes =
        PermittedOutcomes(judged.verdict, judged.before);
    outcomes.push_back(named.answer.In(judged.before));
    if (named.forbidden) {
      outcomes.push_back(named.forbidden->In(judged.before));
    }
    outcomes.push_back(outcomes[0]);
    outcomes.back().registers.eptp ^= 0x1000;
    for (const Outcome& outcome : outcomes) {
      const Finding expected =
          Judge(judged.verdict, judged.before, outcome, kAllFields);
      const eptdiff_judge_finding given =
          Ask(judge.get(), CAnswer(outcome), every);
      ASSERT_EQ(given.permitted, expected.conforms ? 1u : 0u);
      if (expected.conforms) continue;
      ++forbidden;
      const Disagreement& first = expected.disagreements[0];
      EXPECT_EQ(given.rule, IdentifierOf(first.why.rule));
      EXPECT_EQ(given.level, first.why.level);
      EXPECT_EQ(given.field, NameOf(first.field));
      EXPECT_EQ(given.bit, first.index);
      EXPECT_EQ(given.expected, first.expected);
      EXPECT_EQ(given.given, first.given);
      EXPECT_EQ(given.word, first.word.value);
    }
  }
  EXPECT_GT(asked, 300);
  EXPECT_GT(forbidden, 300);
}

TEST(EptdiffJudgeTest, ItsOwnAlternativesArePermitted) {
  Handle judge = Create();
  const eptdiff_profile every = EveryField();
  for (const NamedCase& named : Witnesses()) {
    if (named.keeps() || !IsForTargets(named.c)) continue;
    SCOPED_TRACE(named.name);
    JudgedStep judged;
    JudgeLastStep(named.c, Dialect(), judged);
    const eptdiff_question question = QuestionOf(named.c, judged.before);
    const eptdiff_judge_memory memory = MemoryOf(judged.before);
    eptdiff_judge_ask(judge.get(), &question, &memory);
    for (std::size_t i = 0; i < eptdiff_judge_alternatives(judge.get()); ++i) {
      CAnswer given{Outcome()};
      given.stores.resize(EPTDIFF_JUDGE_MAX_STORES);
      std::size_t count = 0;
      eptdiff_judge_finding decided = {};
      decided.size = sizeof(decided);
      ASSERT_EQ(
          eptdiff_judge_alternative(judge.get(), i, &given.answer,
                                    given.stores.data(), &count, &decided),
          EPTDIFF_JUDGE_DONE);
      given.stores.resize(count);
      EXPECT_EQ(decided.rule,
                IdentifierOf(judged.verdict.alternatives[i].decided.rule));
      EXPECT_TRUE(Ask(judge.get(), given, every).permitted);
    }
  }
}

// Nothing of a case is lost on the way to a question and back.
TEST(QuestionValuesTest, QuestionsComeBackAsTheyWent) {
  for (const NamedCase& named : Witnesses()) {
    if (!IsForTargets(named.c)) continue;
    SCOPED_TRACE(named.name);
    JudgedStep judged;
    JudgeLastStep(named.c, Dialect(), judged);
    const eptdiff_question question = QuestionOf(named.c, judged.before);
    MachineState back;
    ASSERT_TRUE(ReadMachine(question, back));
    EXPECT_EQ(back.processor, judged.before.processor);
    EXPECT_EQ(back.controls, judged.before.controls);
    EXPECT_EQ(back.guest, judged.before.guest);
    EXPECT_EQ(back.current, judged.before.current);
    const auto step = StepOf(question);
    ASSERT_TRUE(step);
    eptdiff_question again;
    SetMachine(back, again);
    SetStep(*step, again);
    if (named.c.steps.empty()) continue;
    EXPECT_EQ(
        std::string(reinterpret_cast<const char*>(&question), sizeof(question)),
        std::string(reinterpret_cast<const char*>(&again), sizeof(again)));
    // Where the SDM says nothing, the answer of a witness is none.
    if (judged.verdict.standing == Standing::kUndefined) continue;
    Outcome outcome = named.answer.In(judged.before);
    CAnswer answer(outcome);
    Outcome read = outcome;
    ASSERT_EQ(ReadAnswer(answer.answer, &*step, kAllFields, read).kind,
              IncidentKind::kNone);
    EXPECT_EQ(read, outcome);
  }
}

// A PDE whose bit 12 is set, in an image that begins at 1000H.
struct BadEntry {
  BadEntry() : image(0x3000 / 8) {
    image[0] = 0x2007;
    image[0x1000 / 8] = 0x3007;
    image[0x2000 / 8] = 0x2010b1;
    memory.size = sizeof(memory);
    memory.image = image.data();
    memory.image_bytes = 8 * image.size();
    memory.first = 0x1000;
    question.size = sizeof(question);
    question.bytes = 1;
    question.gla_valid = 1;
    question.gpa = question.gla = 0x1234;
    question.ept_vpid_cap = 0x06134141;
    question.maxphyaddr = 46;
    question.primary = 0x80000000;
    question.secondary = 2;
    question.eptp = 0x101e;
    question.pat = 0x0007040600070406;
    finding.size = sizeof(finding);
  }
  std::vector<std::uint64_t> image;
  eptdiff_judge_memory memory = {};
  eptdiff_question question = {};
  eptdiff_answer answer = {};
  eptdiff_judge_finding finding = {};
};

TEST(EptdiffJudgeTest, ImagesAreReadAndNothingBeyond) {
  BadEntry bad;
  Handle judge = Create();
  ASSERT_EQ(eptdiff_judge_ask(judge.get(), &bad.question, &bad.memory), 0);
  ASSERT_EQ(
      eptdiff_judge_answer_init(judge.get(), &bad.answer, sizeof(bad.answer)),
      0);
  EXPECT_EQ(bad.answer.eptp, 0x101eu);
  bad.answer.event = EPTDIFF_VM_EXIT;
  bad.answer.exit_reason = 49;
  bad.answer.gpa = 0x1234;
  ASSERT_EQ(eptdiff_judge_answer(judge.get(), &bad.answer, nullptr, 0, nullptr,
                                 &bad.finding),
            0);
  EXPECT_TRUE(bad.finding.permitted);
  EXPECT_STREQ(bad.finding.rule, "CFG-9");
  EXPECT_EQ(bad.finding.level, 2u);

  // The same image without its last page: the PDE is 0.
  bad.memory.image_bytes = 0x2000;
  ASSERT_EQ(eptdiff_judge_ask(judge.get(), &bad.question, &bad.memory), 0);
  ASSERT_EQ(eptdiff_judge_answer(judge.get(), &bad.answer, nullptr, 0, nullptr,
                                 &bad.finding),
            0);
  EXPECT_FALSE(bad.finding.permitted);
  EXPECT_STREQ(bad.finding.rule, "VIO-1");
  EXPECT_STREQ(bad.finding.field, "exit-reason");
  EXPECT_EQ(bad.finding.expected, 48u);
  EXPECT_EQ(bad.finding.given, 49u);
}

TEST(EptdiffJudgeTest, AWordThatNobodyMayChangeIsNoticedEachTime) {
  BadEntry bad;
  Handle judge = Create();
  ASSERT_EQ(eptdiff_judge_ask(judge.get(), &bad.question, &bad.memory), 0);
  eptdiff_judge_answer_init(judge.get(), &bad.answer, sizeof(bad.answer));
  bad.answer.event = EPTDIFF_VM_EXIT;
  bad.answer.exit_reason = 49;
  bad.answer.gpa = 0x1234;
  // The second value is the first one's complement.
  for (const std::uint64_t value : {0ull, ~0ull, 0ull, 5ull}) {
    const eptdiff_judge_store stray = {0x8000, value};
    ASSERT_EQ(eptdiff_judge_answer(judge.get(), &bad.answer, &stray, 1, nullptr,
                                   &bad.finding),
              0);
    EXPECT_FALSE(bad.finding.permitted) << value;
    EXPECT_STREQ(bad.finding.field, "memory");
    EXPECT_EQ(bad.finding.word, 0x8000u);
  }
  // What was written with the value that it had is no change.
  const eptdiff_judge_store same = {0x3000, 0x2010b1};
  eptdiff_judge_answer(judge.get(), &bad.answer, &same, 1, nullptr,
                       &bad.finding);
  EXPECT_TRUE(bad.finding.permitted);
}

TEST(EptdiffJudgeTest, OnlyWhatAProfileFillsInIsCompared) {
  BadEntry bad;
  Handle judge = Create();
  ASSERT_EQ(eptdiff_judge_ask(judge.get(), &bad.question, &bad.memory), 0);
  eptdiff_judge_answer_init(judge.get(), &bad.answer, sizeof(bad.answer));
  bad.answer.event = EPTDIFF_VM_EXIT;
  bad.answer.exit_reason = 49;
  bad.answer.gpa = 0x5000;
  eptdiff_profile profile = EveryField();
  for (const std::uint32_t fills :
       {EPTDIFF_FILLS_ALL, EPTDIFF_FILLS_ALL & ~EPTDIFF_FILLS_GPA}) {
    profile.fills = fills;
    ASSERT_EQ(eptdiff_judge_answer(judge.get(), &bad.answer, nullptr, 0,
                                   &profile, &bad.finding),
              0);
    EXPECT_EQ(bad.finding.permitted == 0, fills == EPTDIFF_FILLS_ALL);
  }
}

TEST(EptdiffJudgeTest, WhatMakesNoSenseIsRefused) {
  BadEntry bad;
  Handle judge = Create();
  const auto answer = [&] {
    return eptdiff_judge_answer(judge.get(), &bad.answer, nullptr, 0, nullptr,
                                &bad.finding);
  };
  bad.answer.size = sizeof(bad.answer);
  EXPECT_EQ(answer(), EPTDIFF_JUDGE_NOTHING_ASKED);
  EXPECT_EQ(eptdiff_judge_alternatives(judge.get()), 0u);

  for (const auto& spoil : std::vector<void (*)(BadEntry&)>{
           [](auto& b) { b.question.size -= 1; },
           [](auto& b) { b.question.step = 5; },
           [](auto& b) { b.question.step = 11; },
           [](auto& b) { b.question.access = 7; },
           [](auto& b) { b.question.cpl = 4; },
           [](auto& b) { b.question.processor = 4; },
           [](auto& b) { b.question.maxphyaddr = 0; },
           [](auto& b) { b.question.keyid_bits = 15; },
           [](auto& b) { b.question.page_pat_index = 8; },
           [](auto& b) { b.memory.size = 8; },
           [](auto& b) { b.memory.first = 4; },
           [](auto& b) { b.memory.image = nullptr; }}) {
    BadEntry spoilt;
    spoil(spoilt);
    EXPECT_EQ(eptdiff_judge_ask(judge.get(), &spoilt.question, &spoilt.memory),
              EPTDIFF_JUDGE_BAD_ARGUMENT);
    EXPECT_EQ(answer(), EPTDIFF_JUDGE_NOTHING_ASKED);
  }

  bad.question.gpa = std::uint64_t{1} << 46;
  EXPECT_EQ(eptdiff_judge_ask(judge.get(), &bad.question, &bad.memory),
            EPTDIFF_JUDGE_CALLER_ERROR);
  EXPECT_THAT(eptdiff_judge_why(judge.get()),
              ::testing::HasSubstr("guest-physical address"));
  bad.question.gpa = 0x1234;
  ASSERT_EQ(eptdiff_judge_ask(judge.get(), &bad.question, &bad.memory), 0);
  EXPECT_STREQ(eptdiff_judge_why(judge.get()), "");
  bad.answer.event = 77;
  EXPECT_EQ(answer(), EPTDIFF_JUDGE_BAD_ANSWER);
  EXPECT_STRNE(eptdiff_judge_why(judge.get()), "");
  bad.answer.event = EPTDIFF_COMPLETED;
  EXPECT_EQ(answer(), EPTDIFF_JUDGE_BAD_ANSWER);  // without a translation
  bad.answer.event = EPTDIFF_VM_EXIT;
  const std::vector<eptdiff_judge_store> many(EPTDIFF_JUDGE_MAX_STORES + 1);
  EXPECT_EQ(eptdiff_judge_answer(judge.get(), &bad.answer, many.data(),
                                 many.size(), nullptr, &bad.finding),
            EPTDIFF_JUDGE_BAD_ARGUMENT);
  const eptdiff_judge_store misaligned = {0x3004, 1};
  EXPECT_EQ(eptdiff_judge_answer(judge.get(), &bad.answer, &misaligned, 1,
                                 nullptr, &bad.finding),
            EPTDIFF_JUDGE_BAD_ARGUMENT);
}

TEST(EptdiffJudgeTest, SaysWhichItIs) {
  EXPECT_EQ(eptdiff_judge_abi(), EPTDIFF_JUDGE_ABI + 0u);
  EXPECT_STRNE(eptdiff_judge_version(), "");
}

}  // namespace
}  // namespace eptdiff
