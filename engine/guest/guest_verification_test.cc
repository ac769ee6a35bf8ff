// Guest-paging verification (VIO-13, QUAL-15).
#include <gtest/gtest.h>

#include <cstdint>

#include "engine/engine.h"
#include "engine/guest/guest_test_machine.h"

namespace eptdiff {
namespace {

constexpr auto kRead = AccessKind::kRead;
constexpr auto kWrite = AccessKind::kWrite;
constexpr std::uint64_t kVerify = 0x0200000000000000;       // bit 57
constexpr std::uint64_t kPagingWrite = 0x0400000000000000;  // bit 58

// The page is to be verified, and every structure passes.
class VerificationTest : public testing::Test {
 protected:
  explicit VerificationTest(PagingMode mode = PagingMode::kFourLevel)
      : m_(mode) {
    m_.controls.tertiary |= 0xc;
    m_.EptPteOf(Gpa{0x9000}) |= kVerify;
    for (int level = m_.top_level(); level > 0; --level) {
      m_.EptPteOf(m_.AddressOf(level)) |= kPagingWrite;
    }
  }
  GuestTestMachine m_;
};

TEST_F(VerificationTest, EveryStructureMustHavePagingWrite) {
  EXPECT_TRUE(Completed(m_.Linear(kWrite)));
  for (int level = 4; level > 0; --level) {
    std::uint64_t& pte = m_.EptPteOf(m_.AddressOf(level));
    pte ^= kPagingWrite;
    const Event exit = m_.Linear(kRead);
    ASSERT_EQ(ExitReason(exit), 48) << level;
    // Read; R, W and X; GLA valid, its translation; user, read/write; bit 15.
    EXPECT_EQ(exit.qualification, 0x87b9u);
    EXPECT_EQ(exit.gpa, Gpa{0x9abc});
    EXPECT_EQ(exit.gla, m_.gla());
    pte ^= kPagingWrite;
  }
}

TEST_F(VerificationTest, IsForPagesThatAskForIt) {
  m_.EptPteOf(m_.AddressOf(2)) ^= kPagingWrite;
  m_.EptPteOf(Gpa{0x9000}) ^= kVerify;
  EXPECT_TRUE(Completed(m_.Linear(kWrite)));
}

TEST_F(VerificationTest, NeedsBothControls) {
  m_.EptPteOf(m_.AddressOf(2)) ^= kPagingWrite;
  for (const std::uint64_t tertiary : {0x0, 0x4, 0x8}) {
    m_.controls.tertiary = tertiary;
    EXPECT_TRUE(Completed(m_.Linear(kWrite))) << tertiary;
  }
  m_.controls.tertiary = 0xc;
  EXPECT_EQ(ExitReason(m_.Linear(kWrite)), 48);
}

TEST_F(VerificationTest, WithAccessedAndDirtyFlagsToo) {
  m_.EnableAccessDirty();
  m_.EptPteOf(m_.AddressOf(3)) &= ~0x300ull;
  EXPECT_TRUE(Completed(m_.Linear(kWrite)));
  m_.EptPteOf(m_.AddressOf(3)) &= ~(kPagingWrite | 0x300);
  m_.EptPteOf(Gpa{0x9000}) &= ~0x300ull;
  EXPECT_EQ(m_.Linear(kWrite).qualification, 0x87bau);
  EXPECT_EQ(m_.EptPteOf(m_.AddressOf(3)) & 0x300, 0x300u);
  EXPECT_EQ(m_.EptPteOf(Gpa{0x9000}) & 0x300, 0u);
}

TEST_F(VerificationTest, TheGuestsRightsAndEptsOwnComeFirst) {
  m_.EptPteOf(m_.AddressOf(2)) ^= kPagingWrite;
  m_.EptPteOf(Gpa{0x9000}) &= ~std::uint64_t{2};
  EXPECT_EQ(m_.Linear(kWrite).qualification, 0x7aau);
  m_.Flip(1, 2);
  EXPECT_EQ(m_.Linear(kWrite).error_code, 3u);
}

TEST_F(VerificationTest, CanBeConverted) {
  m_.EnableVe();
  m_.EptPteOf(m_.AddressOf(1)) ^= kPagingWrite;
  const Event event = m_.Linear(kRead);
  EXPECT_EQ(event.kind, EventKind::kVirtualizationException);
  EXPECT_EQ(event.qualification, 0x87b9u);
  m_.At(0x7000) = 0;
  m_.EptPteOf(Gpa{0x9000}) |= 0x8000000000000000;
  EXPECT_EQ(ExitReason(m_.Linear(kRead)), 48);
}

TEST_F(VerificationTest, EntriesBeforeARestartDoNotCount) {
  m_.controls.tertiary |= 2;
  m_.controls.hlatp = 0xb000;
  m_.Guest(0xb008) = 0x827;
  EXPECT_TRUE(Completed(m_.Linear(kWrite)));
  m_.Guest(0xb008) = m_.Get(4);
  EXPECT_EQ(ExitReason(m_.Linear(kWrite)), 48) << "without one they do";
}

class VerificationInPaeTest : public VerificationTest {
 protected:
  VerificationInPaeTest() : VerificationTest(PagingMode::kPae) {}
};

TEST_F(VerificationInPaeTest, TheRegistersNeedNothing) {
  EXPECT_TRUE(Completed(m_.Linear(kWrite)));
  m_.EptPteOf(m_.AddressOf(2)) ^= kPagingWrite;
  EXPECT_EQ(ExitReason(m_.Linear(kWrite)), 48);
}

TEST(VerificationWithoutPagingTest, ThereIsNothingToVerify) {
  GuestTestMachine m(PagingMode::kNone);
  m.controls.tertiary |= 0xc;
  m.EptPteOf(Gpa{0x9000}) |= kVerify;
  EXPECT_TRUE(Completed(m.PerformLinear({.kind = kWrite}, Gla{0x9000})));
}

TEST_F(VerificationTest, AnAccessByGuestPhysicalAddressIsNotVerified) {
  m_.EptPteOf(m_.AddressOf(1)) ^= kPagingWrite;
  EXPECT_TRUE(Completed(m_.Perform(kWrite, Gpa{0x9abc})));
}

}  // namespace
}  // namespace eptdiff
