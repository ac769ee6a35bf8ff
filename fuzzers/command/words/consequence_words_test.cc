#include "fuzzers/command/words/consequence_words.h"

#include <cstddef>
#include <set>
#include <string_view>

#include "gtest/gtest.h"

namespace eptdiff {
namespace {

TEST(ConsequenceWordsTest, WhatFollowsFromABuildersMistake) {
  EXPECT_EQ(ConsequenceOf(BuilderRule::kMapsAsAsked), Consequence::kMapping);
  EXPECT_EQ(ConsequenceOf(BuilderRule::kInvept), Consequence::kStale);
  EXPECT_EQ(ConsequenceOf(BuilderRule::kStaleRight), Consequence::kStale);
  EXPECT_EQ(ConsequenceOf(BuilderRule::kInveptNeeded),
            Consequence::kBookkeeping);
}

TEST(ConsequenceWordsTest, EachHasItsWordsAndItsName) {
  std::set<std::string_view> words;
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kConsequenceCount; ++i) {
    words.insert(WordsOf(static_cast<Consequence>(i)));
    names.insert(NameOf(static_cast<Consequence>(i)));
  }
  EXPECT_EQ(words.size(), kConsequenceCount);
  EXPECT_EQ(names.size(), kConsequenceCount);
  EXPECT_EQ(NameOf(Consequence::kReaches), "reaches");
  EXPECT_EQ(NameOf(Consequence::kEffects), "effects");
  EXPECT_EQ(NameOf(Consequence::kUnknown), "unknown");
}

TEST(ConsequenceWordsTest, ProtectionsThatFallAreToldByWhoseTheyAre) {
  const std::set<Protection> both = {
      Protection::kGuestRead, Protection::kEptFetch, Protection::kEptWrite};
  EXPECT_EQ(WordsOf(both),
            "EPT's against writes and fetches, and the guest's against reads");
  EXPECT_EQ(NameOf(both), "ept-write-fetch");
  const std::set<Protection> guest = {Protection::kGuestFetch};
  EXPECT_EQ(WordsOf(guest), "the guest's against fetches");
  EXPECT_EQ(NameOf(guest), "guest-fetch");
}

}  // namespace
}  // namespace eptdiff
