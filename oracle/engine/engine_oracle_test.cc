#include "oracle/engine/engine_oracle.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace eptdiff {
namespace {

// A PML4 at 1000H whose first entries lead to the 4-KByte page 9000H.
class EngineOracleTest : public testing::Test {
 protected:
  EngineOracleTest() {
    Case c;
    c.processor.ept_vpid_cap = 0x00000f01'06334141;
    c.controls.primary = 0x80000000;
    c.controls.secondary = 0x00020002;  // EPT, PML
    c.controls.eptp = 0x105e;           // WB, 4 levels, A/D; tables at 1000H
    c.controls.pml_address = 0x8000;
    c.controls.pml_index = 5;
    c.guest.cr0 = 0x80000021;
    c.guest.cr4 = 0x2000;
    c.guest.rflags = 2;
    c.memory = {{Hpa{0x1000}, 0x2007},
                {Hpa{0x2000}, 0x3007},
                {Hpa{0x3000}, 0x4007},
                {Hpa{0x4008}, 0x9037}};
    state_.Load(c);
  }

  static Step Write(std::uint64_t gpa) {
    Step step;
    step.kind = StepKind::kGuestPhysicalAccess;
    step.access.kind = AccessKind::kWrite;
    step.gpa = Gpa{gpa};
    return step;
  }

  MachineState state_;
  EngineOracle oracle_;
  Outcome outcome_;
};

TEST_F(EngineOracleTest, EntryNamesTheFailedCheck) {
  ASSERT_EQ(oracle_.Enter(state_, outcome_), Skip::kNone);
  EXPECT_EQ(outcome_.event.kind, EventKind::kCompleted);
  state_.controls.eptp |= 0x100;
  ASSERT_EQ(oracle_.Enter(state_, outcome_), Skip::kNone);
  EXPECT_EQ(outcome_.event.kind, EventKind::kVmEntryFailure);
  EXPECT_EQ(outcome_.event.failed_check, EntryCheck::kEptp5);
}

TEST_F(EngineOracleTest, EntryLooksAtTheGuestBehindTheControls) {
  state_.guest.cr4 = 0;
  ASSERT_EQ(oracle_.Enter(state_, outcome_), Skip::kNone);
  EXPECT_EQ(outcome_.event.kind, EventKind::kGuestStateFailure);
  EXPECT_EQ(outcome_.event.exit_reason, 33);
}

TEST_F(EngineOracleTest, AnswersWithChangesAndLeavesTheStateAlone) {
  ASSERT_EQ(oracle_.Perform(state_, Write(0x1abc), outcome_), Skip::kNone);
  EXPECT_EQ(outcome_.event.kind, EventKind::kCompleted);
  EXPECT_EQ(outcome_.event.translations[0].address, Hpa{0x9abc});
  const FixedVector<MemoryWord, kMaxStepWrites> expected = [] {
    FixedVector<MemoryWord, kMaxStepWrites> words;
    words.push_back({Hpa{0x1000}, 0x2107});
    words.push_back({Hpa{0x2000}, 0x3107});
    words.push_back({Hpa{0x3000}, 0x4107});
    words.push_back({Hpa{0x4008}, 0x9337});
    words.push_back({Hpa{0x8028}, 0x1000});
    return words;
  }();
  EXPECT_EQ(outcome_.writes, expected);
  EXPECT_EQ(outcome_.registers.pml_index, 4);
  EXPECT_EQ(state_.memory.Load(Hpa{0x1000}), 0x2007u);
  EXPECT_EQ(state_.controls.pml_index, 5);
}

TEST_F(EngineOracleTest, MeetsWhatEarlierStepsLeft) {
  ASSERT_EQ(oracle_.Perform(state_, Write(0x1abc), outcome_), Skip::kNone);
  state_.Apply(outcome_);
  ASSERT_EQ(oracle_.Perform(state_, Write(0x1abc), outcome_), Skip::kNone);
  EXPECT_TRUE(outcome_.writes.empty());
  EXPECT_EQ(outcome_.registers.pml_index, 4);
}

TEST_F(EngineOracleTest, NoticesChangedControls) {
  ASSERT_EQ(oracle_.Perform(state_, Write(0x1abc), outcome_), Skip::kNone);
  state_.controls.eptp = 0x501e;  // another, empty table, without A/D
  ASSERT_EQ(oracle_.Perform(state_, Write(0x1abc), outcome_), Skip::kNone);
  EXPECT_EQ(outcome_.event.exit_reason, 48);
  state_.processor.maxphyaddr = 36;
  state_.controls.eptp = 0x105e;
  state_.memory.Store(Hpa{0x4008}, 0x0000001000009037);
  ASSERT_EQ(oracle_.Perform(state_, Write(0x1abc), outcome_), Skip::kNone);
  EXPECT_EQ(outcome_.event.exit_reason, 49);
}

TEST_F(EngineOracleTest, FollowsTheGuestsRegisters) {
  state_.guest.cr3 = 0x1000;  // 32-bit paging; page directory and table in one
  state_.memory.Store(Hpa{0x9000}, 0x0000100700001007);
  Step linear;
  linear.kind = StepKind::kLinearAccess;
  linear.gla = Gla{0x1abc};
  ASSERT_EQ(oracle_.Perform(state_, linear, outcome_), Skip::kNone);
  EXPECT_EQ(outcome_.event.translations[0].address, Hpa{0x9abc});
  state_.Apply(outcome_);
  EXPECT_EQ(state_.memory.Load(Hpa{0x9000}), 0x0000102700001027u);
  state_.guest.cr3 = 0;
  ASSERT_EQ(oracle_.Perform(state_, linear, outcome_), Skip::kNone);
  EXPECT_EQ(outcome_.event.exit_reason, 48);
}

// Whoever looks at the engine after a write sees the registers that the next
// step meets.
TEST_F(EngineOracleTest, WritesLeaveTheRegistersThatTheStateHas) {
  state_.processor.pcid = state_.processor.smep = true;
  state_.processor.nx = state_.processor.pks = true;
  state_.controls.secondary |= 0x80;  // unrestricted guest
  constexpr struct {
    GuestRegister reg;
    std::uint64_t value;
  } kWrites[] = {
      {GuestRegister::kEfer, 0xc01},      {GuestRegister::kCr0, 0x9fffffef},
      {GuestRegister::kCr0, 0x21},        {GuestRegister::kEfer, 0x900},
      {GuestRegister::kCr4, 0x1020b0},    {GuestRegister::kCr3, 0xfff},
      {GuestRegister::kCr0, 0xe0000021},  {GuestRegister::kEfer, 0xd00},
      {GuestRegister::kCr3, 0x3000},      {GuestRegister::kCr4, 0x1220b0},
      {GuestRegister::kCr3, 0x4005},      {GuestRegister::kPat, 0x0607},
      {GuestRegister::kPkrs, 0xffffffff}, {GuestRegister::kPkru, 7},
      {GuestRegister::kRflags, 0x40002},  {GuestRegister::kCpl, 3},
  };
  int completed = 0;
  for (const auto& [reg, value] : kWrites) {
    Step step;
    step.kind = StepKind::kRegisterWrite;
    step.reg = reg;
    step.value = value;
    ASSERT_EQ(oracle_.Perform(state_, step, outcome_), Skip::kNone) << value;
    state_.Apply(&step, outcome_);
    EXPECT_EQ(oracle_.engine().guest(), state_.guest) << value;
    if (outcome_.event.kind == EventKind::kCompleted) ++completed;
  }
  EXPECT_EQ(completed, 16);
  EXPECT_EQ(state_.guest.efer, 0xd00u);
}

TEST_F(EngineOracleTest, SoftwareStoresAreSteps) {
  Step step;
  step.kind = StepKind::kStore;
  step.hpa = Hpa{0x7000};
  step.value = 0x1234;
  ASSERT_EQ(oracle_.Perform(state_, step, outcome_), Skip::kNone);
  ASSERT_EQ(outcome_.writes.size(), 1u);
  EXPECT_EQ(outcome_.writes[0], (MemoryWord{Hpa{0x7000}, 0x1234}));
}

TEST_F(EngineOracleTest, AnswersInvalidationsOfWhatItHasNotKept) {
  struct {
    Invalidation asked;
    EventKind kind;
  } const kCases[] = {
      {{InvalidationKind::kInvept, 1, 0x105e, 0}, EventKind::kCompleted},
      {{InvalidationKind::kInvept, 1, 0, 0}, EventKind::kInvalidOperand},
      {{InvalidationKind::kInvvpid, 1, 5, 0}, EventKind::kCompleted},
      {{InvalidationKind::kInvvpid, 1, 0, 0}, EventKind::kInvalidOperand},
      {{InvalidationKind::kInvlpg, 0, 0, 0x1000}, EventKind::kCompleted},
      {{InvalidationKind::kInvpcid, 2, 0, 0}, EventKind::kInvalidOpcode},
  };
  state_.processor.ept_vpid_cap = 0x00000f01'06334141;
  for (const auto& c : kCases) {
    Step step;
    step.kind = StepKind::kInvalidation;
    step.invalidation = c.asked;
    ASSERT_EQ(oracle_.Perform(state_, step, outcome_), Skip::kNone);
    EXPECT_EQ(outcome_.event.kind, c.kind);
    EXPECT_TRUE(outcome_.writes.empty());
  }
}

TEST_F(EngineOracleTest, SaysWhyItDoesNotAnswer) {
  EXPECT_EQ(oracle_.Perform(state_, Write(0x0010000000000000), outcome_),
            Skip::kCallerError);
  Step empty = Write(0x1000);
  empty.access.size = 0;
  EXPECT_EQ(oracle_.Perform(state_, empty, outcome_), Skip::kCallerError);
  Step change;
  change.kind = StepKind::kRegisterWrite;
  change.reg = GuestRegister::kCpl;
  change.value = 4;
  EXPECT_EQ(oracle_.Perform(state_, change, outcome_), Skip::kCallerError);
  state_.controls.secondary = 0;
  EXPECT_EQ(oracle_.Perform(state_, Write(0x1000), outcome_), Skip::kEptOff);
}

}  // namespace
}  // namespace eptdiff
