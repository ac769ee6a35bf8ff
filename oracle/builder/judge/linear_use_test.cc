// What a builder's processor holds of linear addresses, by VPID, and what ends
// that (CACHE-5, CACHE-7, CACHE-11).
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "oracle/builder/judge/caching_processor.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kEptp = 0x101e;
constexpr Gpa kPage = {0x1000};
constexpr Hpa kPte = {0x4008};
constexpr LinearUse kUse = {.vpid = 5, .gla = {0x7000}};
constexpr LinearUse kOtherUse = {.vpid = 5, .gla = {0x9000}};

// One page, which a processor holds, and then is another.
class LinearUseTest : public testing::Test {
 protected:
  void HoldAndMove(std::optional<LinearUse> use) {
    for (const std::uint64_t frame : {0x1000, 0x2000, 0x3000, 0x4000}) {
      pool_.memory().Fill(Hpa{frame}, 0);
    }
    Write(Hpa{0x1000}, 0x2007);
    Write(Hpa{0x2000}, 0x3007);
    Write(Hpa{0x3000}, 0x4007);
    Write(kPte, 0x9037);
    processor_.Reset(TableFacts(), kEptp);
    processor_.Hold(kPage, /*write=*/false, use);
    Write(kPte, 0xa037);
  }
  void Write(Hpa address, std::uint64_t value) {
    *pool_.memory().At(address) = value;
  }
  // Whether an access may go by the page as it was.
  bool IsStale(std::optional<LinearUse> use) const {
    std::vector<CachedPath> paths;
    processor_.ListStale(kPage, use, /*two_pages=*/false, paths);
    return !paths.empty();
  }

  FramePool pool_;
  CachingProcessor processor_{pool_, 0};
};

Invalidation Invvpid(std::uint8_t type, std::uint64_t vpid = 0,
                     std::uint64_t gla = 0) {
  return {.kind = InvalidationKind::kInvvpid,
          .type = type,
          .first = vpid,
          .second = gla};
}

TEST_F(LinearUseTest, ACombinedMappingOutlivesTheViolationOfAnotherAddress) {
  HoldAndMove(kUse);
  processor_.OnViolation(kPage, kOtherUse);
  EXPECT_TRUE(IsStale(kUse));
  EXPECT_FALSE(IsStale(kOtherUse));
  EXPECT_FALSE(IsStale(std::nullopt));
  EXPECT_FALSE(IsStale(LinearUse{.vpid = 6, .gla = kUse.gla}));
  processor_.OnViolation(kPage, kUse);
  EXPECT_FALSE(IsStale(kUse));
}

TEST_F(LinearUseTest, InvvpidEndsCombinedMappings) {
  const struct {
    Invalidation invvpid;
    bool ends;
  } kRows[] = {
      {Invvpid(0, 5, 0x7fff), true},  {Invvpid(0, 5, 0x8000), false},
      {Invvpid(0, 6, 0x7000), false}, {Invvpid(1, 5), true},
      {Invvpid(1, 6), false},         {Invvpid(2), true},
      {Invvpid(3, 5), true},          {Invvpid(3, 6), false},
  };
  for (const auto& [invvpid, ends] : kRows) {
    SCOPED_TRACE("type " + std::to_string(invvpid.type) + ", VPID " +
                 std::to_string(invvpid.first));
    HoldAndMove(kUse);
    processor_.OnViolation(kPage);
    EXPECT_TRUE(IsStale(kUse));
    processor_.OnInvvpid(invvpid);
    EXPECT_EQ(IsStale(kUse), !ends);
  }
}

// From which the combined ones are made anew, as stale as they were.
TEST_F(LinearUseTest, InvvpidEndsNoGuestPhysicalMapping) {
  for (std::uint8_t type = 0; type < 4; ++type) {
    HoldAndMove(kUse);
    processor_.OnInvvpid(Invvpid(type, type == 2 ? 0 : 5, 0x7000));
    EXPECT_TRUE(IsStale(kUse)) << int{type};
    EXPECT_TRUE(IsStale(std::nullopt)) << int{type};
    processor_.OnInvept({.kind = InvalidationKind::kInvept, .type = 2});
    EXPECT_FALSE(IsStale(kUse)) << int{type};
  }
}

TEST_F(LinearUseTest, InveptEndsThemWhateverTheVpid) {
  HoldAndMove(kUse);
  processor_.OnViolation(kPage);
  processor_.OnInvept(
      {.kind = InvalidationKind::kInvept, .type = 1, .first = kEptp});
  EXPECT_FALSE(IsStale(kUse));
}

TEST_F(LinearUseTest, WithoutVpidsATransitionEndsThem) {
  for (const std::uint16_t vpid : {0, 5}) {
    const LinearUse use = {.vpid = vpid, .gla = kUse.gla};
    HoldAndMove(use);
    processor_.OnViolation(kPage);
    processor_.OnInvvpid(Invvpid(2));
    EXPECT_EQ(IsStale(use), vpid == 0) << "VPID 0000H is not among all";
    HoldAndMove(use);
    processor_.OnViolation(kPage);
    processor_.OnTransition();
    EXPECT_EQ(IsStale(use), vpid != 0);
  }
}

}  // namespace
}  // namespace eptdiff
