#include "fuzzers/command/words/entry_words.h"

#include <gtest/gtest.h>

namespace eptdiff {
namespace {

Case Enters() {
  Case c;
  c.processor.ept_vpid_cap = 0x6734141;
  c.controls.primary = 0x80000000;
  c.controls.secondary = 0x2;
  c.controls.eptp = 0x101e;
  c.guest.cr0 = 0x80000021;
  c.guest.cr4 = 0x2020;
  c.guest.efer = 0xd00;
  c.guest.rflags = 0x2;
  c.guest.cs_l = true;
  c.steps.emplace_back();
  return c;
}

TEST(EntryWordsTest, NothingIsLackingWhereVmEntryAccepts) {
  EXPECT_EQ(WhatVmEntryLacks(Enters()), "");
}

TEST(EntryWordsTest, FieldsAreNamedAsCasesHaveThem) {
  Case c = Enters();
  c.guest.cr4 = 0x20;
  c.guest.rflags = 0;
  c.guest.transactional = true;  // says nothing
  EXPECT_EQ(WhatVmEntryLacks(c), "guest { cr4: 0x2020 rflags: 0x2 }");
}

TEST(EntryWordsTest, WhatHasToBeClearIsNamedToo) {
  Case c = Enters();
  c.guest.rflags = 0x202;
  c.guest.interruptibility = 1;    // by STI
  c.guest.pending_debug = 0x4000;  // a single step, without RFLAGS.TF
  EXPECT_EQ(WhatVmEntryLacks(c), "guest { pending_debug: 0 }");
}

TEST(EntryWordsTest, WithoutPagingTheControlIsNamed) {
  Case c = Enters();
  c.guest = {};
  EXPECT_EQ(WhatVmEntryLacks(c),
            "controls { secondary: 0x82 }, "
            "guest { cr0: 0x20 cr4: 0x2000 rflags: 0x2 }");
}

// Not without a step: the refusal is what the case is about.
TEST(EntryWordsTest, WhatIsToBeRefusedLacksNothing) {
  Case c = Enters();
  c.guest.rflags = 0;
  c.steps.clear();
  EXPECT_EQ(WhatVmEntryLacks(c), "");
}

TEST(EntryWordsTest, WhatEptItselfHasWrongIsNotMended) {
  Case c = Enters();
  c.guest.rflags = 0;
  c.controls.eptp = 0x101f;
  EXPECT_EQ(WhatVmEntryLacks(c), "");
}

}  // namespace
}  // namespace eptdiff
