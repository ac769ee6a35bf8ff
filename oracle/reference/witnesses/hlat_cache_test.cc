// What may be kept where HLAT paging leads to ordinary paging: both are tagged
// alike, by VPID, PCID and EPTRTA, and each is kept for itself.
#include <gtest/gtest.h>

#include <cstdint>

#include "oracle/reference/witnesses/answer.h"
#include "oracle/reference/witnesses/cache_scenes.h"
#include "oracle/reference/witnesses/case_builder.h"
#include "oracle/reference/witnesses/last_step.h"

namespace eptdiff {
namespace {

// Where HLAT paging's entry for kGla is, and what makes it restart.
constexpr std::uint64_t kHlatPte = 0x29aa8;
constexpr std::uint64_t kRestart = 0x800;
constexpr std::uint64_t kNoFlush = std::uint64_t{1} << 63;  // MOV to CR3

bool Permits(const CaseBuilder& builder, const Answer& answer) {
  JudgedStep judged;
  JudgeLastStep(builder.Build(), Dialect(), judged, /*keeps=*/true);
  EXPECT_EQ(judged.verdict.standing, Standing::kJudged);
  return judged.Accepts(answer.In(judged.before));
}

// HLAT paging maps kGla to 26234H under PCID 1, and then to 27234H.
CaseBuilder HlatMoved() {
  return Guest4()
      .Vpid(5)
      .Hlat()
      .HlatPte(0x16067)
      .Cr4(0x20080)
      .With([](Case& c) { c.guest.cr3 |= 1; })
      .Read(kGla)
      .Store(kHlatPte, 0x17067);
}

TEST(HlatCacheTest, WhatHlatPagingMapsIsKeptLikeAnyOther) {
  const CaseBuilder moved = HlatMoved();
  EXPECT_TRUE(Permits(CaseBuilder(moved).Read(kGla), Reaches(0x26234, 4)));
  EXPECT_TRUE(Permits(CaseBuilder(moved).Read(kGla), Reaches(0x27234, 4)));
  const CaseBuilder ended = CaseBuilder(moved).Invlpg(kGla).Read(kGla);
  EXPECT_FALSE(Permits(ended, Reaches(0x26234, 4)));
  EXPECT_TRUE(Permits(ended, Reaches(0x27234, 4)));
}

// The root is HLATP's, and the PCID CR3's (25.6.23 gives HLATP none).
TEST(HlatCacheTest, WhatHlatPagingMapsHasThePcidOfCr3) {
  const CaseBuilder other =
      HlatMoved().Give(GuestRegister::kCr3, kNoFlush | 0x14002);
  EXPECT_FALSE(Permits(CaseBuilder(other).Read(kGla), Reaches(0x26234, 4)));
  EXPECT_TRUE(Permits(CaseBuilder(other).Read(kGla), Reaches(0x27234, 4)));
  const CaseBuilder back =
      CaseBuilder(other).Give(GuestRegister::kCr3, kNoFlush | 0x14001);
  EXPECT_TRUE(Permits(CaseBuilder(back).Read(kGla), Reaches(0x26234, 4)));
  EXPECT_TRUE(Permits(CaseBuilder(back).Read(kGla), Reaches(0x27234, 4)));
  const CaseBuilder flushed =
      CaseBuilder(other).Give(GuestRegister::kCr3, 0x14001);
  EXPECT_FALSE(Permits(CaseBuilder(flushed).Read(kGla), Reaches(0x26234, 4)));
}

// The page's HLAT entry begins to restart after the ordinary page directory has
// lost its page table; a neighbour of the page may have used that before.
TEST(HlatCacheTest, OrdinaryPagingMayHaveBeenKeptBeforeTheRestart) {
  const CaseBuilder restarts = Guest4()
                                   .Vpid(5)
                                   .Hlat()
                                   .HlatPte(0)
                                   .Store(kGuestPde, 0)
                                   .Store(kHlatPte, 0x16067 | kRestart);
  const CaseBuilder read = CaseBuilder(restarts).Read(kGla);
  EXPECT_TRUE(Permits(read, PageFault(0, kGla)));
  EXPECT_TRUE(Permits(read, Reaches(0x20234, 8)));
  EXPECT_FALSE(Permits(read, Reaches(0x26234, 4)));
  // INVLPG ends what was kept of upper levels.
  const CaseBuilder ended = CaseBuilder(restarts).Invlpg(kGla).Read(kGla);
  EXPECT_TRUE(Permits(ended, PageFault(0, kGla)));
  EXPECT_FALSE(Permits(ended, Reaches(0x20234, 8)));
}

// The other way round: a restart that is no longer there may be used once more.
TEST(HlatCacheTest, ARestartMayBeKept) {
  const CaseBuilder read = Guest4()
                               .Vpid(5)
                               .Hlat()
                               .HlatPte(0x16067 | kRestart)
                               .Read(kGla)
                               .Store(kHlatPte, 0x16067)
                               .Read(kGla);
  EXPECT_TRUE(Permits(read, Reaches(0x26234, 4)));
  EXPECT_TRUE(Permits(read, Reaches(0x20234, 8)));
}

}  // namespace
}  // namespace eptdiff
