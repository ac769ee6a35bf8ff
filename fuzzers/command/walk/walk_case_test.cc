#include "fuzzers/command/walk/walk_case.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "oracle/judgement/spine.h"

namespace eptdiff {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

CopiedWalk WalkOf(std::uint64_t gpa, const std::vector<std::string>& entries) {
  CopiedWalk walk;
  walk.eptp = 0x101e;
  walk.gpa = gpa;
  for (const std::string& entry : entries) {
    walk.entries.push_back(*CopiedEntryIn(entry));
  }
  return walk;
}

// A linear access with 4-level paging, CR3 5000H, and EPT that maps the guest
// by a page of 1 GByte at 40000000H.
CopiedWalk LinearWalk(const std::vector<std::string>& entries) {
  CopiedWalk walk = WalkOf(0, entries);
  walk.gpa.reset();
  walk.gla = 0x201234;
  walk.cr3 = 0x5000;
  return walk;
}

std::string ErrorOf(const CopiedWalk& walk) {
  return std::string(MakeWalkCase(walk).status().message());
}

Event EventOf(const Case& c) {
  Spine spine(c);
  spine.Advance();
  return spine.verdict().alternatives[0].event;
}

TEST(WalkCaseTest, EntriesStandWhereTheWalkLooks) {
  const auto made =
      MakeWalkCase(WalkOf(0x40201234, {"2007", "PDPTE=3007", "level 2: b7"}));
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_THAT(made->c.memory,
              testing::ElementsAre(MemoryWord{Hpa{0x1000}, 0x2007},
                                   MemoryWord{Hpa{0x2008}, 0x3007},
                                   MemoryWord{Hpa{0x3008}, 0xb7}));
  EXPECT_EQ(EventOf(made->c).kind, EventKind::kCompleted);
  EXPECT_THAT(made->notes, IsEmpty());
  EXPECT_THAT(AssumedWords(made->of_machine),
              StartsWith("MAXPHYADDR 52 (--maxphyaddr); every"));
}

TEST(WalkCaseTest, TheEntryThatIsMissingIsNamedWithItsPlace) {
  EXPECT_EQ(ErrorOf(WalkOf(0x40201234, {})),
            "the PML4E is missing: EPTP 0x101e has its root table at 0x1000; "
            "the PML4E is the word at 0x1000");
  EXPECT_EQ(ErrorOf(WalkOf(0x40201234, {"2007", "3007"})),
            "the PDE is missing: the PDPTE 0x3007 references a table at "
            "0x3000; the PDE is the word at 0x3008");
  CopiedWalk five = WalkOf(0x1234, {});
  five.eptp = 0x1026;
  EXPECT_THAT(ErrorOf(five), HasSubstr("the PML5E is missing"));
}

TEST(WalkCaseTest, WhatTheWalkDoesNotComeToIsSuperfluous) {
  EXPECT_EQ(ErrorOf(WalkOf(0x1234, {"2007", "0", "3007"})),
            "0x3007 is superfluous: the walk ends with the PDPTE 0x0 (not "
            "present) and does not come to it");
  EXPECT_THAT(ErrorOf(WalkOf(0x1234, {"2007", "b7", "3007"})),
              HasSubstr("1-GByte page"));
  CopiedWalk refused = WalkOf(0x1234, {"2007"});
  refused.eptp = 0x101b;
  EXPECT_THAT(ErrorOf(refused), HasSubstr("EPTP-1"));
  refused.entries.clear();
  EXPECT_TRUE(MakeWalkCase(refused).ok());
}

// Who walks without looking at reserved bits prints more than is read.
TEST(WalkCaseTest, EntriesBelowTheOneThatIsRefusedStandThere) {
  const auto made =
      MakeWalkCase(WalkOf(0x1234, {"200f", "3007", "4007", "PTE=9037"}));
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->c.memory.size(), 4u);
  EXPECT_EQ(EventOf(made->c).exit_reason, 49);
  EXPECT_THAT(made->notes, Contains(HasSubstr("the walk ends before 0x3007")));
  EXPECT_THAT(ErrorOf(WalkOf(0x1234, {"200f", "3007", "4007", "9037", "1"})),
              HasSubstr("0x1 is superfluous"));
  EXPECT_THAT(ErrorOf(WalkOf(0x1234, {"200f", "PDE=3007"})),
              HasSubstr("the PDPTE comes next, and not the PDE 0x3007"));
}

TEST(WalkCaseTest, NamesAreHeldAgainstTheWalk) {
  EXPECT_EQ(ErrorOf(WalkOf(0x1234, {"PML4E=2007", "PTE=9037"})),
            "the PDPTE comes next, and not the PTE 0x9037");
  EXPECT_THAT(ErrorOf(WalkOf(0x1234, {"guest PML4E=2007"})),
              HasSubstr("the PML4E comes next, and not the guest PML4E"));
}

TEST(WalkCaseTest, LinearAccessesGoThroughTheGuestsTables) {
  EXPECT_EQ(ErrorOf(LinearWalk({"2007", "400000b7"})),
            "the guest PML4E is missing: CR3 has the table at guest-physical "
            "0x5000; the guest PML4E is the word at guest-physical 0x5000, "
            "host-physical 0x40005000");
  EXPECT_EQ(ErrorOf(LinearWalk({"2007", "400000b7", "6067", "7067"})),
            "the guest PDE is missing: the guest PDPTE 0x7067 references a "
            "table at guest-physical 0x7000; the guest PDE is the word at "
            "guest-physical 0x7008, host-physical 0x40007008");
  const auto made = MakeWalkCase(LinearWalk(
      {"2007", "400000b7", "guest PML4E=6067", "7067", "guest PDE=2000e7"}));
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(EventOf(made->c).translations[0].address.value, 0x40201234u);
  CopiedWalk without = LinearWalk({"2007"});
  without.cr3.reset();
  EXPECT_THAT(ErrorOf(without), HasSubstr("CR3 is missing"));
}

TEST(WalkCaseTest, EntriesOnTheWayToGuestEntriesAreNamedSo) {
  EXPECT_THAT(ErrorOf(LinearWalk({"2007"})),
              HasSubstr("the PDPTE on the way to the guest PML4E is missing"));
  // The final access is to another GByte.
  EXPECT_THAT(
      ErrorOf(LinearWalk({"2007", "400000b7", "6067", "7067", "800000e7"})),
      HasSubstr("the PDPTE is missing"));
}

TEST(WalkCaseTest, OtherModesOfGuestPaging) {
  CopiedWalk bits32 = LinearWalk({"2007", "400000b7"});
  bits32.paging = GuestPaging::k32Bit;
  bits32.gla = 0x401234;
  EXPECT_THAT(ErrorOf(bits32),
              HasSubstr("the guest PDE is the 4 bytes at guest-physical "
                        "0x5004, host-physical 0x40005004"));
  bits32.entries.push_back({0x6067, {}});
  bits32.entries.push_back({0x9067, {}});
  const auto made = MakeWalkCase(bits32);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(EventOf(made->c).translations[0].address.value, 0x40009234u);
  bits32.entries.back().value = 0x100009067;
  EXPECT_THAT(ErrorOf(bits32), HasSubstr("an entry has 32 bits"));

  CopiedWalk pae = LinearWalk({});
  pae.paging = GuestPaging::kPae;
  pae.gla = 0x40001234;
  EXPECT_THAT(ErrorOf(pae), HasSubstr("the guest PDPTE is missing: with PAE "
                                      "paging it is in PDPTE register 1"));
  pae.entries = {{0x8001, {}}, {0x2007, {}}, {0x400000b7, {}}};
  EXPECT_THAT(ErrorOf(pae), HasSubstr("its PDPTE register has the table at "
                                      "guest-physical 0x8000"));

  CopiedWalk five = LinearWalk({"2007", "400000b7"});
  five.paging = GuestPaging::k5Level;
  EXPECT_THAT(ErrorOf(five), HasSubstr("the guest PML5E is missing"));
}

TEST(WalkCaseTest, WhatIsNoQuestionIsRefused) {
  EXPECT_THAT(ErrorOf(WalkOf(std::uint64_t{1} << 52, {"2007"})),
              HasSubstr("no processor could be asked that"));
  CopiedWalk none = WalkOf(0, {});
  none.gpa.reset();
  EXPECT_THAT(ErrorOf(none), HasSubstr("the address of the access is missing"));
}

TEST(WalkCaseTest, ControlsThatNeedMoreAreLeftOutByName) {
  CopiedWalk walk = WalkOf(0x1234, {"2007", "b7"});
  walk.machine.secondary = 0x4020a2;  // EPT, VPID, unrestricted, VMFUNC, MBEC
  walk.machine.tertiary = 0x6;        // HLAT, paging-write
  const auto made = MakeWalkCase(walk);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->c.controls.secondary, 0x4000a2u);
  EXPECT_EQ(made->c.controls.tertiary, 0x4u);
  EXPECT_THAT(made->notes, Contains(HasSubstr("enable VM functions, enable "
                                              "HLAT")));
  EXPECT_EQ(EventOf(made->c).kind, EventKind::kCompleted);
}

TEST(WalkCaseTest, AGuestEntryIsReadOrItsFlagsAreSet) {
  CopiedWalk walk = WalkOf(0x5000, {"2007", "b1"});
  walk.to_guest_entry = true;
  EXPECT_EQ(EventOf(MakeWalkCase(walk)->c).kind, EventKind::kCompleted);
  walk.access.kind = AccessKind::kWrite;
  const Event event = EventOf(MakeWalkCase(walk)->c);
  EXPECT_EQ(event.exit_reason, 48);
  EXPECT_EQ(event.qualification & 0x180, 0x80u);  // not to the translation
}

}  // namespace
}  // namespace eptdiff
