#include "oracle/processor/moving.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "oracle/processor/moving_testing.h"
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kCaps = 0x00000f01'06734141;  // 2 MBytes, 1 GByte
constexpr FreeRange kFree[] = {{Hpa{0x7f003000}, 0x40000},
                               {Hpa{0x80000000}, 0x40000000}};

// A PML4 at 1000H whose first entries lead to the 4-KByte page 9000H.
Case Plain() {
  Case c;
  c.processor.maxphyaddr = 46;
  c.processor.ept_vpid_cap = kCaps;
  c.controls.primary = 0x80000000;
  c.controls.secondary = 0x2;
  c.controls.eptp = 0x101e;
  c.guest.cr0 = 0x80000021;
  c.guest.cr4 = 0x2000;
  c.guest.rflags = 2;
  c.memory = {{Hpa{0x1000}, 0x2007},
              {Hpa{0x2000}, 0x3007},
              {Hpa{0x3000}, 0x4007},
              {Hpa{0x4008}, 0x9037}};
  return c;
}

Step Read(std::uint64_t gpa) {
  Step step;
  step.gpa = Gpa{gpa};
  return step;
}

Step Store(std::uint64_t hpa, std::uint64_t value) {
  Step step;
  step.kind = StepKind::kStore;
  step.hpa = Hpa{hpa};
  step.value = value;
  return step;
}

class MovingTest : public testing::Test {
 protected:
  Case Moved(const Case& c, Unmovable expected = Unmovable::kNone) {
    return Moved(c, c.processor, expected);
  }
  Case Moved(const Case& c, const Processor& machine,
             Unmovable expected = Unmovable::kNone) {
    Case moved;
    EXPECT_EQ(mover_.Move(c, machine, moved), expected);
    return moved;
  }
  std::uint64_t There(std::uint64_t from) const {
    Hpa to;
    return mover_.Forward(Hpa{from}, to) ? to.value : 0;
  }

  Mover mover_{kFree};
};

TEST_F(MovingTest, TablesAndPagesGoToFreeMemoryWithWhatLeadsThere) {
  const Case moved = Moved(Plain());
  for (const std::uint64_t page : {0x1000, 0x2000, 0x3000, 0x4000, 0x9000}) {
    EXPECT_GE(There(page), 0x7f003000u) << page;
    EXPECT_LT(There(page), 0x7f043000u) << page;
  }
  EXPECT_EQ(moved.controls.eptp, There(0x1000) | 0x1e);
  const std::vector<MemoryWord> expected = {
      {Hpa{There(0x1000)}, There(0x2000) | 7},
      {Hpa{There(0x2000)}, There(0x3000) | 7},
      {Hpa{There(0x3000)}, There(0x4000) | 7},
      {Hpa{There(0x4008)}, There(0x9000) | 0x37}};
  EXPECT_EQ(moved.memory, expected);
  EXPECT_EQ(There(0x5000), 0u);
}

TEST_F(MovingTest, LargePagesAreAlignedAndKeepWhatIsInThem) {
  Case c = Plain();
  c.memory[2].value = 0x200000b7;                 // a 2-MByte page
  c.memory.push_back({Hpa{0x20012340}, 0x5023});  // of the guest, in it
  const Case moved = Moved(c);
  EXPECT_EQ(There(0x20000000) % 0x200000, 0u);
  EXPECT_EQ(There(0x20012340), There(0x20000000) + 0x12340);
  EXPECT_EQ(moved.memory[2].value, There(0x20000000) | 0xb7);
  EXPECT_EQ(moved.memory.back(), (MemoryWord{Hpa{There(0x20012340)}, 0x5023}));
}

// A 1-GByte page has what a smaller one in it has, too.
TEST_F(MovingTest, PagesWithinPagesMoveTogether) {
  Case c = Plain();
  c.memory[1].value = 0x40000087;
  c.memory.push_back({Hpa{0x2008}, 0x3007});
  c.memory[3].value = 0x40123037;
  const Case moved = Moved(c);
  EXPECT_EQ(There(0x40000000), 0x80000000u);
  EXPECT_EQ(moved.memory[3].value, 0x80123037u);
}

TEST_F(MovingTest, StoresInvalidationsAndFieldsMove) {
  Case c = Plain();
  c.steps = {Store(0x4008, 0xa037), Store(0x4010, 0), Store(0x4018, 0xb000)};
  Step& entry = c.steps.emplace_back();
  entry.kind = StepKind::kVmEntry;
  entry.index = 0x201a;
  entry.value = 0x601e;
  Step& invept = c.steps.emplace_back();
  invept.kind = StepKind::kInvalidation;
  invept.invalidation = {InvalidationKind::kInvept, 1, 0x601e, 0};
  const Case moved = Moved(c);
  EXPECT_EQ(moved.steps[0].hpa.value, There(0x4008));
  EXPECT_EQ(moved.steps[0].value, There(0xa000) | 0x37);
  EXPECT_EQ(moved.steps[1].value, 0u);
  EXPECT_EQ(moved.steps[2].value, 0xb000u);  // not present: left
  EXPECT_EQ(moved.steps[3].value, There(0x6000) | 0x1e);
  EXPECT_EQ(moved.steps[4].invalidation.first, There(0x6000) | 0x1e);
}

TEST_F(MovingTest, StructuresOfControlsMoveIfTheyAreUsed) {
  Case c = Plain();
  c.controls.pml_address = 0x10000;
  c.controls.ve_information_address = 0x11000;
  c.controls.spptp = 0x12000;
  c.controls.eptp_list_address = 0x13000;
  EXPECT_EQ(Moved(c).controls.pml_address, 0x10000u);
  c.controls.secondary |= 1u << 13 | 1u << 17 | 1u << 18 | 1u << 23;
  c.memory.push_back(
      {Hpa{0x12000}, 0x14001});  // tables of sub-page permissions
  c.memory.push_back({Hpa{0x14000}, 0x15001});
  c.memory.push_back({Hpa{0x15000}, 0x16001});
  c.memory.push_back({Hpa{0x16000}, 0x17001});  // a vector: no address
  c.memory.push_back({Hpa{0x13008}, 0x1801e});
  const Case moved = Moved(c);
  EXPECT_EQ(moved.controls.pml_address, There(0x10000));
  EXPECT_EQ(moved.controls.ve_information_address, There(0x11000));
  EXPECT_EQ(moved.controls.spptp, There(0x12000));
  EXPECT_EQ(moved.controls.eptp_list_address, There(0x13000));
  EXPECT_EQ(moved.memory[4].value, There(0x14000) | 1);
  EXPECT_EQ(moved.memory[6].value, There(0x16000) | 1);
  EXPECT_EQ(moved.memory[7].value, 0x17001u);
  EXPECT_EQ(moved.memory[8].value, There(0x18000) | 0x1e);
}

// What is too wide here is too wide there, too, and leads nowhere.
TEST_F(MovingTest, WhatIsTooWideStaysSo) {
  Case c = Plain();
  c.processor.maxphyaddr = 36;
  c.memory[3].value = 0x40'00009037;  // bit 38
  Processor machine = c.processor;
  EXPECT_EQ(Moved(c, machine).memory[3].value, 0x40'00009037u);
  machine.maxphyaddr = 46;
  EXPECT_EQ(Moved(c, machine).memory[3].value, 0x4000'00009037u);
  machine.maxphyaddr = 52;
  Moved(c, machine, Unmovable::kNoReservedBits);
  c.controls.eptp |= 0x40'00000000;
  machine.maxphyaddr = 46;
  const Case moved = Moved(c, machine);
  EXPECT_EQ(moved.controls.eptp, 0x4000'0000101eu);
  Outcome outcome;
  outcome.registers.eptp = moved.controls.eptp;
  ASSERT_TRUE(mover_.MoveBack(outcome));
  EXPECT_EQ(outcome.registers.eptp, c.controls.eptp);
}

// The machine is narrower than the case: its frames find a place all the same.
TEST_F(MovingTest, WideCasesGoToNarrowMachines) {
  Case c = Plain();
  c.memory[3].value = 0x2000'00009037;  // bit 45
  Processor machine = c.processor;
  machine.maxphyaddr = 36;
  const Case moved = Moved(c, machine);
  EXPECT_EQ(moved.memory[3].value, There(0x2000'00009000) | 0x37);
  EXPECT_LT(moved.memory[3].value, 1ull << 36);
  EXPECT_EQ(moved.processor, machine);
}

TEST_F(MovingTest, AnAnswerMovesBack) {
  Case c = Plain();
  c.controls.eptp |= 0x40;
  Moved(c);
  Outcome outcome;
  outcome.event.translation_count = 1;
  outcome.event.translations[0].address = Hpa{There(0x9abc)};
  outcome.registers.eptp = There(0x1000) | 0x5e;
  outcome.writes.push_back({Hpa{There(0x1000)}, There(0x2000) | 0x107});
  outcome.writes.push_back({Hpa{There(0x4008)}, There(0x9000) | 0x337});
  ASSERT_TRUE(mover_.MoveBack(outcome));
  EXPECT_EQ(outcome.event.translations[0].address.value, 0x9abcu);
  EXPECT_EQ(outcome.registers.eptp, 0x105eu);
  ASSERT_EQ(outcome.writes.size(), 2u);
  EXPECT_EQ(outcome.writes[0], (MemoryWord{Hpa{0x1000}, 0x2107}));
  EXPECT_EQ(outcome.writes[1], (MemoryWord{Hpa{0x4008}, 0x9337}));
  outcome.writes.push_back({Hpa{0x4000}, 1});
  EXPECT_FALSE(mover_.MoveBack(outcome));
}

TEST_F(MovingTest, WhatCannotBeMovedIsRefused) {
  Case c = Plain();
  c.steps.resize(1);
  c.steps[0].kind = StepKind::kTableOperation;
  Moved(c, Unmovable::kTableOperations);

  c = Plain();
  c.controls.secondary = 0;
  Moved(c);  // VM entry alone
  c.steps = {Read(0)};
  Moved(c, Unmovable::kEptOff);

  c = Plain();
  c.controls.secondary |= 1u << 17;
  c.controls.pml_address = 0x4000;
  Moved(c, Unmovable::kTwoRoles);

  c = Plain();
  c.controls.secondary |= 1;
  c.controls.apic_access_address = 0x1000;
  Moved(c, Unmovable::kApicStructures);

  c = Plain();
  c.memory[1].value = 0x40000087;
  c.memory.push_back({Hpa{0x2008}, 0x80000087});
  Moved(c, Unmovable::kNoRoomFor1Gb);

  c = Plain();
  for (std::uint64_t i = 0; i < 70; ++i) {
    c.memory.push_back({Hpa{0x100000 + (i << 12)}, 1});
  }
  mover_ = Mover({kFree, 1});
  Moved(c, Unmovable::kNoRoomFor4Kb);
  c = Plain();
  c.memory[2].value = 0x200000b7;
  Moved(c, Unmovable::kNoRoomFor2Mb);

  for (std::size_t i = 0; i < kUnmovableCount; ++i) {
    EXPECT_FALSE(WordsOf(static_cast<Unmovable>(i)).empty()) << i;
  }
}

TEST_F(MovingTest, ThatTheGuestReachesTablesIsTold) {
  Moved(Plain());
  EXPECT_FALSE(mover_.guest_reaches_tables());
  Case c = Plain();
  c.memory[3].value = 0x3037;
  Moved(c);
  EXPECT_TRUE(mover_.guest_reaches_tables());
  EXPECT_TRUE(mover_.HoldsAddress(Hpa{There(0x3010)}));
  EXPECT_FALSE(mover_.HoldsAddress(Hpa{0x3010}));
}

// The hand-written cases of all rules mean the same where they were moved to.
TEST_F(MovingTest, WitnessesMeanTheSame) {
  std::size_t moved_cases = 0;
  for (const NamedCase& witness : Witnesses()) {
    const Processor& p = witness.c.processor;
    const auto free = FreeMemory(p.maxphyaddr - p.keyid_bits);
    Mover mover(free);
    Unmovable why;
    EXPECT_EQ(WhatMovingChanges(witness.c, mover, why), "") << witness.name;
    if (why != Unmovable::kNone) continue;
    ++moved_cases;
    Case moved;
    ASSERT_EQ(mover.Move(witness.c, p, moved), Unmovable::kNone);
    EXPECT_EQ(WhatIsWrongThere(moved, mover, free), "") << witness.name;
  }
  EXPECT_GT(moved_cases, Witnesses().size() * 9 / 10);
}

}  // namespace
}  // namespace eptdiff
