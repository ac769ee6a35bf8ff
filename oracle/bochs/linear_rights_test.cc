// Bochs asked what the guest's entries allow: users and supervisors, fetches,
// protection keys, shadow stacks.
#include <gtest/gtest.h>

#include "oracle/bochs/linear_access_testing.h"

namespace eptdiff {
namespace {

using namespace bochs_testing;
using LinearRightsTest = LinearAccessTest;

TEST_F(LinearRightsTest, JudgesUserAccesses) {
  Store(kPde, 0x13005);  // not writable
  EXPECT_TRUE(Completes(AccessKind::kRead));
  EXPECT_EQ(ErrorCode(AccessKind::kWrite), 0x7u);
  EXPECT_EQ(ErrorCode(AccessKind::kReadModifyWrite), 0x7u);
  state_.guest.cr0 &= ~kCr0Wp;  // says nothing for user accesses
  EXPECT_EQ(ErrorCode(AccessKind::kWrite), 0x7u);
  Store(kPde, 0x13003);  // supervisor
  EXPECT_EQ(ErrorCode(AccessKind::kRead), 0x5u);
  EXPECT_EQ(ErrorCode(AccessKind::kFetch), 0x5u);
}

TEST_F(LinearRightsTest, JudgesSupervisorWritesByWp) {
  state_.guest.cpl = 2;
  Store(kPte, 0x40005005);
  EXPECT_EQ(ErrorCode(AccessKind::kWrite), 0x3u);
  state_.guest.cr0 &= ~kCr0Wp;
  EXPECT_TRUE(Completes(AccessKind::kWrite));
}

TEST_F(LinearRightsTest, JudgesFetches) {
  state_.guest.efer |= kEferNxe;
  Store(kPdpte, 0x12007 | kXd);
  EXPECT_TRUE(Completes(AccessKind::kRead));
  EXPECT_EQ(ErrorCode(AccessKind::kFetch), 0x15u);

  Store(kPdpte, 0x12007);
  state_.guest.efer &= ~kEferNxe;
  state_.guest.cr4 |= kCr4Smep;
  EXPECT_TRUE(Completes(AccessKind::kFetch));
  state_.guest.cpl = 0;
  EXPECT_EQ(ErrorCode(AccessKind::kFetch), 0x11u);
  Store(kPde, 0x13003);
  EXPECT_TRUE(Completes(AccessKind::kFetch));
}

TEST_F(LinearRightsTest, JudgesSupervisorAccessesToUserPages) {
  state_.guest.cpl = 0;
  state_.guest.cr4 |= kCr4Smap;
  EXPECT_EQ(ErrorCode(AccessKind::kRead), 0x1u);
  EXPECT_EQ(ErrorCode(AccessKind::kWrite), 0x3u);
  EXPECT_TRUE(Completes(AccessKind::kFetch));
  state_.guest.rflags = kAc;
  EXPECT_TRUE(Completes(AccessKind::kRead));

  // An implicit access is a supervisor one at CPL 3 also. (With EFLAGS.AC set
  // it must fault all the same, and does not in Bochs.)
  state_.guest.rflags = 0;
  state_.guest.cpl = 3;
  Step step;
  step.kind = StepKind::kLinearAccess;
  step.gla = gla_;
  EXPECT_EQ(Ask(step).event.kind, EventKind::kCompleted);
  step.access.implicit_supervisor = true;
  EXPECT_EQ(Ask(step).event.error_code, 0x1u);
}

TEST_F(LinearRightsTest, JudgesProtectionKeys) {
  Store(kPte, 0x40005007 | 5ull << 59);
  state_.guest.cr4 |= kCr4Pke;
  state_.guest.pkru = 1 << 10;  // no access
  EXPECT_EQ(ErrorCode(AccessKind::kRead), 0x25u);
  EXPECT_TRUE(Completes(AccessKind::kFetch));
  state_.guest.pkru = 1 << 11;  // no writes
  EXPECT_TRUE(Completes(AccessKind::kRead));
  EXPECT_EQ(ErrorCode(AccessKind::kWrite), 0x27u);
  state_.guest.cpl = 0;
  EXPECT_EQ(ErrorCode(AccessKind::kWrite), 0x23u);

  Store(kPte, 0x40005003 | 5ull << 59);
  Store(kPde, 0x13003);
  state_.guest.cr4 |= kCr4Pks;
  state_.guest.pkru = 0;
  EXPECT_TRUE(Completes(AccessKind::kWrite));
  state_.guest.pkrs = 1 << 11;
  EXPECT_EQ(ErrorCode(AccessKind::kWrite), 0x23u);
  state_.guest.cr0 &= ~kCr0Wp;
  EXPECT_TRUE(Completes(AccessKind::kWrite));
  state_.guest.pkrs = 1 << 10;
  EXPECT_EQ(ErrorCode(AccessKind::kRead), 0x21u);
  state_.guest.efer = 0;  // not in PAE paging, where bit 59 is reserved
  gla_ = kGla32;
  EXPECT_EQ(ErrorCode(AccessKind::kRead), 0x9u);
}

TEST_F(LinearRightsTest, JudgesShadowStackAccesses) {
  state_.guest.cr4 |= kCr4Cet;
  Store(kPte, 0x40005065);  // read-only and dirty: a shadow stack
  EXPECT_TRUE(Completes(AccessKind::kShadowStackRead));
  EXPECT_TRUE(Completes(AccessKind::kShadowStackWrite));
  EXPECT_EQ(ErrorCode(AccessKind::kWrite), 0x7u);
  Store(kPte, 0x40005067);
  EXPECT_EQ(ErrorCode(AccessKind::kShadowStackRead), 0x45u);
  Store(kPte, 0x40005025);
  EXPECT_EQ(ErrorCode(AccessKind::kShadowStackWrite), 0x47u);
  Store(kPte, 0x40005065);
  Store(kPde, 0x13005);  // must be writable
  EXPECT_EQ(ErrorCode(AccessKind::kShadowStackRead), 0x45u);
  Store(kPde, 0x13003);  // a supervisor's
  EXPECT_EQ(ErrorCode(AccessKind::kShadowStackRead), 0x45u);
  state_.guest.cpl = 0;
  EXPECT_TRUE(Completes(AccessKind::kShadowStackRead));
  Step wruss;
  wruss.kind = StepKind::kLinearAccess;
  wruss.access = {.kind = AccessKind::kShadowStackWrite, .wruss = true};
  wruss.gla = gla_;
  EXPECT_EQ(Ask(wruss).event.error_code, 0x47u);
  Store(kPde, 0x13007);
  EXPECT_EQ(Ask(wruss).event.kind, EventKind::kCompleted);
}

TEST_F(LinearRightsTest, KnowsSupervisorShadowStacksOfEpt) {
  state_.guest.cr4 |= kCr4Cet;
  state_.guest.cpl = 0;
  state_.controls.eptp |= kEptpSss;
  Store(kPde, 0x13003);
  Store(kPte, 0x40005061);
  EXPECT_EQ(Ask(AccessKind::kShadowStackRead).event.qualification & 0x61ff,
            0x21b9u);
  Store(kData, 0x5678037 | 1ull << 60);
  EXPECT_TRUE(Completes(AccessKind::kShadowStackRead));
}

}  // namespace
}  // namespace eptdiff
