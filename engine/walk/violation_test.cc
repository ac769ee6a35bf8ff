// VIO: which accesses the entries allow (SDM 29.3.3.2).
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "engine/walk/test_machine.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kPml4e = TestMachine::kPml4e;
constexpr std::uint64_t kPde = TestMachine::kPde;
constexpr std::uint64_t kPte = TestMachine::kPte;

// Who may use a page whose table entries have `table` rights and whose leaf is
// `leaf`: r, w, m (read-modify-write), x (fetch from a supervisor page), u
// (from a user page), s, S (shadow-stack read, write at CPL 0).
std::string Allowed(TestMachine m, std::uint64_t table, std::uint64_t leaf) {
  m.At(kPml4e) = 0x2000 | table;
  m.At(kPte) = 0x9030 | leaf;
  constexpr struct {
    char letter;
    AccessKind kind;
    bool user;
  } kUses[] = {
      {'r', AccessKind::kRead, false},
      {'w', AccessKind::kWrite, false},
      {'m', AccessKind::kReadModifyWrite, false},
      {'x', AccessKind::kFetch, false},
      {'u', AccessKind::kFetch, true},
      {'s', AccessKind::kShadowStackRead, false},
      {'S', AccessKind::kShadowStackWrite, false},
  };
  std::string allowed;
  for (const auto& use : kUses) {
    TestMachine copy = m;
    GuestPage page;
    page.user = use.user;
    const Event event = copy.Perform(use.kind, TestMachine::kGpa, page);
    if (Completed(event)) {
      allowed += use.letter;
    } else {
      EXPECT_EQ(ExitReason(event), 48);
    }
  }
  return allowed;
}

TEST(ViolationTest, RightsWithoutAnyControl) {
  EXPECT_EQ(Allowed({}, 7, 7), "rwmxusS");
  EXPECT_EQ(Allowed({}, 7, 3), "rwmsS");
  EXPECT_EQ(Allowed({}, 7, 5), "rxus");
  EXPECT_EQ(Allowed({}, 7, 1), "rs");
  EXPECT_EQ(Allowed({}, 7, 4), "xu");
  EXPECT_EQ(Allowed({}, 7, 0), "");
  EXPECT_EQ(Allowed({}, 3, 7), "rwmsS");
  EXPECT_EQ(Allowed({}, 5, 7), "rxus");
  EXPECT_EQ(Allowed({}, 1, 7), "rs");
  EXPECT_EQ(Allowed({}, 4, 7), "xu");
  EXPECT_EQ(Allowed({}, 5, 3), "rs");
  // Bit 10 is ignored.
  EXPECT_EQ(Allowed({}, 0x407, 0x403), "rwmsS");
}

TEST(ViolationTest, RightsUnderModeBasedExecuteControl) {
  TestMachine m;
  m.EnableMbec();
  m.At(TestMachine::kPdpte) |= 0x400;
  m.At(kPde) |= 0x400;
  EXPECT_EQ(Allowed(m, 0x407, 0x407), "rwmxusS");
  EXPECT_EQ(Allowed(m, 0x407, 0x007), "rwmxsS");
  EXPECT_EQ(Allowed(m, 0x407, 0x403), "rwmusS");
  EXPECT_EQ(Allowed(m, 0x007, 0x407), "rwmxsS");
  EXPECT_EQ(Allowed(m, 0x403, 0x407), "rwmusS");
  EXPECT_EQ(Allowed(m, 0x407, 0x400), "u");
  EXPECT_EQ(Allowed(m, 0x400, 0x407), "u");
  EXPECT_EQ(Allowed(m, 0x407, 0x004), "x");
}

TEST(ViolationTest, EveryLinearAddressIsUserModeWithoutPaging) {
  TestMachine m;
  m.EnableMbec();
  for (const std::uint64_t entry : {kPml4e, TestMachine::kPdpte, kPde}) {
    m.At(entry) |= 0x400;
  }
  m.At(kPte) = 0x9433;  // executable for user-mode addresses only
  EXPECT_EQ(ExitReason(m.Perform(AccessKind::kFetch)), 48);
  m.guest.cr0 = 1;
  EXPECT_TRUE(Completed(m.Perform(AccessKind::kFetch)));
  m.At(kPte) = 0x9037;
  EXPECT_EQ(ExitReason(m.Perform(AccessKind::kFetch)), 48);
}

TEST(ViolationTest, SupervisorShadowStackControl) {
  TestMachine m;
  m.EnableShadowStackControl();
  constexpr std::uint64_t kSs = 1ull << 60;
  EXPECT_EQ(Allowed(m, 7, 7), "rwmxu");
  EXPECT_EQ(Allowed(m, 7, kSs | 7), "rwmxusS");
  EXPECT_EQ(Allowed(m, 7, kSs | 5), "rxusS");  // the leaf's bit 1 is not asked
  EXPECT_EQ(Allowed(m, 5, kSs | 7), "rxu");    // a table entry's is
  EXPECT_EQ(Allowed(m, 7, kSs | 4), "xu");
  EXPECT_EQ(Allowed(m, 4, kSs | 7), "xu");
  EXPECT_EQ(Allowed(m, kSs | 7, 7), "rwmxu");  // bit 60 counts in leaves
}

// It is loaded and stored: where the control does not decide, both rights
// count.
TEST(ViolationTest, ATokenOfAShadowStackIsReadAndWritten) {
  constexpr AccessKind kToken = AccessKind::kShadowStackReadModifyWrite;
  for (const bool control : {false, true}) {
    TestMachine m;
    if (control) m.EnableShadowStackControl();
    const std::uint64_t bits = control ? 0x2002 : 0x2003;
    EXPECT_EQ(Completed(m.Perform(kToken)), !control);
    m.At(kPte) = 0x9035;
    EXPECT_EQ(m.Perform(kToken).qualification & 0x2007, bits);
    m.At(kPte) = 0x1000000000009035;
    EXPECT_EQ(Completed(m.Perform(kToken)), control);
    m.guest.cpl = 3;
    EXPECT_FALSE(Completed(m.Perform(kToken)));
    m.At(kPte) = 0x9037;
    EXPECT_TRUE(Completed(m.Perform(kToken)));
  }
}

TEST(ViolationTest, WhoMakesASupervisorShadowStackAccess) {
  constexpr struct {
    int cpl;
    bool implicit_supervisor;
    bool wruss;
    bool supervisor;
  } kCases[] = {
      {0, false, false, true},  {2, false, false, true},
      {3, false, false, false}, {3, true, false, true},
      {0, false, true, false},  {3, true, true, false},
  };
  for (const auto& c : kCases) {
    TestMachine m;
    m.EnableShadowStackControl();
    m.guest.cpl = c.cpl;
    const Access access = {.kind = AccessKind::kShadowStackWrite,
                           .size = 8,
                           .implicit_supervisor = c.implicit_supervisor,
                           .wruss = c.wruss};
    m.At(kPte) = 0x9037;  // allows all but supervisor shadow-stack accesses
    EXPECT_EQ(Completed(m.Perform(access)), !c.supervisor);
    m.At(kPte) = 0x1000000000009035;  // allows of the writes only those
    EXPECT_EQ(Completed(m.Perform(access)), c.supervisor);
  }
}

TEST(ViolationTest, StructureAccessesAreReadsAndWrites) {
  constexpr struct {
    bool access_dirty;
    std::uint64_t rights;
    bool read;
    bool update;
  } kCases[] = {
      {false, 7, true, true}, {false, 5, true, false}, {false, 4, false, false},
      {true, 3, true, true},  {true, 5, false, false}, {true, 1, false, false},
  };
  for (const auto& c : kCases) {
    for (const std::uint64_t entry : {kPml4e, kPte}) {
      TestMachine m;
      if (c.access_dirty) m.EnableAccessDirty();
      m.At(entry) = (m.At(entry) & ~7ull) | c.rights;
      EXPECT_EQ(Completed(m.ReadStructure()), c.read);
      EXPECT_EQ(Completed(m.UpdateStructure()), c.update);
    }
  }
}

TEST(ViolationTest, PagingWriteControl) {
  constexpr std::uint64_t kPagingWrite = 1ull << 58;
  constexpr struct {
    bool control;
    bool access_dirty;
    std::uint64_t pml4e;
    std::uint64_t pte;
    bool read;
    bool update;
    const char* words;
  } kCases[] = {
      {true, false, 0x2007, kPagingWrite | 0x9035, true, true, "58 for 1"},
      {true, true, 0x2007, kPagingWrite | 0x9035, true, true,
       "with A/D every access is a paging write"},
      {true, true, 0x2007, 0x9035, false, false, "neither"},
      {true, false, 0x2007, 0x9035, true, false, "a read needs neither"},
      {true, false, kPagingWrite | 0x2005, 0x9037, true, false,
       "a table entry needs bit 1"},
      {true, true, 0x2005, kPagingWrite | 0x9035, false, false,
       "a table entry needs bit 1"},
      {false, false, 0x2007, kPagingWrite | 0x9035, true, false,
       "without the control bit 58 is ignored"},
  };
  for (const auto& c : kCases) {
    TestMachine m;
    if (c.control) m.EnablePagingWrite();
    if (c.access_dirty) m.EnableAccessDirty();
    m.At(kPml4e) = c.pml4e;
    m.At(kPte) = c.pte;
    EXPECT_EQ(Completed(m.ReadStructure()), c.read) << c.words;
    EXPECT_EQ(Completed(m.UpdateStructure()), c.update) << c.words;
    // It is for paging writes alone.
    EXPECT_EQ(Completed(m.Perform(AccessKind::kWrite)),
              (c.pml4e & c.pte & 2) != 0)
        << c.words;
  }
}

TEST(ViolationTest, PdpteLoadsAreReads) {
  TestMachine m;
  m.EnableAccessDirty();
  m.guest.cr3 = 0x00000000;
  m.At(0x1000) = 0x2005;
  m.At(0x2000) = 0x3005;
  m.At(0x3000) = 0x4005;
  m.At(0x4000) = 0x9035;
  const Event event = m.LoadPdptes();
  EXPECT_TRUE(Completed(event));
  EXPECT_EQ(m.At(0x4000), 0x9135u);  // accessed, not dirty
  m.At(0x4000) = 0x9034;
  EXPECT_EQ(m.LoadPdptes().qualification, 0x21u);  // a read; execute is granted
}

TEST(ViolationTest, BothPagesAreJudgedBeforeAnyFlagIsSet) {
  constexpr std::uint64_t kNextPte = kPte + 8;
  const Gpa gpa{0x0000008080604ffe};
  const Access access = {.kind = AccessKind::kWrite, .size = 4};
  for (const bool second : {false, true}) {
    TestMachine m;
    m.EnablePml(100);
    m.At(kNextPte) = 0xb037;
    m.At(second ? kNextPte : kPte) &= ~2ull;
    const TestMachine before = m;
    const Event event = m.Perform(access, gpa, {.gla = Gla{0x7ffe}});
    EXPECT_EQ(ExitReason(event), 48);
    EXPECT_EQ(event.gpa, (Gpa{second ? 0x0000008080605000 : gpa.value}));
    EXPECT_EQ(event.gla, (Gla{second ? 0x8000ull : 0x7ffe}));
    EXPECT_EQ(m.words, before.words);
    EXPECT_EQ(m.controls, before.controls);
  }
  TestMachine m;
  m.At(kNextPte) = 0xb037;
  const Event event = m.Perform(access, gpa);
  ASSERT_EQ(event.translation_count, 2);
  EXPECT_EQ(event.translations[0].address, Hpa{0x9ffe});
  EXPECT_EQ(event.translations[1].address, Hpa{0xb000});
}

TEST(ViolationTest, ReadModifyWriteNeedsBothRights) {
  // Execute-only with sub-page permissions: a write may be allowed, a read of
  // the same bytes is not.
  TestMachine m;
  m.EnableSpp();
  m.At(0xa008) = 0xb001;
  m.At(0xb010) = 0xc001;
  m.At(0xc018) = 0xd001;
  m.At(0xd020) = 0x5555555555555555;
  m.At(kPte) = 0x2000000000009034;
  EXPECT_TRUE(Completed(m.Perform(AccessKind::kWrite)));
  EXPECT_EQ(ExitReason(m.Perform(AccessKind::kReadModifyWrite)), 48);
}

}  // namespace
}  // namespace eptdiff
