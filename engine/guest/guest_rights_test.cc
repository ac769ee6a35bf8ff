// The expected error codes are those of Volume 3A, 4.6 and 4.7:
// 1 P, 2 W/R, 4 U/S, 10H I/D, 20H PK, 40H SS.
#include "engine/guest/guest_rights.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <span>

#include "engine/types.h"

namespace eptdiff {
namespace {

using engine::AccessMode;
using engine::GuestControl;
using engine::GuestProtection;
using engine::JudgeGuestRights;
using engine::ModeOf;
using engine::RightsFor;

constexpr auto kRead = AccessKind::kRead;
constexpr auto kWrite = AccessKind::kWrite;
constexpr auto kRmw = AccessKind::kReadModifyWrite;
constexpr auto kFetch = AccessKind::kFetch;
constexpr auto kSsRead = AccessKind::kShadowStackRead;
constexpr auto kSsWrite = AccessKind::kShadowStackWrite;
constexpr auto kSsToken = AccessKind::kShadowStackReadModifyWrite;
constexpr auto kUser = AccessMode::kUser;
constexpr auto kSuper = AccessMode::kExplicitSupervisor;
constexpr auto kImplicit = AccessMode::kImplicitSupervisor;

TEST(AccessModeTest, WhoseAccessItIs) {
  const struct {
    Access access;
    std::uint8_t cpl;
    AccessMode mode;
  } kCases[] = {
      {{}, 0, kSuper},
      {{}, 2, kSuper},
      {{}, 3, kUser},
      {{.implicit_supervisor = true}, 3, kImplicit},
      {{.implicit_supervisor = true}, 0, kImplicit},
      {{.kind = kSsWrite, .wruss = true}, 0, kUser},
  };
  for (const auto& c : kCases) EXPECT_EQ(ModeOf(c.access, c.cpl), c.mode);
}

struct Case {
  AccessKind kind;
  AccessMode mode;
  std::uint64_t table, leaf;  // bits 0 P, 1 R/W, 2 U/S, 6 D, 63 XD
  std::uint32_t error_code;   // 0: allowed
};

void Check(const GuestProtection& protection, std::span<const Case> cases) {
  for (const Case& c : cases) {
    GuestControl control;
    control.Add(c.table);
    control.Add(c.leaf);
    EXPECT_EQ(JudgeGuestRights(RightsFor(c.kind, c.mode, protection), control),
              c.error_code)
        << "case " << &c - cases.data() << std::hex << ": " << c.table << " "
        << c.leaf;
  }
}

constexpr std::uint64_t kXd = 0x8000000000000000;

TEST(GuestRightsTest, NothingSwitchedOn) {
  constexpr Case kCases[] = {
      {kRead, kSuper, 1, 1, 0},       {kWrite, kSuper, 1, 1, 0},
      {kRmw, kImplicit, 1, 1, 0},     {kFetch, kSuper, 7, 7, 0},
      {kRead, kUser, 5, 5, 0},        {kRead, kUser, 5, 1, 5},
      {kRead, kUser, 1, 5, 5},        {kWrite, kUser, 7, 7, 0},
      {kWrite, kUser, 7, 5, 7},       {kWrite, kUser, 5, 7, 7},
      {kRmw, kUser, 7, 5, 7},         {kWrite, kUser, 7, 3, 7},
      {kFetch, kUser, 5, 5, 0},       {kFetch, kUser, 5, 1, 5},
      {kFetch, kUser, 5, kXd | 5, 0},  // XD does not count
  };
  Check({}, kCases);
}

TEST(GuestRightsTest, WriteProtect) {
  constexpr Case kCases[] = {
      {kWrite, kSuper, 3, 3, 0}, {kWrite, kSuper, 3, 1, 3},
      {kWrite, kSuper, 1, 3, 3}, {kRmw, kImplicit, 7, 5, 3},
      {kRead, kSuper, 1, 1, 0},  {kWrite, kUser, 7, 5, 7},
  };
  Check({.write_protect = true}, kCases);
}

TEST(GuestRightsTest, ExecuteDisable) {
  constexpr Case kCases[] = {
      {kFetch, kSuper, 1, 1, 0},          {kFetch, kSuper, 1, kXd | 1, 0x11},
      {kFetch, kSuper, kXd | 1, 1, 0x11}, {kFetch, kUser, 5, kXd | 5, 0x15},
      {kFetch, kUser, 5, 1, 0x15},        {kRead, kUser, kXd | 5, kXd | 5, 0},
  };
  Check({.no_execute = true}, kCases);
}

// GW-9: whatever NXE is.
TEST(GuestRightsTest, Smep) {
  constexpr Case kCases[] = {
      {kFetch, kSuper, 5, 5, 0x11}, {kFetch, kSuper, 5, 1, 0},
      {kFetch, kSuper, 1, 5, 0},    {kFetch, kSuper, 5, kXd | 1, 0},
      {kFetch, kUser, 5, 5, 0},     {kFetch, kUser, 5, 1, 0x15},
      {kRead, kSuper, 5, 5, 0},     {kFetch, kImplicit, 5, 5, 0x11},
  };
  Check({.smep = true}, kCases);
}

TEST(GuestRightsTest, Smap) {
  constexpr Case kCases[] = {
      {kRead, kSuper, 5, 5, 1},    {kRead, kSuper, 5, 1, 0},
      {kWrite, kSuper, 7, 7, 3},   {kWrite, kSuper, 3, 7, 0},
      {kRead, kImplicit, 5, 5, 1}, {kFetch, kSuper, 5, 5, 0},
      {kRead, kUser, 5, 5, 0},
  };
  Check({.smap = true}, kCases);
}

TEST(GuestRightsTest, SmapWithAcIsForImplicitAccessesAlone) {
  constexpr Case kCases[] = {
      {kRead, kSuper, 5, 5, 0},    {kRmw, kSuper, 7, 7, 0},
      {kRead, kImplicit, 5, 5, 1}, {kWrite, kImplicit, 7, 7, 3},
      {kWrite, kSuper, 5, 5, 0},  // CR0.WP = 0
  };
  Check({.smap = true, .allow_user_data = true}, kCases);
}

// GW-11. The leaf is not writable but dirty, all else writable.
TEST(GuestRightsTest, ShadowStacks) {
  constexpr Case kCases[] = {
      {kSsRead, kSuper, 3, 0x41, 0},     {kSsWrite, kSuper, 3, 0x41, 0},
      {kSsRead, kSuper, 3, 0x43, 0x41},   // an ordinary page
      {kSsWrite, kSuper, 3, 0x01, 0x43},  // read-only, not dirty
      {kSsRead, kSuper, 1, 0x41, 0x41},   // read-only above
      {kSsRead, kSuper, 7, 0x45, 0x41},   // a user-mode address
      {kSsWrite, kImplicit, 3, 0x45, 0},  // supervisor: the table says so
      {kSsRead, kUser, 7, 0x45, 0},      {kSsWrite, kUser, 7, 0x45, 0},
      {kSsWrite, kUser, 3, 0x45, 0x47},  {kSsRead, kUser, 7, 0x41, 0x45},
      {kSsToken, kUser, 7, 0x45, 0},     {kSsToken, kUser, 7, 0x41, 0x47},
      {kSsToken, kUser, 7, 0x47, 0x47},  {kSsToken, kSuper, 3, 0x41, 0},
      {kSsToken, kSuper, 7, 0x45, 0x43}, {kSsRead, kUser, 7, kXd | 0x45, 0},
      {kWrite, kSuper, 3, 0x41, 3},  // read-only for ordinary writes
      {kRead, kSuper, 3, 0x41, 0},
  };
  Check({.write_protect = true, .no_execute = true, .smep = true, .smap = true},
        kCases);
}

// Key 1: AD; key 2: WD. The key is that of the leaf, the register that of the
// page.
constexpr std::uint64_t kAd = 0x0800000000000000;
constexpr std::uint64_t kWd = 0x1000000000000000;

TEST(ProtectionKeyTest, UserPages) {
  constexpr Case kCases[] = {
      {kRead, kUser, 5, 5, 0},
      {kRead, kUser, 5, kAd | 5, 0x25},
      {kWrite, kUser, 7, kAd | 7, 0x27},
      {kFetch, kUser, 5, kAd | 5, 0},
      {kRead, kSuper, 5, kAd | 5, 0x21},
      {kRead, kImplicit, 5, kAd | 5, 0x21},
      {kRead, kUser, 5, kWd | 5, 0},
      {kWrite, kUser, 7, kWd | 7, 0x27},
      {kWrite, kUser, 7, kWd | 5, 0x27},  // beside another reason
      {kRmw, kUser, 7, kWd | 7, 0x27},
      {kWrite, kSuper, 7, kWd | 7, 0},  // CR0.WP = 0
      {kWrite, kSuper, 3, kAd | 7, 0},  // a supervisor page
      {kRead, kUser, kAd | 5, 5, 0},    // bits of a table entry
      {kSsRead, kUser, 7, kAd | 0x45, 0x65},
      {kSsWrite, kUser, 7, kWd | 0x45, 0x67},
      {kSsToken, kUser, 7, kWd | 0x45, 0x67},
      {kSsToken, kUser, 7, kAd | 0x45, 0x67},
      {kSsRead, kUser, 7, kWd | 0x45, 0},
  };
  Check({.user_keys = 0x00000024}, kCases);
  constexpr Case kProtected[] = {{kWrite, kSuper, 7, kWd | 7, 0x23}};
  Check({.write_protect = true, .user_keys = 0x00000024}, kProtected);
}

TEST(ProtectionKeyTest, SupervisorPages) {
  constexpr Case kCases[] = {
      {kRead, kSuper, 1, kAd | 1, 0x21},
      {kRead, kSuper, 5, kAd | 5, 0},
      {kRead, kUser, 1, kAd | 1, 0x25},
      {kWrite, kSuper, 3, kWd | 3, 0},  // CR0.WP = 0
      {kWrite, kUser, 3, kWd | 3, 7},   // likewise: WD says nothing
      {kFetch, kSuper, 1, kAd | 1, 0},
  };
  Check({.supervisor_keys = 0x00000024}, kCases);
  constexpr Case kProtected[] = {
      {kWrite, kSuper, 3, kWd | 3, 0x23},
      {kWrite, kSuper, 3, kWd | 1, 0x23},
      {kWrite, kUser, 3, kWd | 3, 0x27},
      {kRead, kSuper, 3, kWd | 3, 0},
      {kSsWrite, kSuper, 3, kWd | 0x41, 0x63},
  };
  Check({.write_protect = true, .supervisor_keys = 0x00000024}, kProtected);
}

TEST(ProtectionKeyTest, AllSixteen) {
  for (std::uint64_t key = 0; key < 16; ++key) {
    for (std::uint64_t other = 0; other < 16; ++other) {
      const GuestProtection protection = {.user_keys = std::uint32_t{1}
                                                       << (2 * other)};
      const Case cases[] = {
          {kRead, kUser, 5, key << 59 | 5, key == other ? 0x25u : 0u}};
      Check(protection, cases);
    }
  }
}

}  // namespace
}  // namespace eptdiff
