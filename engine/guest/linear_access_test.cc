// Accesses by linear address under guest paging: what they come to, and which
// of several events comes first (SDM 29.3.3.3).
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "engine/engine.h"
#include "engine/guest/guest_test_machine.h"

namespace eptdiff {
namespace {

constexpr auto kRead = AccessKind::kRead;
constexpr auto kWrite = AccessKind::kWrite;
constexpr auto kFetch = AccessKind::kFetch;

class EveryMode : public testing::TestWithParam<PagingMode> {
 protected:
  GuestTestMachine m_{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(, EveryMode, testing::ValuesIn(kPagingModes),
                         [](const auto& mode) {
                           std::string name = NameOf(mode.param);
                           std::erase(name, '-');
                           return name;
                         });

TEST_P(EveryMode, AnAccessReachesThePage) {
  const auto before = m_.words;
  for (const AccessKind kind : {kRead, kWrite, kFetch}) {
    const Event event = m_.Linear({.kind = kind, .size = 8});
    ASSERT_EQ(m_.status, EngineStatus::kAnswered);
    ASSERT_TRUE(Completed(event));
    ASSERT_EQ(event.translation_count, 1);
    const Translation& page = event.translations[0];
    EXPECT_EQ(page.address, Hpa{0x29abc});
    EXPECT_EQ(page.page_shift, 12);
    EXPECT_EQ(page.memory_type, MemoryType::kWriteBack);
    EXPECT_EQ(page.structure_memory_type, MemoryType::kWriteBack);
    const std::uint64_t all_write_back = 0xeeeee;  // 8 + 6, for each entry
    EXPECT_EQ(page.guest_structure_types,
              all_write_back & ((1 << 4 * m_.top_level()) - 1));
  }
  EXPECT_EQ(m_.words, before) << "there was nothing to set";
}

TEST_P(EveryMode, AnEntryNotPresentFaults) {
  for (int level = m_.top_level(); level > 0; --level) {
    m_.Flip(level, 1);
    m_.guest.cpl = 3;
    const Event event = m_.Linear(kWrite);
    EXPECT_EQ(event.kind, EventKind::kPageFault) << level;
    EXPECT_EQ(event.error_code, 6u) << level;
    EXPECT_EQ(event.cr2, m_.gla());
    EXPECT_EQ(event.translation_count, 0);
    m_.Flip(level, 1);
  }
}

TEST_P(EveryMode, AReservedBitFaults) {
  if (GetParam() == PagingMode::k32Bit) {
    m_.guest.cr4 = 0x10;    // PSE
    m_.Set(2, 0x00200087);  // without PSE-36: bits 21:13
    EXPECT_EQ(m_.Linear(kRead).error_code, 9u);
    return;
  }
  for (int level = m_.top_level(); level > 0; --level) {
    m_.Flip(level, 0x0000400000000000);
    EXPECT_EQ(m_.Linear(kRead).error_code, 9u) << level;
    EXPECT_EQ(m_.Linear(kWrite).error_code, 0xbu) << level;
    EXPECT_EQ(m_.Linear(kFetch).error_code, 0x19u) << level;
    m_.Flip(level, 0x0000400000000000);
  }
}

TEST_P(EveryMode, EveryEntryControlsRights) {
  for (int level = m_.top_level(); level > 0; --level) {
    m_.Flip(level, 2);  // R/W
    EXPECT_EQ(m_.Linear(kWrite).error_code, 3u) << level;
    EXPECT_TRUE(Completed(m_.Linear(kRead)));
    m_.Flip(level, 2 | 4);  // U/S
    m_.guest.cpl = 3;
    EXPECT_EQ(m_.Linear(kWrite).error_code, 7u) << level;
    m_.guest.cpl = 0;
    EXPECT_TRUE(Completed(m_.Linear(kWrite)));
    m_.Flip(level, 4);
  }
}

TEST_P(EveryMode, AViolationNamesTheEntry) {
  m_.EnableAccessDirty();
  for (int level = m_.top_level(); level > 0; --level) {
    std::uint64_t& pte = m_.EptPteOf(m_.AddressOf(level));
    const std::uint64_t good = pte;
    pte = 0;
    GuestWalkState state;
    const Event event = m_.LinearWithState({.kind = kFetch, .size = 2}, state);
    ASSERT_EQ(ExitReason(event), 48) << level;
    EXPECT_EQ(event.qualification, 0x83u);  // read and write, GLA valid
    EXPECT_EQ(event.gpa, m_.AddressOf(level));
    EXPECT_EQ(event.gla, m_.gla());
    EXPECT_EQ(state,
              (GuestWalkState{.level = static_cast<std::uint8_t>(level),
                              .fetch = true,
                              .gla = m_.gla(),
                              .gpa = m_.AddressOf(level),
                              .top_table = Gpa{m_.TableOf(m_.top_level())}}));
    pte = good & ~std::uint64_t{2};  // not writable
    EXPECT_EQ(m_.Linear(kRead).qualification, 0xabu) << level;
    pte = good;
  }
}

TEST_P(EveryMode, AViolationOfTheFinalAccess) {
  m_.EptPteOf(Gpa{0x9000}) = 0;
  m_.guest.cpl = 3;
  GuestWalkState state;
  const Event event = m_.LinearWithState({.kind = kWrite}, state);
  ASSERT_EQ(ExitReason(event), 48);
  // Write, GLA valid, to the translation; user, read/write, executable.
  EXPECT_EQ(event.qualification, 0x782u);
  EXPECT_EQ(event.gpa, Gpa{0x9abc});
  EXPECT_EQ(event.gla, m_.gla());
  EXPECT_EQ(state,
            (GuestWalkState{.user_mode = true,
                            .write = true,
                            .gla = m_.gla(),
                            .gpa = Gpa{0x9abc},
                            .top_table = Gpa{m_.TableOf(m_.top_level())}}));
}

// What makes its own level's event is put into every level at once: the first
// that the order of 29.3.3.3 meets is the one that happens.
TEST_P(EveryMode, EventsComeInTheirOrder) {
  const int top = m_.top_level();
  m_.Flip(1, 2);                 // at the end: not writable for the guest ...
  m_.EptPteOf(Gpa{0x9000}) = 0;  // ... nor there for EPT
  EXPECT_EQ(m_.Linear(kWrite).error_code, 3u) << "rights before the final GPA";
  for (int level = 1; level <= top; ++level) {
    m_.Flip(level, 1);
    EXPECT_EQ(m_.Linear(kWrite).error_code, 2u)
        << "not present at " << level << " before all that is deeper";
    std::uint64_t& pte = m_.EptPteOf(m_.AddressOf(level));
    const std::uint64_t good = pte;
    pte = 0x4;
    m_.processor.ept_vpid_cap &= ~std::uint64_t{1};  // no execute-only
    const Event event = m_.Linear(kWrite);
    EXPECT_EQ(ExitReason(event), 49) << "EPT of " << level << " before that";
    EXPECT_EQ(event.gpa, m_.AddressOf(level));
    pte = good;
  }
}

TEST_P(EveryMode, NotPresentComesBeforeReserved) {
  if (GetParam() == PagingMode::k32Bit) return;
  m_.Set(1, 0x0000400000009066);
  EXPECT_EQ(m_.Linear(kRead).error_code, 0u);
}

TEST_P(EveryMode, ExitsOfStructuresCanBecomeVirtualizationExceptions) {
  m_.EnableVe();
  m_.EptPteOf(m_.AddressOf(1)) = 0;
  const Event event = m_.Linear(kRead);
  EXPECT_EQ(event.kind, EventKind::kVirtualizationException);
  EXPECT_EQ(event.qualification, 0x81u);
  EXPECT_EQ(event.gpa, m_.AddressOf(1));
}

// VIO-7: the mode of the address, not that of the access.
TEST_P(EveryMode, ExecuteControlFollowsTheModeOfTheAddress) {
  m_.EnableMbec();
  m_.At(0x1000) |= 0x400;
  m_.At(0x2000) |= 0x400;
  m_.At(0x3000) |= 0x400;
  m_.EptPteOf(Gpa{0x9000}) = 0x29433;  // for user-mode addresses alone
  EXPECT_TRUE(Completed(m_.Linear(kFetch)));
  m_.Flip(m_.top_level(), 4);
  EXPECT_EQ(ExitReason(m_.Linear(kFetch)), 48);
  m_.EptPteOf(Gpa{0x9000}) = 0x29037;
  EXPECT_TRUE(Completed(m_.Linear(kFetch)));
}

// 38:30, 29:21 and 20:12 of the address of a large page.
TEST(LargePageTest, AddressesAndPageSizes) {
  const struct {
    PagingMode mode;
    int level;
    std::uint64_t entry, cr4;
    Hpa address;
  } kCases[] = {
      {PagingMode::k32Bit, 2, 0x404000e7, 0x10, Hpa{0x40604abc}},
      {PagingMode::kPae, 2, 0x402000e7, 0x20, Hpa{0x40204abc}},
      {PagingMode::kFourLevel, 2, 0x402000e7, 0x20, Hpa{0x40204abc}},
      {PagingMode::kFourLevel, 3, 0x400000e7, 0x20, Hpa{0x40604abc}},
      {PagingMode::kFiveLevel, 3, 0x400000e7, 0x1020, Hpa{0x40604abc}},
  };
  for (const auto& c : kCases) {
    GuestTestMachine m(c.mode);
    m.guest.cr4 = c.cr4;
    m.Set(c.level, c.entry);
    const Event event = m.Linear(kWrite);
    ASSERT_TRUE(Completed(event)) << NameOf(c.mode);
    EXPECT_EQ(event.translations[0].address, c.address) << NameOf(c.mode);
    EXPECT_EQ(event.translations[0].page_shift, 30) << "that of EPT";
  }
}

TEST(LargePageTest, WithoutPseTheBitIsIgnored) {
  GuestTestMachine m(PagingMode::k32Bit);
  m.Flip(2, 0x80);
  const Event event = m.Linear(kRead);
  ASSERT_TRUE(Completed(event));
  EXPECT_EQ(event.translations[0].address, Hpa{0x29abc});
}

TEST(LargePageTest, AGuestAddressTooWideForEpt) {
  GuestTestMachine m;
  m.processor.maxphyaddr = 52;
  m.Set(1, 0x0001000000009067);
  const Event event = m.Linear(kRead);
  EXPECT_EQ(ExitReason(event), 48);
  EXPECT_EQ(event.gpa, Gpa{0x0001000000009abc});
  EXPECT_EQ(event.qualification, 0x781u);
}

TEST(PaePagingTest, APdpteRegisterThatIsAbsentFaults) {
  GuestTestMachine m(PagingMode::kPae);
  m.guest.pdpte[2] = 0xfffffffffffffffe;
  GuestWalkState state;
  const Event event = m.LinearWithState({.kind = kWrite}, state);
  EXPECT_EQ(event.kind, EventKind::kPageFault);
  EXPECT_EQ(event.error_code, 2u);
  m.guest.pdpte[2] = 0x4001;
  EXPECT_TRUE(Completed(m.Linear(kWrite)));
}

TEST(PaePagingTest, PdpteRegistersGrantAndRefuseNothing) {
  GuestTestMachine m(PagingMode::kPae);
  m.guest.cpl = 3;
  m.guest.pdpte[2] = 0x4001;  // the bits of R/W and U/S are 0 there
  EXPECT_TRUE(Completed(m.Linear(kWrite)));
}

TEST(LinearAddressTest, OutsideIa32eModeItWrapsAround) {
  GuestTestMachine m(PagingMode::k32Bit);
  m.Guest(0x4ff8) = 0x0000502700000000;  // bits 31:22 all ones
  m.Guest(0x5ff8) = 0x0000906700000000;  // bits 21:12 all ones
  m.Guest(0x4000) = 0x0000000000005027;
  m.Guest(0x5000) = 0x000000000000a067;
  const Event event = m.PerformLinear({.size = 4}, Gla{0xfffffffe});
  ASSERT_EQ(event.translation_count, 2);
  EXPECT_EQ(event.translations[0].address, Hpa{0x29ffe});
  EXPECT_EQ(event.translations[1].address, Hpa{0x2a000});
  m.Guest(0x5000) = 0;
  EXPECT_EQ(m.PerformLinear({.size = 4}, Gla{0xfffffffe}).cr2, Gla{0});
  m.Guest(0x4ff8) = 0;
  EXPECT_EQ(m.PerformLinear({.size = 4}, Gla{0xfffffffe}).cr2, Gla{0xfffffffe});
  m.PerformLinear({}, Gla{0x100000000});
  EXPECT_EQ(m.status, EngineStatus::kCallerError);
  m.guest.cr0 = 0;
  m.PerformLinear({}, Gla{0x100000000});
  EXPECT_EQ(m.status, EngineStatus::kCallerError);
}

TEST(LinearAddressTest, WhatIsNotCanonicalIsNoQuestion) {
  GuestTestMachine m;
  const struct {
    std::uint64_t gla;
    std::uint16_t size;
    EngineStatus status;
  } kCases[] = {
      {0x0000800000000000, 1, EngineStatus::kCallerError},
      {0x00007fffffffffff, 1, EngineStatus::kAnswered},
      {0x00007fffffffffff, 2, EngineStatus::kCallerError},
      {0xffff7fffffffffff, 2, EngineStatus::kCallerError},
      {0xffffffffffffffff, 2, EngineStatus::kAnswered},
      {0x0000000000000000, 0, EngineStatus::kCallerError},
      {0x0000000000000000, 4097, EngineStatus::kCallerError},
      {0x00007ffffffff000, 4096, EngineStatus::kAnswered},
      {0x00007ffffffff001, 4096, EngineStatus::kCallerError},
      {0xffff7fffffffffff, 4096, EngineStatus::kCallerError},
      {0xfffffffffffff001, 4096, EngineStatus::kAnswered},
  };
  for (const auto& c : kCases) {
    m.PerformLinear({.size = c.size}, Gla{c.gla});
    EXPECT_EQ(m.status, c.status) << std::hex << c.gla << " " << c.size;
  }
  m.controls.secondary = 0;
  m.Linear(kRead);
  EXPECT_EQ(m.status, EngineStatus::kEptOff);
}

TEST(LinearAddressTest, WhatIsNoKindOfAccessIsNoQuestion) {
  for (const int number : {7, 8, 23, 24, 127, 128, 255}) {
    SCOPED_TRACE(number);
    const auto kind = static_cast<AccessKind>(number);
    GuestTestMachine m;
    m.Linear(kind);
    EXPECT_EQ(m.status, EngineStatus::kCallerError);
    Engine engine(m.processor, m.controls, m.guest);
    FlatMemory memory(m.words.data(), m.words.size() * 8);
    Translation page;
    EXPECT_FALSE(engine.TranslateLinear(memory, {.kind = kind}, m.gla(), page));
    for (const engine::AccessMode mode :
         {engine::AccessMode::kUser, engine::AccessMode::kImplicitSupervisor}) {
      const engine::Expectation& fits =
          engine.paging().UseOf(kind, mode).expectation;
      EXPECT_FALSE(fits.table.Fits(0x67) || fits.page_4k.Fits(0x67) ||
                   fits.page_2m.Fits(0xe7) || fits.page_1g.Fits(0xe7));
    }
  }
}

// The access is one to a descriptor table, whose base has more.
TEST(LinearAddressTest, CompatibilityModeReports32Bits) {
  GuestTestMachine m;
  m.guest.cs_l = false;
  m.EptPteOf(Gpa{0x9000}) = 0;
  constexpr Access kImplicit = {.implicit_supervisor = true};
  EXPECT_EQ(m.PerformLinear(kImplicit, GuestTestMachine::kGla).gla,
            GuestTestMachine::kGla32);
  m.PerformLinear({}, GuestTestMachine::kGla);
  EXPECT_EQ(m.status, EngineStatus::kCallerError);
}

TEST(LinearAddressTest, CompatibilityModeWrapsAround) {
  GuestTestMachine m;
  m.guest.cs_l = false;
  EXPECT_EQ(m.PerformLinear({.size = 4}, Gla{0xfffffffe}).cr2, Gla{0xfffffffe});
  // All of PML4, PDPT, PD and PT are in the one page at 4000H.
  m.guest.cr3 = 0x4000;
  m.Guest(0x4000) = 0x4067;  // numbers 0, ...
  m.Guest(0x4018) = 0x4067;  // 3, ...
  m.Guest(0x4ff8) = 0x4067;  // and 1FFH lead to it again
  const Event event = m.PerformLinear({.size = 4}, Gla{0xfffffffe});
  ASSERT_EQ(event.translation_count, 2);
  EXPECT_EQ(event.translations[0].address, Hpa{0x24ffe});
  EXPECT_EQ(event.translations[1].address, Hpa{0x24000});
  m.Guest(0x4020) = 0;  // number 4: what lies above 4 GBytes
  constexpr Access kImplicit = {.size = 4, .implicit_supervisor = true};
  EXPECT_EQ(m.PerformLinear(kImplicit, Gla{0xfffffffe}).cr2, Gla{0x100000000});
}

class TwoPagesTest : public testing::Test {
 protected:
  // The next page is at A000H.
  TwoPagesTest() { m_.Guest(0x5028) = 0xa067; }
  Event Perform(AccessKind kind) {
    return m_.PerformLinear({.kind = kind, .size = 8}, Gla{0x8080604ffc});
  }
  GuestTestMachine m_;
};

TEST_F(TwoPagesTest, EachIsTranslated) {
  m_.At(0x4050) = 0x2b337;
  const Event event = Perform(kWrite);
  ASSERT_TRUE(Completed(event));
  ASSERT_EQ(event.translation_count, 2);
  EXPECT_EQ(event.translations[0].address, Hpa{0x29ffc});
  EXPECT_EQ(event.translations[1].address, Hpa{0x2b000});
  EXPECT_EQ(event.translations[0].guest_structure_types, 0xeeeeu);
  EXPECT_EQ(event.translations[1].guest_structure_types, 0xeeeeu);
}

TEST_F(TwoPagesTest, TheFirstPageComesFirst) {
  m_.Guest(0x5028) = 0;
  const Event fault = Perform(kWrite);
  EXPECT_EQ(fault.error_code, 2u);
  EXPECT_EQ(fault.cr2, Gla{0x8080605000});
  EXPECT_EQ(fault.translation_count, 0);
  m_.EptPteOf(Gpa{0x9000}) = 0;
  const Event exit = Perform(kWrite);
  EXPECT_EQ(exit.gpa, Gpa{0x9ffc});
  EXPECT_EQ(exit.gla, Gla{0x8080604ffc});
  EXPECT_EQ(exit.translation_count, 0);
}

TEST_F(TwoPagesTest, AnExitForTheSecondPageReportsIt) {
  m_.EptPteOf(Gpa{0xa000}) = 0;
  const Event exit = Perform(kWrite);
  EXPECT_EQ(exit.gpa, Gpa{0xa000});
  EXPECT_EQ(exit.gla, Gla{0x8080605000});
}

TEST(GuestRegistersTest, ChangesCountFromTheNextAccessOn) {
  GuestTestMachine m;
  Engine engine(m.processor, m.controls, m.guest);
  FlatMemory memory(m.words.data(), m.words.size() * 8);
  Event event;
  const Access access = {.kind = kWrite};
  engine.PerformLinearAccess(memory, access, m.gla(), event);
  EXPECT_TRUE(Completed(event));
  m.Flip(1, 2);
  engine.PerformLinearAccess(memory, access, m.gla(), event);
  EXPECT_EQ(event.error_code, 3u);
  GuestState guest = engine.guest();
  guest.cr0 = 0x80000001;  // WP = 0
  engine.set_guest(guest);
  engine.PerformLinearAccess(memory, access, m.gla(), event);
  EXPECT_TRUE(Completed(event));
}

TEST(GuestRegistersTest, AnEngineForGuestPhysicalAccessesWaitsForThem) {
  GuestTestMachine m;
  Engine engine(Engine::ForGuestPhysical{}, m.processor, m.controls, m.guest);
  FlatMemory memory(m.words.data(), m.words.size() * 8);
  const Access access = {.kind = kWrite};
  Event event;
  Translation page;
  EXPECT_FALSE(engine.takes_linear());
  EXPECT_EQ(engine.PerformLinearAccess(memory, access, m.gla(), event),
            EngineStatus::kCallerError);
  EXPECT_FALSE(engine.TranslateLinear(memory, access, m.gla(), page));
  engine.set_guest(m.guest);
  EXPECT_TRUE(engine.takes_linear());
  EXPECT_EQ(engine.PerformLinearAccess(memory, access, m.gla(), event),
            EngineStatus::kAnswered);
  EXPECT_TRUE(Completed(event));
}

}  // namespace
}  // namespace eptdiff
