#include "oracle/target/session/question.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace eptdiff {
namespace {

// `bytes` has one byte, as ever: who knows no other size meets 0, not a wrong
// one.
TEST(QuestionTest, SizesAbove64StandInAccessBytesAlone) {
  constexpr struct {
    std::uint16_t size;
    std::uint8_t bytes;
  } kCases[] = {{1, 1}, {64, 64}, {65, 0}, {256, 0}, {257, 0}, {4096, 0}};
  for (const auto& c : kCases) {
    Step step;
    step.access.size = c.size;
    eptdiff_question question = {};
    SetStep(step, question);
    EXPECT_EQ(question.access_bytes, c.size);
    EXPECT_EQ(question.bytes, c.bytes) << c.size;
  }
}

// Whoever answers for 4096 bytes says where both pages are.
TEST(QuestionTest, ALargeAccessHasATranslationForEachPage) {
  Step step;
  step.gpa = Gpa{0x1001};
  step.access.size = 4096;
  eptdiff_answer answer = {};
  answer.event = EPTDIFF_COMPLETED;
  answer.translation_count = 1;
  Outcome outcome;
  const FieldSet event = SetOf(Field::kEvent);
  EXPECT_NE(ReadAnswer(answer, &step, event, outcome).kind,
            IncidentKind::kNone);
  answer.translation_count = 2;
  EXPECT_EQ(ReadAnswer(answer, &step, event, outcome).kind,
            IncidentKind::kNone);
  step.gpa = Gpa{0x1000};
  EXPECT_NE(ReadAnswer(answer, &step, event, outcome).kind,
            IncidentKind::kNone);
}

}  // namespace
}  // namespace eptdiff
