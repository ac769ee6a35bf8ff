// For tests of what the SDM leaves open: several answers to one case.
#ifndef EPTDIFF_ORACLE_REFERENCE_WITNESSES_CHOICES_H_
#define EPTDIFF_ORACLE_REFERENCE_WITNESSES_CHOICES_H_

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

#include "oracle/reference/witnesses/answer.h"
#include "oracle/reference/witnesses/case_builder.h"
#include "oracle/reference/witnesses/last_step.h"

namespace eptdiff {

struct Choice {
  std::string_view words;
  Answer answer;
};

// Expects of the last step of the case that each of `permitted` conforms to the
// SDM, and none of `forbidden`.
inline void Expect(const CaseBuilder& builder,
                   const std::vector<Choice>& permitted,
                   const std::vector<Choice>& forbidden) {
  JudgedStep judged;
  JudgeLastStep(builder.Build(), Dialect(), judged);
  ASSERT_EQ(judged.verdict.standing, Standing::kJudged);
  for (const Choice& choice : permitted) {
    EXPECT_TRUE(judged.Accepts(choice.answer.In(judged.before)))
        << choice.words;
  }
  for (const Choice& choice : forbidden) {
    EXPECT_FALSE(judged.Accepts(choice.answer.In(judged.before)))
        << choice.words;
  }
}

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_WITNESSES_CHOICES_H_
