#include "fuzzers/command/report/check_words.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace eptdiff {
namespace {

CheckFinding Finding(const std::string& signature,
                     const std::string& likeness) {
  CheckFinding finding;
  finding.signature = signature;
  finding.likeness = likeness;
  return finding;
}

std::vector<ToldFinding> Told(const std::vector<CheckFinding>& findings) {
  std::vector<const CheckFinding*> list;
  for (const CheckFinding& finding : findings) list.push_back(&finding);
  return ToldFindings(list);
}

TEST(CheckWordsTest, OfFindingsThatAreAlikeTheFirstIsTold) {
  const std::vector<CheckFinding> findings = {
      Finding("a", "gpa0 "), Finding("b", "memory3 "), Finding("c", "gpa0 "),
      Finding("d", "gpa0 ")};
  const std::vector<ToldFinding> told = Told(findings);
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0].finding, &findings[0]);
  EXPECT_EQ(told[0].alike, "2 more, which have the same fields wrong: c, d");
  EXPECT_EQ(told[1].finding, &findings[1]);
  EXPECT_EQ(told[1].alike, "");
}

TEST(CheckWordsTest, OfManyThatAreAlikeAFewAreNamedAndAllAreCounted) {
  std::vector<CheckFinding> findings;
  for (const char* signature : {"a", "b", "c", "d", "e", "f"}) {
    findings.push_back(Finding(signature, "gla0 "));
  }
  const std::vector<ToldFinding> told = Told(findings);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].alike,
            "5 more, which have the same fields wrong: b, c, d, e, ...");
}

TEST(CheckWordsTest, WhatIsLikeNoOtherIsToldByItself) {
  const std::vector<CheckFinding> findings = {Finding("a", ""),
                                              Finding("b", "")};
  const std::vector<ToldFinding> told = Told(findings);
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0].alike, "");
  EXPECT_EQ(told[1].alike, "");
}

TEST(CheckWordsTest, WhatFollowsFromACauseIsToldUnderIt) {
  CheckFinding cause = Finding("a", "");
  cause.follows.push_back(Finding("b", ""));
  cause.follows[0].identifier = "stray-store";
  cause.follows[0].sentence = "it stores elsewhere";
  cause.follows[0].cases = 2;
  const auto items = FindingItems(cause);
  ASSERT_EQ(items.size(), 1u);
  EXPECT_EQ(items[0].first, "what follows");
  EXPECT_EQ(items[0].second,
            "stray-store: it stores elsewhere; seen in 2 cases");
}

}  // namespace
}  // namespace eptdiff
