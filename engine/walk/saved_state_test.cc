#include "engine/walk/saved_state.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "engine/types.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kRflags = 0x202;
constexpr std::uint64_t kWithRf = 0x10202;

Event Exit(std::uint16_t reason) {
  Event event;
  event.kind = EventKind::kVmExit;
  event.exit_reason = reason;
  return event;
}

GuestState Delivering(std::uint32_t event) {
  GuestState guest;
  guest.cr0 = 0x80000001;
  guest.rflags = kRflags;
  guest.event_delivery = true;
  guest.delivered_event = event;
  return guest;
}

SavedState Saved(std::uint16_t reason, const GuestState& guest) {
  return SavedBy(Exit(reason), Controls{}, guest, /*asynchronous=*/false);
}

TEST(SavedStateTest, OfAnAccessAloneIsRf) {
  GuestState guest;
  guest.rflags = kRflags;
  guest.pending_debug = 0x1001;
  for (const std::uint16_t reason : {48, 49, 62, 66, 0}) {
    EXPECT_EQ(Saved(reason, guest), SavedState{.rflags = kWithRf}) << reason;
  }
}

TEST(SavedStateTest, OfAnInstructionIsItsLength) {
  GuestState guest;
  guest.rflags = kWithRf;
  guest.event_delivery = true;  // it is never part of that
  guest.instruction_length = 3;
  for (const std::uint16_t reason : {14, 28, 58, 59}) {
    EXPECT_EQ(Saved(reason, guest),
              (SavedState{.instruction_length = 3, .rflags = kRflags}))
        << reason;
  }
}

TEST(SavedStateTest, HasTheEventThatIsDelivered) {
  struct {
    std::uint32_t event;
    std::uint32_t expected;
  } const kCases[] = {
      {0, 0x80000000},           // not said
      {0x80000120, 0x80000000},  // none
      {0x80000328, 0x80000000},
      {0x80000020, 0x80000020},
      {0x80000205, 0x80000202},  // NMIs have vector 2
      {0x80000b0e, 0x80000b0e},
      {0x80000820, 0x80000020},  // no exception has such an error code
      {0x80000603, 0x80000603},
  };
  for (const auto& [event, expected] : kCases) {
    EXPECT_EQ(Saved(49, Delivering(event)).vectoring_information, expected)
        << std::hex << event;
  }
}

TEST(SavedStateTest, HasTheErrorCodeInProtectedModeAlone) {
  GuestState guest = Delivering(0x80000b0e);
  guest.delivered_error_code = 7;
  EXPECT_EQ(Saved(48, guest).vectoring_error_code, 7u);
  guest.cr0 = 0;
  EXPECT_EQ(Saved(48, guest).vectoring_information, 0x8000030e);
  EXPECT_EQ(Saved(48, guest).vectoring_error_code, 0u);
}

TEST(SavedStateTest, HasTheLengthOfWhatSoftwareGenerates) {
  GuestState guest = Delivering(0x80000480);
  guest.instruction_length = 2;
  EXPECT_EQ(Saved(48, guest).instruction_length, 2u);
  EXPECT_EQ(Saved(49, guest).instruction_length, 0u);
  guest.delivered_event = 0x80000020;
  EXPECT_EQ(Saved(48, guest).instruction_length, 0u);
}

TEST(SavedStateTest, EventDeliveryEndsBlockingByStiAndMovSs) {
  GuestState guest = Delivering(0x80000020);
  guest.interruptibility = 0x1f;
  EXPECT_EQ(Saved(48, guest).interruptibility, 0x18u);
  EXPECT_EQ(Saved(48, guest).exit_reason_flags, 0x800);
  guest.event_delivery = false;
  EXPECT_EQ(Saved(48, guest).interruptibility, 0xbu);
  EXPECT_EQ(Saved(48, guest).exit_reason_flags, 0);
}

TEST(SavedStateTest, BlocksByNmi) {
  EXPECT_EQ(Saved(48, Delivering(0x80000202)).interruptibility, 8u);
  GuestState iret;
  iret.nmi_unblocking = true;
  iret.interruptibility = 8;
  struct {
    std::uint32_t pin_based;
    std::uint32_t expected;
  } const kCases[] = {{0, 0}, {8, 8}, {0x28, 0}};
  for (const auto& [pin_based, expected] : kCases) {
    EXPECT_EQ(SavedBy(Exit(48), {.pin_based = pin_based}, iret, false)
                  .interruptibility,
              expected)
        << pin_based;
  }
}

TEST(SavedStateTest, PendingDebugExceptionsAreThoseThatMovSsBlocks) {
  GuestState guest;
  guest.interruptibility = 2;
  guest.pending_debug = 0x1001;
  EXPECT_EQ(Saved(48, guest).pending_debug, 0x1000u);
  EXPECT_EQ(SavedBy(Exit(48), {}, guest, true).pending_debug, 0u);
  guest.interruptibility = 1;
  EXPECT_EQ(Saved(48, guest).pending_debug, 0u);
}

TEST(SavedStateTest, SaysThatAShadowStackIsBusyWithThatControl) {
  GuestState guest;
  guest.busy_shadow_stack = true;
  const Controls reports = {.exit_controls = 1u << 31,
                            .secondary_exit_controls = 8};
  EXPECT_EQ(SavedBy(Exit(49), reports, guest, false).exit_reason_flags, 0x200);
  EXPECT_EQ(SavedBy(Exit(59), reports, guest, false).exit_reason_flags, 0);
  EXPECT_EQ(SavedBy(Exit(49), {.secondary_exit_controls = 8}, guest, false)
                .exit_reason_flags,
            0);
}

}  // namespace
}  // namespace eptdiff
