#include "engine/engine.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "engine/walk/test_machine.h"

namespace eptdiff {
namespace {

TEST(EngineTest, TranslateSaysNothingOfWhatIsLeftToDo) {
  TestMachine m;
  const FlatMemory memory(m.words.data(), m.words.size() * 8);
  Translation page;
  const Engine plain(m.processor, m.controls, m.guest);
  ASSERT_TRUE(plain.Translate(memory, TestMachine::kGpa, Use::kWrite, page));
  EXPECT_EQ(page, (Translation{Hpa{0x9abc}, 12, MemoryType::kWriteBack,
                               MemoryType::kWriteBack}));
  EXPECT_FALSE(plain.Translate(memory, Gpa{0}, Use::kWrite, page));

  m.EnableAccessDirty();
  const Engine flags(m.processor, m.controls, m.guest);
  EXPECT_FALSE(flags.Translate(memory, TestMachine::kGpa, Use::kRead, page));
  m.Perform(AccessKind::kRead);
  EXPECT_TRUE(flags.Translate(memory, TestMachine::kGpa, Use::kRead, page));
  EXPECT_FALSE(flags.Translate(memory, TestMachine::kGpa, Use::kWrite, page));

  m.controls.secondary = 0;
  const Engine off(m.processor, m.controls, m.guest);
  EXPECT_FALSE(off.Translate(memory, TestMachine::kGpa, Use::kRead, page));
}

TEST(EngineTest, QuestionsThatNoProcessorIsAsked) {
  TestMachine m;
  m.Perform({.size = 0});
  EXPECT_EQ(m.status, EngineStatus::kCallerError);
  m.Perform({.size = 4097});
  EXPECT_EQ(m.status, EngineStatus::kCallerError);
  m.Perform({.size = 4096});
  EXPECT_EQ(m.status, EngineStatus::kAnswered);
  m.EnableFiveLevels();
  m.Perform(AccessKind::kRead, Gpa{0x0010000000000000});
  EXPECT_EQ(m.status, EngineStatus::kCallerError);
  m.Perform({.size = 2}, Gpa{0x000fffffffffffff});
  EXPECT_EQ(m.status, EngineStatus::kCallerError);
  m.controls.secondary = 0;
  m.SwitchEptp(0);
  EXPECT_EQ(m.status, EngineStatus::kEptOff);
  m.Perform(AccessKind::kRead);
  EXPECT_EQ(m.status, EngineStatus::kEptOff);
  m.controls.secondary = 2;
  m.controls.primary = 0x00020000;
  m.ReadStructure();
  EXPECT_EQ(m.status, EngineStatus::kEptOff);
}

// A byte of the caller's, with which a table is indexed if nobody looks.
TEST(EngineTest, WhatIsNoKindOfAccessIsNoQuestion) {
  for (const int number : {7, 8, 23, 24, 127, 128, 255}) {
    SCOPED_TRACE(number);
    const auto kind = static_cast<AccessKind>(number);
    TestMachine m;
    m.Perform(kind);
    EXPECT_EQ(m.status, EngineStatus::kCallerError);
    m.guest.cr0 = 1;  // without paging
    m.PerformLinear({.kind = kind}, Gla{TestMachine::kGpa.value});
    EXPECT_EQ(m.status, EngineStatus::kCallerError);
  }
  for (const int number : {9, 10, 16, 127, 255}) {
    TestMachine m;
    const FlatMemory memory(m.words.data(), m.words.size() * 8);
    const Engine engine(m.processor, m.controls, m.guest);
    Translation page;
    EXPECT_FALSE(engine.Translate(memory, TestMachine::kGpa,
                                  static_cast<Use>(number), page))
        << number;
  }
}

TEST(EngineTest, WhatIsNoRegisterIsNotWritten) {
  TestMachine m;
  for (const int number : {9, 10, 128, 255}) {
    m.Ask([&](Engine& engine, FlatMemory& memory, Event& event) {
      return engine.WriteRegister(memory, static_cast<GuestRegister>(number), 0,
                                  event);
    });
    EXPECT_EQ(m.status, EngineStatus::kCallerError) << number;
  }
}

TEST(LinearAccessTest, LinearAddressesAreGuestPhysicalOnes) {
  TestMachine m;
  m.guest.cr0 = 1;
  m.guest.efer = 0;
  m.At(0x1000) = 0x2007;
  m.At(0x2010) = 0x3007;
  const Event event = m.PerformLinear({}, Gla{0x80604abc});
  ASSERT_TRUE(Completed(event));
  EXPECT_EQ(event.translations[0].address, Hpa{0x9abc});
  m.At(TestMachine::kPte) = 0;
  const Event exit = m.PerformLinear({}, Gla{0x80604abc});
  EXPECT_EQ(exit.gpa, Gpa{0x80604abc});
  EXPECT_EQ(exit.gla, Gla{0x80604abc});
  EXPECT_EQ(exit.qualification, 0x781u);  // user, read/write, executable
  m.PerformLinear({}, Gla{0xabcdef0080604abc});
  EXPECT_EQ(m.status, EngineStatus::kCallerError);
}

TEST(LinearAccessTest, WrapsAtFourGigabytes) {
  TestMachine m;
  m.guest.cr0 = 1;
  m.guest.efer = 0;
  m.At(0x1000) = 0x2007;
  m.At(0x2018) = 0x00000000c00000b7;  // the last GByte
  m.At(0x2000) = 0x3007;
  m.At(0x3000) = 0x4007;
  m.At(0x4000) = 0x9037;
  const Event event = m.PerformLinear({.size = 4}, Gla{0xfffffffe});
  ASSERT_EQ(event.translation_count, 2);
  EXPECT_EQ(event.translations[0].address, Hpa{0xfffffffe});
  EXPECT_EQ(event.translations[1].address, Hpa{0x9000});
  m.At(0x4000) = 0;
  const Event exit = m.PerformLinear({.size = 4}, Gla{0xfffffffe});
  EXPECT_EQ(exit.gpa, Gpa{0});
  EXPECT_EQ(exit.gla, Gla{0});
}

// The PDPTEs lie in the page at 9000H, mapped at GPA 0.
class PdpteTest : public testing::Test {
 protected:
  PdpteTest() {
    m_.At(0x1000) = 0x2007;
    m_.At(0x2000) = 0x3007;
    m_.At(0x3000) = 0x4007;
    m_.At(0x4000) = 0x9037;
    m_.guest.cr3 = 0xffffffff0000003f;  // bits 63:32 and 4:0 do not count
    m_.guest.pdpte = {1, 2, 3, 4};
  }
  TestMachine m_;
};

TEST_F(PdpteTest, AllFourAreLoaded) {
  m_.At(0x9020) = 0x0000000000a00001;
  m_.At(0x9028) = 0xfffffffffffffffe;  // not present: nothing is reserved
  m_.At(0x9030) = 0x00003ffffffffe19;  // all that is not reserved
  m_.At(0x9038) = 0;
  EXPECT_EQ(m_.LoadPdptes(), Event{});
  EXPECT_EQ(m_.guest.pdpte, (std::array<std::uint64_t, 4>{
                                0x0000000000a00001, 0xfffffffffffffffe,
                                0x00003ffffffffe19, 0}));
}

TEST_F(PdpteTest, AReservedBitLoadsNone) {
  constexpr std::uint64_t kReserved[] = {
      0x0000000000000003, 0x0000000000000005, 0x0000000000000021,
      0x0000000000000101, 0x0000400000000001, 0x8000000000000001};
  for (const std::uint64_t pdpte : kReserved) {
    for (std::uint64_t offset = 0; offset < 32; offset += 8) {
      TestMachine m = m_;
      m.EnableAccessDirty();
      m.At(0x9020 + offset) = pdpte;
      const Event event = m.LoadPdptes();
      EXPECT_EQ(event.kind, EventKind::kGeneralProtection) << std::hex << pdpte;
      EXPECT_EQ(event.error_code, 0u);
      EXPECT_EQ(m.guest.pdpte, (std::array<std::uint64_t, 4>{1, 2, 3, 4}));
      EXPECT_EQ(m.At(0x4000), 0x9137u);  // the access itself has happened
    }
  }
}

TEST_F(PdpteTest, AnExitLoadsNone) {
  m_.At(0x4000) = 0;
  EXPECT_EQ(ExitReason(m_.LoadPdptes()), 48);
  EXPECT_EQ(m_.guest.pdpte, (std::array<std::uint64_t, 4>{1, 2, 3, 4}));
}

class EptpSwitchTest : public testing::Test {
 protected:
  EptpSwitchTest() {
    m_.controls.secondary |= 1u << 13;
    m_.controls.vm_functions = 1;
    m_.controls.eptp_list_address = 0x6000;
    m_.controls.eptp_index = 7;
    m_.At(0x6000) = 0x501e;
    m_.At(0x6ff8) = 0x505e;
    m_.At(0x7000) = 0x501e;  // beyond the list
  }
  TestMachine m_;
};

TEST_F(EptpSwitchTest, TheNextAccessUsesTheNewTables) {
  Engine engine(m_.processor, m_.controls, m_.guest);
  FlatMemory memory(m_.words.data(), m_.words.size() * 8);
  Event event;
  ASSERT_EQ(engine.SwitchEptp(memory, 511, event), EngineStatus::kAnswered);
  EXPECT_EQ(event, Event{});
  EXPECT_EQ(engine.controls().eptp, 0x505eu);
  EXPECT_EQ(engine.controls().eptp_index, 7);  // #VE is not supported
  ASSERT_EQ(engine.PerformAccess(memory, {}, TestMachine::kGpa, {}, event),
            EngineStatus::kAnswered);
  EXPECT_EQ(ExitReason(event), 48);
}

TEST_F(EptpSwitchTest, TheIndexChangesWhereVeIsSupported) {
  m_.processor.ept_violation_ve = true;
  m_.SwitchEptp(511);
  EXPECT_EQ(m_.controls.eptp_index, 511);
}

TEST_F(EptpSwitchTest, WhatIsRefused) {
  constexpr struct {
    const char* words;
    std::uint64_t functions;
    std::uint32_t index;
    std::uint64_t eptp;
  } kCases[] = {
      {"the function is disabled", 0, 0, 0x501e},
      {"an index above 511", 1, 512, 0x501e},
      {"an index above 511", 1, 0xffffffff, 0x501e},
      {"another walk length", 1, 0, 0x5026},
      {"a memory type that entry refuses", 1, 0, 0x5019},
      {"a reserved bit", 1, 0, 0x511e},
      {"an address beyond the width", 1, 0, 0x000040000000501e},
  };
  for (const auto& c : kCases) {
    TestMachine m = m_;
    m.controls.vm_functions = c.functions;
    m.At(0x6000) = c.eptp;
    const TestMachine before = m;
    Event expected;
    expected.kind = EventKind::kVmExit;
    expected.exit_reason = 59;
    EXPECT_EQ(m.SwitchEptp(c.index), expected) << c.words;
    EXPECT_EQ(m.controls, before.controls) << c.words;
  }
}

TEST_F(EptpSwitchTest, OtherLeaves) {
  const auto vmfunc = [this](std::uint32_t leaf) {
    return m_.Ask([leaf](Engine& engine, FlatMemory& memory, Event& event) {
      return engine.Vmfunc(memory, leaf, 0, event);
    });
  };
  for (const std::uint32_t leaf : {64u, 256u, 0x80000000u}) {
    EXPECT_EQ(vmfunc(leaf).kind, EventKind::kInvalidOpcode) << leaf;
  }
  for (const std::uint32_t leaf : {1u, 63u}) {
    EXPECT_EQ(ExitReason(vmfunc(leaf)), 59) << leaf;
  }
  EXPECT_EQ(m_.controls.eptp, 0x101eu);
  EXPECT_EQ(vmfunc(0).kind, EventKind::kCompleted);
  m_.controls.secondary = 2;
  for (const std::uint32_t leaf : {0u, 1u, 64u}) {
    EXPECT_EQ(vmfunc(leaf).kind, EventKind::kInvalidOpcode) << leaf;
  }
}

TEST(FlatMemoryTest, EveryAccessIsBounded) {
  std::uint64_t words[4] = {};
  FlatMemory memory(words, sizeof(words), Hpa{0x1000});
  std::uint64_t word = 0;
  EXPECT_TRUE(memory.Store(Hpa{0x1000}, 5));
  EXPECT_TRUE(memory.Load(Hpa{0x1000}, word));
  EXPECT_EQ(word, 5u);
  EXPECT_TRUE(memory.CompareExchange(Hpa{0x1018}, 0, 6));
  EXPECT_FALSE(memory.CompareExchange(Hpa{0x1018}, 0, 7));
  EXPECT_EQ(words[3], 6u);
  for (const std::uint64_t outside :
       {0x0ff8ull, 0x1020ull, 0x1019ull, 0ull, ~7ull}) {
    EXPECT_FALSE(memory.Load(Hpa{outside}, word)) << std::hex << outside;
    EXPECT_FALSE(memory.Store(Hpa{outside}, 1));
    EXPECT_FALSE(memory.CompareExchange(Hpa{outside}, 0, 1));
  }
  FlatMemory tiny(words, 7);
  EXPECT_FALSE(tiny.Load(Hpa{0}, word));
}

}  // namespace
}  // namespace eptdiff
