// QUAL, INFO: what VM exits report (SDM table 28-7, 28.2.1).
#include <gtest/gtest.h>

#include <cstdint>

#include "engine/walk/test_machine.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kPml4e = TestMachine::kPml4e;
constexpr std::uint64_t kPte = TestMachine::kPte;

TEST(QualificationTest, KindOfAccess) {
  constexpr struct {
    AccessKind kind;
    std::uint64_t expected;  // bits 2:0 and 13
  } kCases[] = {
      {AccessKind::kRead, 0x0001},
      {AccessKind::kWrite, 0x0002},
      {AccessKind::kReadModifyWrite, 0x0003},
      {AccessKind::kFetch, 0x0004},
      {AccessKind::kShadowStackRead, 0x2001},
      {AccessKind::kShadowStackWrite, 0x2002},
  };
  for (const auto& c : kCases) {
    for (const bool control : {false, true}) {
      TestMachine m;
      if (control) m.EnableShadowStackControl();
      m.At(kPte) = 0;
      EXPECT_EQ(m.Perform(c.kind).qualification & 0x2007, c.expected);
    }
  }
}

TEST(QualificationTest, StructureAccesses) {
  constexpr struct {
    bool access_dirty;
    std::uint64_t read;
    std::uint64_t update;
  } kCases[] = {{false, 0x81, 0x83}, {true, 0x83, 0x83}};
  for (const auto& c : kCases) {
    TestMachine m;
    if (c.access_dirty) m.EnableAccessDirty();
    m.At(kPte) = 0;
    EXPECT_EQ(m.ReadStructure().qualification, c.read);
    EXPECT_EQ(m.UpdateStructure().qualification, c.update);
  }
}

TEST(QualificationTest, RightsAreTheAndOfAllEntries) {
  constexpr struct {
    bool mbec;
    std::uint64_t pml4e;
    std::uint64_t pte;
    AccessKind kind;
    std::uint64_t expected;  // bits 6:3
  } kCases[] = {
      {false, 0x2007, 0x9035, AccessKind::kWrite, 0x28},
      {false, 0x2005, 0x9037, AccessKind::kWrite, 0x28},
      {false, 0x2003, 0x9035, AccessKind::kWrite, 0x08},
      {false, 0x2007, 0x9034, AccessKind::kRead, 0x20},
      {false, 0x2007, 0x9433, AccessKind::kFetch, 0x18},
      {false, 0x2407, 0x9435, AccessKind::kWrite, 0x28},  // bit 6 undefined
      {true, 0x2407, 0x9433, AccessKind::kFetch, 0x58},
      {true, 0x2007, 0x9433, AccessKind::kFetch, 0x18},
      {true, 0x2407, 0x9435, AccessKind::kWrite, 0x68},
      {true, 0x2407, 0x9000, AccessKind::kWrite, 0x00},
      {false, 0x2007, 0x0000, AccessKind::kWrite, 0x00},
      {false, 0x0000, 0x9037, AccessKind::kWrite, 0x00},
  };
  for (const auto& c : kCases) {
    TestMachine m;
    if (c.mbec) m.EnableMbec();
    m.At(TestMachine::kPdpte) |= 0x400;
    m.At(TestMachine::kPde) |= 0x400;
    m.At(kPml4e) = c.pml4e;
    m.At(kPte) = c.pte;
    const Event event = m.Perform(c.kind);
    ASSERT_EQ(ExitReason(event), 48);
    EXPECT_EQ(event.qualification & 0x78, c.expected)
        << std::hex << c.pml4e << ' ' << c.pte;
  }
}

TEST(QualificationTest, SubstitutesForWriteAccessAreNotReported) {
  TestMachine m;
  m.EnablePagingWrite();
  m.EnableShadowStackControl();
  m.At(kPte) = 0x1400000000009035;  // paging-write and shadow-stack access
  EXPECT_EQ(m.Perform(AccessKind::kWrite).qualification & 0x38, 0x28u);
}

TEST(QualificationTest, LinearAddress) {
  constexpr struct {
    bool gla_valid;
    bool user, writable, execute_disable;
    bool advanced;
    std::uint64_t expected;  // bits 11:7
  } kCases[] = {
      {true, false, false, false, true, 0x180},
      {true, true, false, false, true, 0x380},
      {true, false, true, false, true, 0x580},
      {true, false, false, true, true, 0x980},
      {true, true, true, true, true, 0xf80},
      {true, true, true, true, false, 0x180},
      {false, true, true, true, true, 0x000},  // trace pre-translation
  };
  for (const auto& c : kCases) {
    TestMachine m;
    if (!c.advanced) m.processor.ept_vpid_cap &= ~(1ull << 22);
    m.controls.secondary |= 1u << 24;  // Intel PT uses guest-physical addresses
    m.At(kPte) = 0;
    const GuestPage page = {.gla_valid = c.gla_valid,
                            .gla = Gla{0x123},
                            .user = c.user,
                            .writable = c.writable,
                            .execute_disable = c.execute_disable};
    const Event event = m.Perform(AccessKind::kRead, TestMachine::kGpa, page);
    EXPECT_EQ(event.qualification & 0xf80, c.expected);
    EXPECT_EQ(event.gla, (Gla{c.gla_valid ? 0x123ull : 0}));
    EXPECT_EQ(event.gpa, TestMachine::kGpa);
  }
}

TEST(QualificationTest, ExecuteDisableNeedsPaeAndNxe) {
  const GuestPage page = {.gla = {}, .execute_disable = true};
  constexpr struct {
    std::uint64_t cr0, cr4, efer;
    std::uint64_t expected;  // bits 11:9
  } kCases[] = {
      {0x80000001, 0x20, 0x800, 0x800},
      {0x80000001, 0x20, 0x000, 0x000},
      {0x80000001, 0x00, 0x800, 0x000},
      {0x00000001, 0x20, 0x800, 0x600},  // no paging: user, read/write
  };
  for (const auto& c : kCases) {
    TestMachine m;
    m.guest.cr0 = c.cr0;
    m.guest.cr4 = c.cr4;
    m.guest.efer = c.efer;
    m.At(kPte) = 0;
    EXPECT_EQ(
        m.Perform(AccessKind::kRead, TestMachine::kGpa, page).qualification &
            0xe00,
        c.expected);
  }
}

TEST(QualificationTest, NmiUnblockingWhereItIsDefined) {
  constexpr struct {
    std::uint32_t pin_based;  // NMI exiting 8, virtual NMIs 20H
    bool event_delivery;
    bool reported;
  } kCases[] = {
      {0x00, false, true}, {0x28, false, true}, {0x08, false, false},
      {0x00, true, false}, {0x28, true, false},
  };
  for (const auto& c : kCases) {
    TestMachine m;
    m.controls.pin_based = c.pin_based;
    m.guest.event_delivery = c.event_delivery;
    m.At(kPte) = 0;
    EXPECT_EQ(m.Perform(AccessKind::kRead).qualification & 0x1000, 0u);
    m.guest.nmi_unblocking = true;
    EXPECT_EQ((m.Perform(AccessKind::kRead).qualification & 0x1000) != 0,
              c.reported);
  }
}

TEST(QualificationTest, ShadowStackBitOfTheLeaf) {
  constexpr struct {
    bool control;
    std::uint64_t pte;
    bool reported;
  } kCases[] = {
      {true, 0x1000000000009035, true},
      {true, 0x0000000000009035, false},
      {false, 0x1000000000009035, false},
      {true, 0x1000000000009000, false},  // not present: no leaf
  };
  for (const auto& c : kCases) {
    TestMachine m;
    if (c.control) m.EnableShadowStackControl();
    m.At(kPte) = c.pte;
    const Event event = m.Perform(AccessKind::kWrite);
    ASSERT_EQ(ExitReason(event), 48);
    EXPECT_EQ((event.qualification & 0x4000) != 0, c.reported);
  }
}

TEST(QualificationTest, AsynchronousAccesses) {
  TestMachine m;
  m.controls.secondary |= 1u << 24;  // Intel PT uses guest-physical addresses
  m.At(kPte) = 0;
  EXPECT_EQ(m.Perform({.asynchronous = true}).qualification, 0x10181u);
  // Trace-address pre-translation is one.
  EXPECT_EQ(m.Perform(AccessKind::kRead, TestMachine::kGpa,
                      {.gla_valid = false, .gla = {}})
                .qualification,
            0x10001u);
}

TEST(QualificationTest, LinearAddressesHave32BitsOutside64BitMode) {
  const GuestPage page = {.gla = Gla{0xffff800012345678}};
  constexpr struct {
    std::uint64_t efer;
    bool cs_l;
    std::uint64_t expected;
  } kCases[] = {
      {0xd00, true, 0xffff800012345678},
      {0xd00, false, 0x12345678},
      {0x900, true, 0x12345678},
  };
  for (const auto& c : kCases) {
    TestMachine m;
    m.guest.efer = c.efer;
    m.guest.cs_l = c.cs_l;
    m.At(kPte) = 0;
    EXPECT_EQ(m.Perform(AccessKind::kRead, TestMachine::kGpa, page).gla,
              Gla{c.expected});
  }
}

TEST(QualificationTest, PdpteLoadsHaveNoLinearAddress) {
  TestMachine m;
  m.guest.cr3 = 0x0000000080604020;
  const Event event = m.LoadPdptes();
  EXPECT_EQ(ExitReason(event), 48);
  EXPECT_EQ(event.qualification, 0x1u);
  EXPECT_EQ(event.gpa, Gpa{0x80604020});
  EXPECT_EQ(event.gla, Gla{});
}

}  // namespace
}  // namespace eptdiff
