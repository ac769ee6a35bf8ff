// Bochs asked for linear accesses that EPT refuses, in both dimensions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>

#include "oracle/bochs/linear_access_testing.h"

namespace eptdiff {
namespace {

using namespace bochs_testing;
using ::testing::ElementsAre;
using LinearExitsTest = LinearAccessTest;

TEST_F(LinearExitsTest, ExitsForEntriesThatEptDoesNotMap) {
  const struct {
    Mode mode;
    std::uint64_t gpa;
  } kCases[] = {{Mode::k32Bit, 0x20804},
                {Mode::kPae, 0x12018},
                {Mode::k4Level, 0x10008},
                {Mode::k5Level, 0xf000}};
  Store(kStructures, 0);
  for (const auto& c : kCases) {
    Enter(c.mode);
    const Event event = Write().event;
    EXPECT_EQ(event.exit_reason, 48);
    EXPECT_EQ(event.gpa.value, c.gpa);
    EXPECT_EQ(event.gla, gla_);
    EXPECT_EQ(event.qualification & 0x1bf, 0x81u);  // a read, not of the GLA
  }
}

TEST_F(LinearExitsTest, TheFirstOfTheWalksEventsWins) {
  // A #PF on an entry comes before the EPT access to the next one.
  Store(kPde, 0x80000006);
  EXPECT_EQ(ErrorCode(AccessKind::kRead), 0x4u);
  Store(kPde, 0x80000007);
  EXPECT_EQ(Read().event.gpa.value, 0x80000020u);
  // The guest's rights come before the EPT access to the page, but after those
  // to the entries.
  Store(kPde, 0x13003);
  Store(kData, 0);
  EXPECT_EQ(ErrorCode(AccessKind::kRead), 0x5u);
  Store(kPde, 0x80000003);
  EXPECT_EQ(Read().event.gpa.value, 0x80000020u);
}

TEST_F(LinearExitsTest, DescribesThePageThatTheGuestMaps) {
  Store(kData, 0);
  state_.guest.efer |= kEferNxe;
  EXPECT_EQ(Read().event.qualification, 0x781u);  // user, writable
  Store(kPde, 0x13005 | kXd);
  EXPECT_EQ(Read().event.qualification, 0xb81u);  // user, execute-disable
  Store(kPml4e, 0x11003);
  state_.guest.cpl = 0;
  EXPECT_EQ(Read().event.qualification, 0x981u);
  EXPECT_EQ(Read().event.gpa.value, 0x40005abcu);
  EXPECT_EQ(Read().event.gla, kGla);
}

TEST_F(LinearExitsTest, ModeBasedExecutionGoesByTheGuestsPage) {
  state_.controls.secondary |= kMbec;
  state_.guest.cpl = 0;  // and not by the CPL
  for (const Hpa entry : {kEptPml4e, kDataPdpte, kDataPde}) {
    Store(entry, state_.memory.Load(entry) | 0x400);
  }
  Store(kData, 0x5678431);  // for users
  EXPECT_TRUE(Completes(AccessKind::kFetch));
  Store(kData, 0x5678035);  // for supervisors
  EXPECT_EQ(Fetch().event.exit_reason, 48);
  Store(kPdpte, 0x12003);
  EXPECT_TRUE(Completes(AccessKind::kFetch));
}

TEST_F(LinearExitsTest, GuestStructuresAreWrittenIfEptHasFlags) {
  state_.controls.eptp |= kEptpAd;
  state_.controls.secondary |= kPml;
  for (const Hpa entry : {kPml4e, kPdpte, kPde, kPte}) {
    Store(entry, state_.memory.Load(entry) | 0x20);
  }
  const Outcome outcome = Read();
  EXPECT_THAT(
      WritesOf(outcome),
      ElementsAre(MemoryWord{kEptPml4e, 0x2107}, MemoryWord{kStructures, 0x3b7},
                  MemoryWord{kDataPdpte, 0x3107}, MemoryWord{kDataPde, 0x4107},
                  MemoryWord{kData, 0x5678137},
                  MemoryWord{Hpa{0x8ff8}, 0x10000}));
  EXPECT_EQ(outcome.registers.pml_index, 510);

  Store(kStructures, 0xb5);
  const Event event = Read().event;
  EXPECT_EQ(event.exit_reason, 48);
  // A write to what may be read and executed. (Bit 0 belongs with it, and is
  // missing in Bochs.)
  EXPECT_EQ(event.qualification & 0x1be, 0xaau);
  EXPECT_EQ(event.gpa.value, kPml4e.value);
}

}  // namespace
}  // namespace eptdiff
