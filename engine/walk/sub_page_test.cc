// SPP: sub-page write permissions (SDM 29.3.4).
#include "engine/walk/sub_page.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "engine/walk/test_machine.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kPte = TestMachine::kPte;
// The SPP entries of kGpa.
constexpr std::uint64_t kSppl4e = 0xa008;
constexpr std::uint64_t kSppl3e = 0xb010;
constexpr std::uint64_t kSppl2e = 0xc018;
constexpr std::uint64_t kVector = 0xd020;

// The page is read-only with sub-page permissions; `vector` rules.
TestMachine Machine(std::uint64_t vector) {
  TestMachine m;
  m.EnableSpp();
  m.At(kPte) = 0x2000000000009035;
  m.At(kSppl4e) = 0xb001;
  m.At(kSppl3e) = 0xc001;
  m.At(kSppl2e) = 0xd001;
  m.At(kVector) = vector;
  return m;
}

constexpr std::uint64_t kAllSubPages = 0x5555555555555555;

TEST(SubPageTest, EachBitIsForOneSubPage) {
  for (unsigned sub_page = 0; sub_page < 32; ++sub_page) {
    TestMachine m = Machine(1ull << (2 * sub_page));
    for (unsigned other = 0; other < 32; ++other) {
      const Gpa gpa{0x0000008080604000ull + 128 * other};
      EXPECT_EQ(Completed(m.Perform(AccessKind::kWrite, gpa)),
                other == sub_page);
    }
  }
}

TEST(SubPageTest, AWriteNeedsAllItsSubPages) {
  constexpr struct {
    std::uint64_t vector;
    std::uint64_t offset;
    int bytes;
    bool allowed;
  } kCases[] = {
      {0x0000000000000005, 0x07e, 4, true},
      {0x0000000000000001, 0x07e, 4, false},
      {0x0000000000000004, 0x07e, 4, false},
      {0x0000000000000001, 0x07c, 4, true},
      {0x5000000000000000, 0xf40, 64, true},
      {0x5000000000000000, 0xf7f, 64, true},
      {0x4000000000000000, 0xf7f, 64, false},
      {0x0000000000000015, 0x07f, 130, true},
      {0x0000000000000011, 0x07f, 130, false},
      {kAllSubPages, 0x000, 4096, true},
      {kAllSubPages & ~0x40000ull, 0x000, 4096, false},
      {kAllSubPages & ~1ull, 0x080, 3968, true},
  };
  for (const auto& c : kCases) {
    TestMachine m = Machine(c.vector);
    const Access access = {.kind = AccessKind::kWrite,
                           .size = static_cast<std::uint16_t>(c.bytes)};
    EXPECT_EQ(Completed(m.Perform(access, Gpa{0x8080604000ull + c.offset})),
              c.allowed)
        << std::hex << c.vector << ' ' << c.offset;
  }
}

TEST(SubPageTest, MissesAndMisconfigurations) {
  constexpr struct {
    std::uint64_t address;
    std::uint64_t value;
    int reason;
    std::uint64_t qualification;  // bits 11 and 1
  } kCases[] = {
      {kSppl4e, 0xb000, 66, 0x800},
      {kSppl3e, 0, 66, 0x800},
      {kSppl2e, 0xdffe, 66, 0x800},  // not valid: nothing is reserved
      {kSppl4e, 0xb003, 66, 0x000},
      {kSppl3e, 0xc801, 66, 0x000},
      {kSppl2e, 0x000040000000d001, 66, 0x000},
      {kSppl4e, 0x800000000000b001, 66, 0x000},
      {kVector, 0x5555555555555557, 66, 0x000},
      {kVector, 0x8000000000000000, 66, 0x000},  // of another sub-page
      {kVector, 0, 48, 0x002},                   // no miss
  };
  for (const auto& c : kCases) {
    TestMachine m = Machine(kAllSubPages);
    m.EnableVe();
    m.At(0x7000) = 1ull << 32;  // the #VE area is busy
    m.At(c.address) = c.value;
    const Event event =
        m.Perform(AccessKind::kWrite, TestMachine::kGpa, {.gla = Gla{0x1abc}});
    EXPECT_EQ(ExitReason(event), c.reason) << std::hex << c.value;
    EXPECT_EQ(event.qualification & 0x812, c.qualification)
        << std::hex << c.value;
    EXPECT_EQ(event.gpa, TestMachine::kGpa);
    EXPECT_EQ(event.gla, Gla{0x1abc});
  }
}

TEST(SubPageTest, WhichWritesAreEligible) {
  constexpr struct {
    const char* words;
    std::uint64_t entry;
    std::uint64_t value;
    bool eligible;
  } kCases[] = {
      {"bit 61 clear", kPte, 0x0000000000009035, false},
      {"bit 1 clear in a table entry", TestMachine::kPde, 0x4005, true},
      {"a 2-MByte page", TestMachine::kPde, 0x20000000002000b5, false},
      {"a 1-GByte page", TestMachine::kPdpte, 0x20000000400000b5, false},
      {"writable anyhow", kPte, 0x2000000000009037, true},
  };
  for (const auto& c : kCases) {
    TestMachine m = Machine(kAllSubPages);
    m.At(c.entry) = c.value;
    EXPECT_EQ(Completed(m.Perform(AccessKind::kWrite)), c.eligible) << c.words;
  }
  TestMachine writable = Machine(0);
  writable.At(kPte) = 0x2000000000009037;
  EXPECT_TRUE(Completed(writable.Perform(AccessKind::kWrite)));
}

TEST(SubPageTest, WhichAccessesAreEligible) {
  TestMachine m = Machine(kAllSubPages);
  EXPECT_TRUE(Completed(m.Perform(AccessKind::kWrite)));
  EXPECT_TRUE(Completed(m.Perform(AccessKind::kReadModifyWrite)));
  EXPECT_TRUE(Completed(m.Perform(AccessKind::kShadowStackWrite)));
  EXPECT_EQ(ExitReason(m.UpdateStructure()), 48);
  m.EnableAccessDirty();
  EXPECT_EQ(ExitReason(m.ReadStructure()), 48);
  EXPECT_EQ(ExitReason(m.UpdateStructure()), 48);
  m.guest.transactional = true;
  EXPECT_EQ(ExitReason(m.Perform(AccessKind::kWrite)), 48);
  m.guest.transactional = false;
  // Without a linear address: trace output, architectural PEBS.
  m.controls.secondary |= 1u << 24;
  m.controls.tertiary |= 1u << 12;
  const GuestPage no_gla = {.gla_valid = false};
  EXPECT_TRUE(
      Completed(m.Perform(AccessKind::kWrite, TestMachine::kGpa, no_gla)));
  EXPECT_EQ(ExitReason(m.Perform({.kind = AccessKind::kWrite, .pebs = true},
                                 TestMachine::kGpa, no_gla)),
            48);
  m.controls.secondary &= ~(1u << 23);
  EXPECT_EQ(ExitReason(m.Perform(AccessKind::kWrite)), 48);
}

TEST(SubPageTest, SupervisorShadowStackControlAsksNoSubPages) {
  TestMachine m = Machine(0);
  m.EnableShadowStackControl();
  m.At(kPte) |= 1ull << 60;
  EXPECT_TRUE(Completed(m.Perform(AccessKind::kShadowStackWrite)));
  m.guest.cpl = 3;
  EXPECT_EQ(ExitReason(m.Perform(AccessKind::kShadowStackWrite)), 48);
}

TEST(SubPageTest, HighAddressBitsIndexNothing) {
  TestMachine m = Machine(kAllSubPages);
  m.EnableFiveLevels();
  m.At(0x5078) = 0x1007;
  EXPECT_TRUE(Completed(m.Perform(
      AccessKind::kWrite, Gpa{0x000f000000000000 | TestMachine::kGpa.value})));
}

TEST(SubPageTest, AllowedWritesSetFlagsAndAreLogged) {
  TestMachine m = Machine(kAllSubPages);
  m.EnablePml(5);
  EXPECT_TRUE(Completed(m.Perform(AccessKind::kWrite)));
  EXPECT_EQ(m.At(kPte), 0x2000000000009335u);
  EXPECT_EQ(m.At(0x8028), 0x0000008080604000u);
  EXPECT_EQ(m.At(kSppl4e), 0xb001u);  // SPP tables have no flags
  // The SPP look-up comes before the log.
  m.controls.pml_index = 512;
  m.At(kPte) = 0x2000000000009035;
  EXPECT_EQ(ExitReason(m.Perform(AccessKind::kWrite)), 62);
  m.At(kVector) = 0;
  EXPECT_EQ(ExitReason(m.Perform(AccessKind::kWrite)), 48);
}

TEST(SubPageTest, TablesWithoutMemory) {
  TestMachine m = Machine(kAllSubPages);
  m.At(kSppl3e) = 0x0000000000100001;
  m.Perform(AccessKind::kWrite);
  EXPECT_EQ(m.status, EngineStatus::kNoMemory);
}

}  // namespace
}  // namespace eptdiff
