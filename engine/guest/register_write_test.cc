#include "engine/guest/register_write.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>

#include "engine/walk/test_machine.h"

namespace eptdiff {
namespace {

using enum GuestRegister;

// In 64-bit mode at CPL 0, as VM entry leaves it; or with PAE paging, the
// PDPTEs at guest-physical address 20H, which is 9020H.
class RegisterWriteTest : public testing::Test {
 protected:
  RegisterWriteTest() {
    m_.guest.cr0 = 0x80000021;
    m_.guest.cr4 = 0x2020;
    m_.guest.rflags = 2;
    m_.At(0x1000) = 0x2007;
    m_.At(0x2000) = 0x3007;
    m_.At(0x3000) = 0x4007;
    m_.At(0x4000) = 0x9037;
    m_.At(0x9020) = 0x7001;
  }

  void BeginPae() {
    m_.guest.efer = 0x800;
    m_.guest.cs_l = false;
    m_.guest.cr3 = 0x20;
    m_.guest.pdpte = {1, 1, 1, 1};
  }
  void BeginUnpaged() {
    BeginPae();
    m_.guest.cr0 = 0x21;
    m_.guest.cr4 = 0x2020;
    m_.controls.secondary |= 0x80;  // unrestricted guest
  }
  void BeginCompatibility() {
    m_.guest.cs_l = false;
    m_.controls.secondary |= 0x80;
  }

  EventKind Write(GuestRegister reg, std::uint64_t value) {
    event_ = m_.Ask([&](Engine& engine, FlatMemory& memory, Event& event) {
      return engine.WriteRegister(memory, reg, value, event);
    });
    EXPECT_EQ(m_.status, EngineStatus::kAnswered);
    return event_.kind;
  }
  // Faults, and leaves everything as it was.
  bool Faults(GuestRegister reg, std::uint64_t value) {
    const GuestState before = m_.guest;
    const bool faults = Write(reg, value) == EventKind::kGeneralProtection;
    EXPECT_EQ(m_.guest == before, faults);
    return faults;
  }
  bool IsNoQuestion(GuestRegister reg, std::uint64_t value) {
    Event event;
    m_.Ask([&](Engine& engine, FlatMemory& memory, Event&) {
      return engine.WriteRegister(memory, reg, value, event);
    });
    return m_.status == EngineStatus::kCallerError;
  }

  TestMachine m_;
  Event event_;
};

TEST_F(RegisterWriteTest, Cr0) {
  EXPECT_TRUE(Faults(kCr0, 0x180000021));
  EXPECT_TRUE(Faults(kCr0, 0x80000001));  // NE
  EXPECT_TRUE(Faults(kCr0, 0xa0000021));  // NW without CD
  EXPECT_TRUE(Faults(kCr0, 0x80000020));  // PE
  EXPECT_TRUE(Faults(kCr0, 0x21));        // PG
  EXPECT_FALSE(Faults(kCr0, 0xc0010021));
  EXPECT_EQ(m_.guest.cr0, 0xc0010021u);
}

TEST_F(RegisterWriteTest, Cr0KeepsBitsThatItIgnores) {
  m_.guest.cr0 |= 0x10;
  ASSERT_EQ(Write(kCr0, 0x8fffffef), EventKind::kCompleted);
  EXPECT_EQ(m_.guest.cr0, 0x8005003fu);
}

TEST_F(RegisterWriteTest, LeavingAndEnteringIa32eMode) {
  BeginCompatibility();
  ASSERT_EQ(Write(kCr0, 0x21), EventKind::kCompleted);
  EXPECT_EQ(m_.guest.efer, 0x900u);  // LMA is 0, LME stays
  m_.guest.cs_l = true;
  EXPECT_TRUE(Faults(kCr0, 0x80000021));
  m_.guest.cs_l = false;
  m_.guest.cr4 = 0x2000;
  EXPECT_TRUE(Faults(kCr0, 0x80000021));  // without PAE
  m_.guest.cr4 = 0x2020;
  ASSERT_EQ(Write(kCr0, 0x80000021), EventKind::kCompleted);
  EXPECT_EQ(m_.guest.efer, 0xd00u);
}

// Without "load IA32_EFER" VM entry loads LME as it loads LMA.
TEST_F(RegisterWriteTest, LmeIsLmaWithPaging) {
  BeginCompatibility();
  m_.guest.efer = 0xc00;
  EXPECT_TRUE(Faults(kEfer, 0x800));
  ASSERT_EQ(Write(kCr0, 0x21), EventKind::kCompleted);
  EXPECT_EQ(m_.guest.efer, 0x900u);
}

TEST_F(RegisterWriteTest, Cr0UnderCetAndPcid) {
  BeginCompatibility();
  m_.guest.cr0 |= 0x10000;
  m_.guest.cr4 |= 0x800000;
  EXPECT_TRUE(Faults(kCr0, 0x80000021));
  m_.guest.cr4 = 0x22020;
  EXPECT_TRUE(Faults(kCr0, 0x10021));
  EXPECT_FALSE(Faults(kCr0, 0x80000021));
}

TEST_F(RegisterWriteTest, Cr4) {
  EXPECT_TRUE(Faults(kCr4, 0x20));    // VMXE
  EXPECT_TRUE(Faults(kCr4, 0x2000));  // PAE
  for (const int bit : {15, 26, 29, 30, 31, 33, 63}) {
    EXPECT_TRUE(Faults(kCr4, 0x2020 | std::uint64_t{1} << bit)) << bit;
  }
  // What no processor enumerates here.
  for (const int bit : {12, 17, 20, 21, 22, 23, 24}) {
    EXPECT_TRUE(Faults(kCr4, 0x2020 | std::uint64_t{1} << bit)) << bit;
  }
  m_.guest.cr4 |= 0x100000;
  EXPECT_FALSE(Faults(kCr4, 0x1020a0));
  EXPECT_EQ(m_.guest.cr4, 0x1020a0u);
}

TEST_F(RegisterWriteTest, Cr4OfFeaturesThatNeedMore) {
  m_.processor.la57 = m_.processor.pcid = m_.processor.cet_ss = true;
  EXPECT_TRUE(Faults(kCr4, 0x3020));
  EXPECT_TRUE(Faults(kCr4, 0x802020));  // without WP
  m_.guest.cr3 = 0x1020;
  EXPECT_TRUE(Faults(kCr4, 0x22020));
  m_.guest.cr3 = 0x1000;
  EXPECT_FALSE(Faults(kCr4, 0x22020));
  m_.guest.cr0 |= 0x10000;
  EXPECT_FALSE(Faults(kCr4, 0x822020));
}

TEST_F(RegisterWriteTest, Cr3) {
  EXPECT_TRUE(Faults(kCr3, std::uint64_t{1} << 46));
  EXPECT_TRUE(Faults(kCr3, std::uint64_t{1} << 61));
  EXPECT_TRUE(Faults(kCr3, std::uint64_t{1} << 63));
  m_.guest.cr4 |= 0x10020000;  // LAM_SUP, PCIDE
  EXPECT_FALSE(Faults(kCr3, 0xe000200000001005));
  EXPECT_EQ(m_.guest.cr3, 0x6000200000001005u);
}

TEST_F(RegisterWriteTest, Cr3LoadExiting) {
  m_.controls.primary |= 0x8000;
  const GuestState before = m_.guest;
  for (const std::uint64_t value : {std::uint64_t{0x1000}, ~std::uint64_t{0}}) {
    ASSERT_EQ(Write(kCr3, value), EventKind::kVmExit);
    EXPECT_EQ(event_.exit_reason, 28);
    EXPECT_EQ(event_.qualification, 3u);
    EXPECT_EQ(m_.guest, before);
  }
}

TEST_F(RegisterWriteTest, MovToCrLoadsPdptes) {
  const std::array<std::uint64_t, 4> loaded = {0x7001, 0, 0, 0};
  m_.processor.smep = m_.processor.smap = true;
  const struct {
    GuestRegister reg;
    std::uint64_t value;
    bool loads;
  } kWrites[] = {
      {kCr3, 0x20, true},       {kCr0, 0xc0000021, true},
      {kCr0, 0xe0000021, true}, {kCr0, 0x80010021, false},
      {kCr4, 0x20a0, true},     {kCr4, 0x2030, true},
      {kCr4, 0x102020, true},   {kCr4, 0x202020, false},
      {kCr4, 0x2000, false},  // 32-bit paging from now on
  };
  for (const auto& [reg, value, loads] : kWrites) {
    BeginPae();
    m_.guest.cr0 = 0x80000021;
    m_.guest.cr4 = 0x2020;
    ASSERT_EQ(Write(reg, value), EventKind::kCompleted) << std::hex << value;
    EXPECT_EQ(m_.guest.pdpte == loaded, loads) << std::hex << value;
  }
  BeginUnpaged();
  ASSERT_EQ(Write(kCr0, 0x80000021), EventKind::kCompleted);
  EXPECT_EQ(m_.guest.pdpte, loaded);
}

TEST_F(RegisterWriteTest, WhereNoPdpteIsLoadedCr3Stays) {
  BeginPae();
  m_.At(0x9048) = 0x7003;
  EXPECT_TRUE(Faults(kCr3, 0x40));
  m_.At(0x4000) = 0;
  ASSERT_EQ(Write(kCr3, 0x60), EventKind::kVmExit);
  EXPECT_EQ(event_.exit_reason, 48);
  EXPECT_EQ(event_.gpa, Gpa{0x60});
  EXPECT_EQ(m_.guest.cr3, 0x20u);
}

TEST_F(RegisterWriteTest, Msrs) {
  EXPECT_TRUE(Faults(kEfer, 0xf00));
  EXPECT_TRUE(Faults(kEfer, 0x800));
  m_.guest.efer = 0x500;
  EXPECT_TRUE(Faults(kEfer, 0x900));  // NXE
  m_.processor.nx = true;
  EXPECT_FALSE(Faults(kEfer, 0x901));
  EXPECT_EQ(m_.guest.efer, 0xd01u);
  EXPECT_TRUE(Faults(kPat, 0x0007040600070402));
  EXPECT_TRUE(Faults(kPat, 0x1007040600070406));
  EXPECT_FALSE(Faults(kPat, 0x0001040506070406));
  EXPECT_TRUE(Faults(kPkrs, 5));
  m_.processor.pks = true;
  EXPECT_TRUE(Faults(kPkrs, 0x100000000));
  EXPECT_FALSE(Faults(kPkrs, 5));
}

TEST_F(RegisterWriteTest, WhatNoInstructionDoes) {
  EXPECT_TRUE(IsNoQuestion(kPkru, 0x100000000));
  EXPECT_TRUE(IsNoQuestion(kRflags, 0));
  EXPECT_TRUE(IsNoQuestion(kRflags, 0x20002));  // VM
  EXPECT_TRUE(IsNoQuestion(kCpl, 4));
  EXPECT_FALSE(IsNoQuestion(kCpl, 3));
  EXPECT_TRUE(IsNoQuestion(kCr3, 0x1000));
  EXPECT_TRUE(IsNoQuestion(kEfer, 0xd00));
  EXPECT_FALSE(IsNoQuestion(kPkru, 5));
  EXPECT_FALSE(IsNoQuestion(kRflags, 0x40002));
  BeginPae();
  m_.guest.cpl = 0;
  EXPECT_TRUE(IsNoQuestion(kCr3, 0x100000000));
}

// The next access is one of the guest as it is then.
TEST_F(RegisterWriteTest, LinearAccessesFollow) {
  m_.At(0x9000) = 0x7;  // a table that maps itself
  Engine engine(m_.processor, m_.controls, m_.guest);
  FlatMemory memory(m_.words.data(), m_.words.size() * 8);
  Event event;
  ASSERT_EQ(engine.PerformLinearAccess(memory, {}, Gla{0x123}, event),
            EngineStatus::kAnswered);
  EXPECT_EQ(event.kind, EventKind::kCompleted);
  ASSERT_EQ(engine.WriteRegister(memory, kCr3, 0x1000, event),
            EngineStatus::kAnswered);
  ASSERT_EQ(engine.PerformLinearAccess(memory, {}, Gla{0x123}, event),
            EngineStatus::kAnswered);
  EXPECT_EQ(ExitReason(event), 48);
}

}  // namespace
}  // namespace eptdiff
