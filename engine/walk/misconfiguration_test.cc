// CFG: EPT misconfigurations (SDM 29.3.3.1), one table of entries.
#include <gtest/gtest.h>

#include <cstdint>

#include "engine/walk/test_machine.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kPml5e = TestMachine::kPml5e;
constexpr std::uint64_t kPml4e = TestMachine::kPml4e;
constexpr std::uint64_t kPdpte = TestMachine::kPdpte;
constexpr std::uint64_t kPde = TestMachine::kPde;
constexpr std::uint64_t kPte = TestMachine::kPte;

enum Mode { kPlain, kNoExecuteOnly, kMbec, kMbecNoExecuteOnly, kPw };

struct EntryCase {
  const char* rule;
  std::uint64_t address;
  std::uint64_t value;
  Mode mode;
  int reason;  // of a fetch; 0: it completes
};

// Beside each rule's refusals stands what it must not refuse.
constexpr EntryCase kCases[] = {
    {"CFG-1: write-only", kPte, 0x9032, kPlain, 49},
    {"CFG-1: write-only", kPml4e, 0x2002, kPlain, 49},
    {"CFG-1: write and execute", kPte, 0x9036, kPlain, 49},
    {"CFG-1: write and execute", kPde, 0x4006, kPlain, 49},
    {"CFG-2: execute-only", kPte, 0x9034, kNoExecuteOnly, 49},
    {"CFG-2: execute-only", kPml4e, 0x2004, kNoExecuteOnly, 49},
    {"execute-only is supported", kPte, 0x9034, kPlain, 0},
    {"execute-only is supported", kPml4e, 0x2004, kPlain, 0},
    {"CFG-3: user execute-only", kPte, 0x9430, kMbecNoExecuteOnly, 49},
    {"CFG-3: user execute-only", kPde, 0x4400, kMbecNoExecuteOnly, 49},
    {"bit 10 is ignored: not present", kPte, 0x9430, kNoExecuteOnly, 48},
    {"user execute-only is supported", kPte, 0x9430, kMbec, 48},
    {"CFG-4: paging-write, not readable", kPte, 0x0400000000009034, kPw, 49},
    {"CFG-4 in a 2-MByte page", kPde, 0x04000000002000b4, kPw, 49},
    {"CFG-4 in a 1-GByte page", kPdpte, 0x04000000400000b4, kPw, 49},
    {"CFG-4 is about leaves", kPde, 0x0400000000004004, kPw, 0},
    {"paging-write and readable", kPte, 0x0400000000009035, kPw, 0},
    {"bit 58 without the control", kPte, 0x0400000000009034, kPlain, 0},
    {"CFG-5: bit 3", kPml5e, 0x100f, kPlain, 49},
    {"CFG-5: bit 7", kPml5e, 0x1087, kPlain, 49},
    {"CFG-5: bit 3", kPml4e, 0x200f, kPlain, 49},
    {"CFG-5: bit 4", kPml4e, 0x2017, kPlain, 49},
    {"CFG-5: bit 5", kPml4e, 0x2027, kPlain, 49},
    {"CFG-5: bit 6", kPml4e, 0x2047, kPlain, 49},
    {"CFG-5: bit 7", kPml4e, 0x2087, kPlain, 49},
    {"CFG-6: bit 3", kPdpte, 0x300f, kPlain, 49},
    {"CFG-6: bit 6", kPdpte, 0x3047, kPlain, 49},
    {"CFG-6: bit 4", kPde, 0x4017, kPlain, 49},
    {"CFG-6: bit 6", kPde, 0x4047, kPlain, 49},
    {"bit 6 of a leaf", kPte, 0x9077, kPlain, 0},
    {"bit 6 of a 2-MByte page", kPde, 0x00000000002000f7, kPlain, 0},
    {"CFG-8: bit 12", kPdpte, 0x00000000400010b7, kPlain, 49},
    {"CFG-8: bit 29", kPdpte, 0x00000000600000b7, kPlain, 49},
    {"a 1-GByte page", kPdpte, 0x00000000400000b7, kPlain, 0},
    {"CFG-9: bit 12", kPde, 0x00000000002010b7, kPlain, 49},
    {"CFG-9: bit 20", kPde, 0x00000000003000b7, kPlain, 49},
    {"a 2-MByte page", kPde, 0x00000000002000b7, kPlain, 0},
    {"CFG-10: bit 46", kPml5e, 0x0000400000001007, kPlain, 49},
    {"CFG-10: bit 46", kPml4e, 0x0000400000002007, kPlain, 49},
    {"CFG-10: bit 51", kPdpte, 0x0008000000003007, kPlain, 49},
    {"CFG-10: bit 46", kPdpte, 0x00004000400000b7, kPlain, 49},
    {"CFG-10: bit 46", kPde, 0x0000400000004007, kPlain, 49},
    {"CFG-10: bit 51", kPde, 0x00080000002000b7, kPlain, 49},
    {"CFG-10: bit 51", kPte, 0x0008000000009037, kPlain, 49},
    {"bit 52 is ignored", kPte, 0x0010000000009037, kPlain, 0},
    {"CFG-11: type 2", kPte, 0x9017, kPlain, 49},
    {"CFG-11: type 3", kPte, 0x901f, kPlain, 49},
    {"CFG-11: type 7", kPte, 0x903f, kPlain, 49},
    {"CFG-11: type 7, ignore PAT", kPte, 0x907f, kPlain, 49},
    {"CFG-11: type 2", kPde, 0x0000000000200097, kPlain, 49},
    {"CFG-11: type 3", kPdpte, 0x000000004000009f, kPlain, 49},
    {"type 0", kPte, 0x9007, kPlain, 0},
    {"type 1", kPte, 0x900f, kPlain, 0},
    {"type 4", kPte, 0x9027, kPlain, 0},
    {"type 5", kPte, 0x902f, kPlain, 0},
};

TestMachine MachineFor(Mode mode) {
  TestMachine m;
  // The PML5E is used and the other entries are as before.
  m.EnableFiveLevels();
  if (mode == kNoExecuteOnly || mode == kMbecNoExecuteOnly) {
    m.processor.ept_vpid_cap &= ~std::uint64_t{1};
  }
  if (mode == kMbec || mode == kMbecNoExecuteOnly) m.EnableMbec();
  if (mode == kPw) m.EnablePagingWrite();
  return m;
}

TEST(MisconfigurationTest, Entries) {
  for (const EntryCase& c : kCases) {
    TestMachine m = MachineFor(c.mode);
    m.At(c.address) = c.value;
    const Event event = m.Perform(AccessKind::kFetch);
    EXPECT_EQ(ExitReason(event), c.reason)
        << c.rule << ": " << std::hex << c.value << " at " << c.address;
  }
}

// The kind of access makes no difference to a misconfiguration, nor do A/D.
TEST(MisconfigurationTest, EveryAccessMeetsIt) {
  for (const EntryCase& c : kCases) {
    if (c.reason != 49) continue;
    for (int kind = 0; kind < 6; ++kind) {
      TestMachine m = MachineFor(c.mode);
      m.EnableAccessDirty();
      m.At(c.address) = c.value;
      const Event event = m.Perform(static_cast<AccessKind>(kind));
      EXPECT_EQ(ExitReason(event), 49)
          << c.rule << ": " << std::hex << c.value << " at " << c.address;
      EXPECT_EQ(m.At(c.address), c.value);
    }
    TestMachine m = MachineFor(c.mode);
    m.At(c.address) = c.value;
    EXPECT_EQ(ExitReason(m.ReadStructure()), 49) << c.rule;
    EXPECT_EQ(ExitReason(m.UpdateStructure()), 49) << c.rule;
  }
}

TEST(MisconfigurationTest, LargePagesThatTheProcessorLacks) {
  constexpr struct {
    std::uint64_t address;
    std::uint64_t value;
    int capability;
  } kPages[] = {
      {kPdpte, 0x00000000400000b7, 17},
      {kPde, 0x00000000002000b7, 16},
  };
  for (const auto& c : kPages) {
    TestMachine m;
    m.At(c.address) = c.value;
    EXPECT_TRUE(Completed(m.Perform(AccessKind::kRead)));
    m.processor.ept_vpid_cap &= ~(1ull << c.capability);
    EXPECT_EQ(ExitReason(m.Perform(AccessKind::kRead)), 49);
  }
}

TEST(MisconfigurationTest, ReportsTheGuestPhysicalAddressAlone) {
  TestMachine m;
  m.guest.nmi_unblocking = true;
  m.EnableVe();  // VE-2: never converted
  m.At(kPte) = 0x903f;
  const Event event =
      m.Perform(AccessKind::kWrite, TestMachine::kGpa, {.gla = Gla{0x1234}});
  Event expected;
  expected.kind = EventKind::kVmExit;
  expected.exit_reason = 49;
  expected.gpa = TestMachine::kGpa;
  EXPECT_EQ(event, expected);
}

}  // namespace
}  // namespace eptdiff
