#include "engine/walk/invalidation.h"

#include <gtest/gtest.h>

namespace eptdiff {
namespace {

constexpr std::uint64_t kAll = 0x00000f01'06334141;  // A.10: every type
constexpr std::uint64_t kGood = 0x101e;              // WB, 4 levels
constexpr Gla kHigh{0xffff800000000000};
constexpr Gla kNotCanonical{0x0100000000000000};

TEST(InvalidationTest, InveptIsRefused) {
  struct {
    std::uint64_t cap, type, eptp;
    EventKind kind;
  } const kCases[] = {
      {kAll, 1, kGood, EventKind::kCompleted},
      {kAll, 2, ~std::uint64_t{0}, EventKind::kCompleted},
      {kAll, 1, kGood | 0x100, EventKind::kInvalidOperand},  // EPTP-5
      {kAll, 0, kGood, EventKind::kInvalidOperand},
      {kAll, 3, kGood, EventKind::kInvalidOperand},
      {kAll, 0x100000001, kGood, EventKind::kInvalidOperand},
      {kAll & ~(1ull << 25), 1, kGood, EventKind::kInvalidOperand},
      {kAll & ~(1ull << 25), 2, kGood, EventKind::kCompleted},
      {kAll & ~(1ull << 26), 2, kGood, EventKind::kInvalidOperand},
      {kAll & ~(1ull << 20), 1, kGood, EventKind::kInvalidOpcode},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(CheckInvept({.ept_vpid_cap = c.cap}, c.type, c.eptp).kind, c.kind)
        << c.cap << " " << c.type << " " << c.eptp;
  }
}

TEST(InvalidationTest, InvvpidIsRefused) {
  struct {
    std::uint64_t cap, type, descriptor;
    Gla gla;
    EventKind kind;
  } const kCases[] = {
      {kAll, 0, 5, kHigh, EventKind::kCompleted},
      {kAll, 0, 5, kNotCanonical, EventKind::kInvalidOperand},
      {kAll, 1, 5, kNotCanonical, EventKind::kCompleted},
      {kAll, 0, 0, kHigh, EventKind::kInvalidOperand},
      {kAll, 1, 0, {}, EventKind::kInvalidOperand},
      {kAll, 2, 0, {}, EventKind::kCompleted},
      {kAll, 3, 0, {}, EventKind::kInvalidOperand},
      {kAll, 2, 0x10000, {}, EventKind::kInvalidOperand},
      {kAll, 4, 5, {}, EventKind::kInvalidOperand},
      {kAll & ~(1ull << 43), 3, 5, {}, EventKind::kInvalidOperand},
      {kAll & ~(1ull << 40), 0, 5, {}, EventKind::kInvalidOperand},
      {kAll & ~(1ull << 32), 1, 5, {}, EventKind::kInvalidOpcode},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(
        CheckInvvpid({.ept_vpid_cap = c.cap}, c.type, c.descriptor, c.gla).kind,
        c.kind)
        << c.cap << " " << c.type << " " << c.descriptor;
  }
}

TEST(InvalidationTest, InvlpgMayExit) {
  EXPECT_EQ(CheckInvlpg({}, kHigh), Event{});
  const Event exit = CheckInvlpg({.primary = 1u << 9}, kHigh);
  EXPECT_EQ(exit.kind, EventKind::kVmExit);
  EXPECT_EQ(exit.exit_reason, 14);
  EXPECT_EQ(exit.qualification, kHigh.value);
}

TEST(InvalidationTest, InvpcidIsRefused) {
  constexpr std::uint32_t kPrimary = 1u << 31, kEnabled = 1u << 12;
  constexpr std::uint64_t kPcide = 1u << 17;
  struct {
    std::uint32_t primary, secondary;
    std::uint64_t cr4, type, descriptor;
    Gla gla;
    EventKind kind;
  } const kCases[] = {
      {kPrimary, kEnabled, kPcide, 0, 0xfff, kHigh, EventKind::kCompleted},
      {kPrimary, kEnabled, 0, 0, 0, kHigh, EventKind::kCompleted},
      {kPrimary, kEnabled, 0, 1, 1, {}, EventKind::kGeneralProtection},
      {kPrimary, kEnabled, 0, 2, 1, {}, EventKind::kCompleted},
      {kPrimary,
       kEnabled,
       kPcide,
       3,
       0x1000,
       {},
       EventKind::kGeneralProtection},
      {kPrimary, kEnabled, kPcide, 4, 0, {}, EventKind::kGeneralProtection},
      {kPrimary, kEnabled, kPcide, 0, 1, kNotCanonical,
       EventKind::kGeneralProtection},
      {kPrimary, kEnabled, kPcide, 1, 1, kNotCanonical, EventKind::kCompleted},
      {kPrimary, 0, kPcide, 1, 1, {}, EventKind::kInvalidOpcode},
      {0, kEnabled, kPcide, 1, 1, {}, EventKind::kInvalidOpcode},
      {kPrimary | 1u << 9, kEnabled, kPcide, 4, 1, {}, EventKind::kVmExit},
  };
  for (const auto& c : kCases) {
    const Controls controls = {.primary = c.primary, .secondary = c.secondary};
    const GuestState guest = {.cr4 = c.cr4};
    const Event event =
        CheckInvpcid(controls, guest, c.type, c.descriptor, c.gla);
    EXPECT_EQ(event.kind, c.kind) << c.type << " " << c.descriptor;
    EXPECT_EQ(event.exit_reason, c.kind == EventKind::kVmExit ? 58 : 0);
  }
}

}  // namespace
}  // namespace eptdiff
