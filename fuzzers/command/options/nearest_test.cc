#include "fuzzers/command/options/nearest.h"

#include "gtest/gtest.h"

namespace eptdiff {
namespace {

TEST(NearestTest, DistanceCountsEdits) {
  EXPECT_EQ(EditDistance("", ""), 0u);
  EXPECT_EQ(EditDistance("", "abc"), 3u);
  EXPECT_EQ(EditDistance("run", "run"), 0u);
  EXPECT_EQ(EditDistance("rnu", "run"), 1u);   // swapped
  EXPECT_EQ(EditDistance("rum", "run"), 1u);   // replaced
  EXPECT_EQ(EditDistance("runs", "run"), 1u);  // one too many
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3u);
}

TEST(NearestTest, TheNearestCandidateIsFound) {
  const std::vector<std::string> words = {"run", "rules", "explain"};
  EXPECT_EQ(NearestTo("explian", words), "explain");
  EXPECT_EQ(NearestTo("rule", words), "rules");
  EXPECT_EQ(NearestTo("RUN", words), "run");
  EXPECT_EQ(NearestTo("exp", words), "explain");
  EXPECT_EQ(NearestTo("x", {}), "");
}

TEST(NearestTest, WhatIsFarIsNoSuggestion) {
  const std::vector<std::string> words = {"run", "rules", "explain"};
  EXPECT_EQ(NearestTo("", words), "");
  EXPECT_EQ(NearestTo("-v", words), "");
  EXPECT_EQ(DidYouMean("-v", words), "");
  EXPECT_EQ(DidYouMean("ru", words), "; did you mean run?");
}

}  // namespace
}  // namespace eptdiff
