// The oracle "bochs-tlb": what Bochs's TLB keeps from step to step, and what
// empties it.
#include <gtest/gtest.h>

#include <memory>

#include "oracle/bochs/bochs_oracle.h"
#include "oracle/bochs/linear_access_testing.h"
#include "oracle/case.h"
#include "oracle/machine_state.h"
#include "oracle/oracle.h"
#include "oracle/outcome.h"

namespace eptdiff::bochs_testing {
namespace {

// The page of kGla is at 5678000H, or at 7777000H after its EPT PTE has
// changed.
class TlbTest : public LinearAccessTest {
 protected:
  void SetUp() override {
    if (tlb_ == nullptr) GTEST_SKIP() << "built without Bochs";
    EXPECT_TRUE(tlb_->keeps_translations());
    Begin();
  }

  // Enters, uses the page, and changes its entry.
  void Begin() {
    Store(kData, 0x5678037);
    Outcome outcome;
    ASSERT_EQ(tlb_->Enter(state_, outcome), Skip::kNone);
    EXPECT_EQ(AddressOf(Access(AccessKind::kWrite)), 0x5678abcu);
    Store(kData, 0x7777037);
  }

  Step Access(AccessKind kind) const {
    Step step;
    step.kind = StepKind::kLinearAccess;
    step.access.kind = kind;
    step.gla = gla_;
    return step;
  }
  Outcome Perform(const Step& step) {
    Outcome outcome;
    EXPECT_EQ(tlb_->Perform(state_, step, outcome), Skip::kNone);
    for (const MemoryWord& word : outcome.writes) {
      Store(word.address, word.value);
    }
    return outcome;
  }
  std::uint64_t AddressOf(const Step& step) {
    const Outcome outcome = Perform(step);
    EXPECT_EQ(outcome.event.kind, EventKind::kCompleted);
    return outcome.event.translations[0].address.value;
  }
  std::uint64_t Read() { return AddressOf(Access(AccessKind::kRead)); }

  const std::unique_ptr<Oracle> tlb_ = MakeBochsOracle(BochsTlb::kKept);
};

TEST_F(TlbTest, KeepsWhatWasUsed) {
  EXPECT_EQ(Read(), 0x5678abcu);
  EXPECT_EQ(AddressOf(Access(AccessKind::kWrite)), 0x5678abcu);
  // And its size.
  EXPECT_EQ(Perform(Access(AccessKind::kRead)).event.translations[0].page_shift,
            12);
}

TEST_F(TlbTest, WithoutOneMemoryCounts) {
  EXPECT_FALSE(oracle_->keeps_translations());
  EXPECT_EQ(LinearAccessTest::Read().event.translations[0].address.value,
            0x7777abcu);
}

// Of fetches nothing is kept that could be used: Bochs wants a host's pointer.
TEST_F(TlbTest, FetchesWalk) {
  EXPECT_EQ(AddressOf(Access(AccessKind::kFetch)), 0x7777abcu);
  EXPECT_EQ(Read(), 0x5678abcu);
}

TEST_F(TlbTest, VmEntryEmptiesIt) {
  Outcome outcome;
  ASSERT_EQ(tlb_->EnterAgain(state_, Step(), outcome), Skip::kNone);
  EXPECT_EQ(Read(), 0x7777abcu);
}

TEST_F(TlbTest, AVmExitEmptiesIt) {
  Step exits = Access(AccessKind::kRead);
  exits.kind = StepKind::kGuestPhysicalAccess;
  exits.gpa = Gpa{std::uint64_t{1} << 40};
  EXPECT_EQ(Perform(exits).event.kind, EventKind::kVmExit);
  EXPECT_EQ(Read(), 0x7777abcu);
}

TEST_F(TlbTest, InvlpgEndsThePageOfItsAddress) {
  state_.guest.cpl = 0;
  Begin();
  Step invlpg;
  invlpg.kind = StepKind::kInvalidation;
  invlpg.invalidation = {InvalidationKind::kInvlpg, 0, 0, gla_.value + 0x1000};
  EXPECT_EQ(Perform(invlpg).event.kind, EventKind::kCompleted);
  EXPECT_EQ(Read(), 0x5678abcu) << "that was the next page";
  invlpg.invalidation.second = gla_.value;
  Perform(invlpg);
  EXPECT_EQ(Read(), 0x7777abcu);
}

TEST_F(TlbTest, AnotherLogicalProcessorHasItsOwnRegisters) {
  const GuestState own = state_.guest;
  state_.current = 1;
  state_.guest.cr3 = 0;  // whose tables lead nowhere
  EXPECT_EQ(Perform(Access(AccessKind::kRead)).event.kind,
            EventKind::kPageFault);
  state_.current = 0;
  state_.guest = own;
  EXPECT_EQ(Read(), 0x7777abcu) << "Bochs has one processor, and one TLB";
}

TEST_F(TlbTest, WhatItsDialectDoesNotTellIsSkipped) {
  Outcome outcome;
  state_.guest.cr4 |= kCr4Pke;
  EXPECT_EQ(tlb_->Perform(state_, Access(AccessKind::kRead), outcome),
            Skip::kGuestFeature);
  state_.guest.cr4 &= ~kCr4Pke;
  state_.controls.secondary |= kPml;
  state_.controls.pml_index = 512;
  EXPECT_EQ(tlb_->Perform(state_, Access(AccessKind::kRead), outcome),
            Skip::kFullLogAndTlb);
  Step invept;
  invept.kind = StepKind::kInvalidation;
  invept.invalidation.kind = InvalidationKind::kInvept;
  state_.controls.pml_index = 511;
  EXPECT_EQ(tlb_->Perform(state_, invept, outcome), Skip::kInvalidation);
}

}  // namespace
}  // namespace eptdiff::bochs_testing
