#include "fuzzers/command/words/stale_words.h"

#include <gtest/gtest.h>

#include "oracle/case.h"

namespace eptdiff {
namespace {

Step Invalidates(InvalidationKind kind) {
  Step step;
  step.kind = StepKind::kInvalidation;
  step.invalidation.kind = kind;
  return step;
}

Step Writes(GuestRegister reg) {
  Step step;
  step.kind = StepKind::kRegisterWrite;
  step.reg = reg;
  return step;
}

KeptEntry Entry(Structure structure, std::uint8_t level,
                std::uint8_t guest_level, std::size_t until) {
  return {{structure, level, guest_level, Hpa{0x3000}, 0x4037}, 0, until};
}

TEST(StaleWordsTest, TheEntryAndWhatEndedIt) {
  Case c;
  c.steps = {Step(), Step(), Step(), Invalidates(InvalidationKind::kInvept)};
  EXPECT_EQ(StaleUseWords(c, {.entries = {Entry(Structure::kEpt, 2, 0, 2)},
                              .ends = {{4, Rule::kCache6}}}),
            "uses the PDE as it was before step 2; INVEPT in step 4 (CACHE-6) "
            "ended that");
}

TEST(StaleWordsTest, SeveralEntriesAndReasons) {
  Case c;
  c.steps = {Writes(GuestRegister::kCr3), Step(),
             Invalidates(InvalidationKind::kInvlpg), Step()};
  c.steps[1].kind = StepKind::kEptpSwitch;
  EXPECT_EQ(
      StaleUseWords(c, {.entries = {Entry(Structure::kEpt, 2, 1, 2),
                                    Entry(Structure::kGuest, 1, 1, 2),
                                    Entry(Structure::kSpp, 1, 0, 3)},
                        .ends = {{1, Rule::kCache8},
                                 {2, Rule::kCache11},
                                 {3, Rule::kCache8},
                                 {4, Rule::kCache12}},
                        .never = {Rule::kCache1, Rule::kCache2}}),
      "uses the PDE on the way to the guest PTE and the guest PTE as they were "
      "before step 2 and the SPP vector as it was before step 3; the write of "
      "CR3 in step 1 (CACHE-8), the EPTP switch in step 2 (CACHE-11), INVLPG "
      "in step 3 (CACHE-8) and the page fault in step 4 (CACHE-12) ended that; "
      "that was kept under another tag (CACHE-1); such an entry is never kept "
      "(CACHE-2)");
}

TEST(StaleWordsTest, WhatIsNoEntry) {
  Case c;
  c.steps = {Invalidates(InvalidationKind::kInvvpid)};
  EXPECT_EQ(StaleUseWords(c, {.ends = {{1, Rule::kCache7}}}),
            "uses what it has kept; INVVPID in step 1 (CACHE-7) ended that");
}

TEST(StaleWordsTest, ValuesOfThePast) {
  Case c;
  c.steps = {Step(), Step()};
  const KeptEntry entry = Entry(Structure::kEpt, 1, 0, 1);
  EXPECT_EQ(PastValueWords(c, {.entry = entry}),
            "was 0x4037 before step 1: may still be used");
  EXPECT_EQ(PastValueWords(c, {.entry = entry, .ends = {{2, Rule::kCache5}}}),
            "was 0x4037 before step 1: the EPT violation in step 2 (CACHE-5) "
            "ended that");
}

}  // namespace
}  // namespace eptdiff
