// Bochs asked for linear accesses at the edges: two pages, widths of addresses,
// and what the adapter declines.
#include <gtest/gtest.h>

#include <cstdint>
#include <utility>

#include "oracle/bochs/linear_access_testing.h"

namespace eptdiff {
namespace {

using namespace bochs_testing;
using LinearLimitsTest = LinearAccessTest;

TEST_F(LinearLimitsTest, TranslatesBothPagesOfAnAccess) {
  Step step;
  step.kind = StepKind::kLinearAccess;
  step.access = {.kind = AccessKind::kWrite, .size = 16};
  step.gla = Gla{kGla.value | 0xff8};
  const Outcome fault = Ask(step);
  EXPECT_EQ(fault.event.kind, EventKind::kPageFault);
  EXPECT_EQ(fault.event.cr2.value, 0x80'80605000u);
  EXPECT_EQ(fault.event.error_code, 0x6u);
  EXPECT_EQ(fault.event.translation_count, 0);
  // What the first page's walk set stays.
  EXPECT_EQ(fault.writes[3].value, 0x40005067u);

  Store(kNextPte, 0x40006007);
  const Event event = Ask(step).event;
  ASSERT_EQ(event.translation_count, 2);
  EXPECT_EQ(event.translations[0].address.value, 0x5678ffcu);
  EXPECT_EQ(event.translations[1].address.value, 0x9999000u);

  Store(kNextData, 0);
  const Event exit = Ask(step).event;
  EXPECT_EQ(exit.exit_reason, 48);
  EXPECT_EQ(exit.gpa.value, 0x40006000u);
  EXPECT_EQ(exit.gla.value, 0x80'80605000u);
}

TEST_F(LinearLimitsTest, LinearAddressesOf32BitsWrapAround) {
  for (const Mode mode : {Mode::k32Bit, Mode::kPae}) {
    Enter(mode);
    Step step;
    step.kind = StepKind::kLinearAccess;
    step.access.size = 2;
    step.gla = Gla{0xffffffff};
    state_.guest.pdpte[3] = 0x14001;
    Store(Hpa{0x14ff8}, 0x13007);     // PDE 1FFH
    Store(Hpa{0x13ff8}, 0x40005007);  // PTE 1FFH
    Store(Hpa{0x20ff8}, 0x21007ull << 32);
    Store(Hpa{0x21ff8}, 0x40005007ull << 32);
    const Event event = Ask(step).event;
    EXPECT_EQ(event.kind, EventKind::kPageFault);
    EXPECT_EQ(event.cr2.value, 0u);
  }
}

// GW-21; but Bochs cuts the address of the second page whoever accesses it.
TEST_F(LinearLimitsTest, CompatibilityModeWrapsAround) {
  Enter(Mode::k4Level);
  state_.guest.cs_l = false;
  Step step;
  step.kind = StepKind::kLinearAccess;
  step.gla = Gla{0xffffffff};
  step.access.size = 2;
  Store(Hpa{0x10000}, 0x11007);     // PML4E 0
  Store(Hpa{0x11018}, 0x12007);     // PDPTE 3
  Store(Hpa{0x12ff8}, 0x13007);     // PDE 1FFH
  Store(Hpa{0x13ff8}, 0x40005007);  // PTE 1FFH
  const Event event = Ask(step).event;
  EXPECT_EQ(event.kind, EventKind::kPageFault);
  EXPECT_EQ(event.cr2.value, 0u);

  step.access.implicit_supervisor = true;
  EXPECT_EQ(Ask(step).event.cr2.value, 0u);
  step.access.size = 1;
  step.gla = Gla{0x100000000};
  EXPECT_EQ(Ask(step).event.cr2.value, 0x100000000u);
  step.access.implicit_supervisor = false;
  Outcome outcome;
  EXPECT_EQ(oracle_->Perform(state_, step, outcome), Skip::kCallerError);
}

TEST_F(LinearLimitsTest, RefusesAddressesThatAreNotCanonical) {
  const struct {
    Mode mode;
    std::uint64_t gla;
    Skip skip;
  } kCases[] = {
      {Mode::k4Level, 0x7fff'ffffffff, Skip::kNone},
      {Mode::k4Level, 0x8000'00000000, Skip::kCallerError},
      {Mode::k4Level, 0xffff7fff'ffffffff, Skip::kCallerError},
      {Mode::k4Level, 0xffff8000'00000000, Skip::kNone},
      {Mode::k5Level, 0x8000'00000000, Skip::kNone},
      {Mode::k5Level, 0x01000000'00000000, Skip::kCallerError},
      {Mode::k32Bit, 0xffffffff, Skip::kNone},
      {Mode::k32Bit, 0x1'00000000, Skip::kCallerError},
      {Mode::kPae, 0x01000000'00000000, Skip::kCallerError},
  };
  for (const auto& c : kCases) {
    Enter(c.mode);
    Step step;
    step.kind = StepKind::kLinearAccess;
    step.gla = Gla{c.gla};
    Outcome outcome;
    ASSERT_EQ(oracle_->Enter(state_, outcome), Skip::kNone);
    EXPECT_EQ(oracle_->Perform(state_, step, outcome), c.skip) << c.gla;
  }
  Step step;
  step.kind = StepKind::kLinearAccess;
  step.gla = Gla{0x7fff'ffffffff};
  step.access.size = 2;
  Enter(Mode::k4Level);
  Outcome outcome;
  EXPECT_EQ(oracle_->Perform(state_, step, outcome), Skip::kCallerError);
}

TEST_F(LinearLimitsTest, AlwaysHasPse36) {
  state_.processor.pse36 = false;
  const struct {
    Mode mode;
    std::uint64_t cr4;
    Skip skip;
  } kCases[] = {{Mode::k32Bit, kCr4Pse, Skip::kPse36Always},
                {Mode::k32Bit, 0, Skip::kNone},
                {Mode::kPae, kCr4Pse, Skip::kNone},
                {Mode::k4Level, kCr4Pse, Skip::kNone}};
  for (const auto& c : kCases) {
    Enter(c.mode);
    state_.guest.cr4 |= c.cr4;
    Step step;
    step.kind = StepKind::kLinearAccess;
    step.gla = gla_;
    Outcome outcome;
    ASSERT_EQ(oracle_->Enter(state_, outcome), Skip::kNone);
    EXPECT_EQ(oracle_->Perform(state_, step, outcome), c.skip);
  }
}

TEST_F(LinearLimitsTest, Ia32eModeNeedsPae) {
  Enter(Mode::k32Bit);
  state_.guest.efer = 0x500;
  state_.guest.cs_l = true;
  EXPECT_EQ(Read().event.translations[0].address.value, 0x5678abcu);
}

TEST_F(LinearLimitsTest, CountsThePanicThatIsKnown) {
  if (BochsDialectName() != "bochs-3.0") GTEST_SKIP() << "it is mended";
  state_.processor.cet_ss = true;
  state_.guest.cpl = 0;
  state_.guest.cr0 &= ~kCr0Wp;
  Store(kPte, 0x40005005);
  Step step;
  step.kind = StepKind::kLinearAccess;
  step.access.kind = AccessKind::kWrite;
  step.gla = gla_;
  Outcome outcome;
  ASSERT_EQ(oracle_->Enter(state_, outcome), Skip::kNone);
  EXPECT_EQ(oracle_->Perform(state_, step, outcome), Skip::kReadOnlyDirty);
  EXPECT_NE(LastBochsPanic(), "");
}

// Whoever calls Bochs's walk has looked at the halves before.
TEST_F(LinearLimitsTest, LeavesSeparationToItsCallers) {
  const std::pair<Mode, Skip> kCases[] = {{Mode::k32Bit, Skip::kNone},
                                          {Mode::kPae, Skip::kNone},
                                          {Mode::k4Level, Skip::kGuestFeature},
                                          {Mode::k5Level, Skip::kGuestFeature}};
  for (const auto& [mode, skip] : kCases) {
    Enter(mode);
    state_.guest.cr4 |= 1 << 27;  // LASS
    Step step;
    step.kind = StepKind::kLinearAccess;
    step.gla = gla_;
    Outcome outcome;
    ASSERT_EQ(oracle_->Enter(state_, outcome), Skip::kNone);
    EXPECT_EQ(oracle_->Perform(state_, step, outcome), skip);
  }
}

// Bochs 3.0 knows the bits of linear-address masking by name alone.
TEST_F(LinearLimitsTest, DoesNotMask) {
  const std::pair<Mode, Skip> kCases[] = {{Mode::k32Bit, Skip::kNone},
                                          {Mode::kPae, Skip::kNone},
                                          {Mode::k4Level, Skip::kMasking},
                                          {Mode::k5Level, Skip::kMasking}};
  for (const auto& [mode, skip] : kCases) {
    Enter(mode);
    state_.guest.cr4 |= 1 << 28;  // LAM_SUP
    state_.guest.cr3 |= mode == Mode::k32Bit ? 0 : std::uint64_t{1} << 62;
    Step step;
    step.kind = StepKind::kLinearAccess;
    step.gla = gla_;
    Outcome outcome;
    ASSERT_EQ(oracle_->Enter(state_, outcome), Skip::kNone);
    EXPECT_EQ(oracle_->Perform(state_, step, outcome), Skip::kNone);
    if (skip == Skip::kNone) continue;
    step.gla.value |= std::uint64_t{1} << 62;
    EXPECT_EQ(oracle_->Perform(state_, step, outcome), skip);
  }
}

TEST_F(LinearLimitsTest, AnswersWhereHlatDoesNotApply) {
  constexpr std::uint64_t kHigh = 0xffff8000'00000000;
  const struct {
    Mode mode;
    std::uint16_t prefix_size;
    std::uint64_t gla;
    Skip skip;
  } kCases[] = {{Mode::k4Level, 0, kGla.value, Skip::kHlat},
                {Mode::k5Level, 1, kHigh, Skip::kHlat},
                {Mode::k4Level, 1, kGla.value, Skip::kNone},
                {Mode::kPae, 0, kGla32.value, Skip::kNone},
                {Mode::k32Bit, 0, kGla32.value, Skip::kNone}};
  state_.controls.primary |= 1 << 17;  // tertiary controls
  state_.controls.tertiary = 2 | 8;    // HLAT, verification
  for (const auto& c : kCases) {
    Enter(c.mode);
    state_.controls.hlat_prefix_size = c.prefix_size;
    Step step;
    step.kind = StepKind::kLinearAccess;
    step.gla = Gla{c.gla};
    Outcome outcome;
    ASSERT_EQ(oracle_->Enter(state_, outcome), Skip::kNone);
    EXPECT_EQ(oracle_->Perform(state_, step, outcome), c.skip) << c.gla;
  }
}

TEST_F(LinearLimitsTest, RemembersNothing) {
  const Outcome first = Read();
  Store(kPte, 0);
  EXPECT_EQ(Read().event.kind, EventKind::kPageFault);
  Store(kPte, 0x40005007);
  EXPECT_EQ(Read(), first);
  Store(kData, 0);
  EXPECT_EQ(Read().event.exit_reason, 48);
}

}  // namespace
}  // namespace eptdiff
