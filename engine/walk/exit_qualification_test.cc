#include "engine/walk/exit_qualification.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <optional>

namespace eptdiff {
namespace {

constexpr QualificationContext kNothing = {};
constexpr QualificationContext kEverything = {.advanced_information = true,
                                              .mbec = true,
                                              .shadow_stack_control = true,
                                              .nmi_unblocking = true};

TEST(ExitQualificationTest, FieldsAreWhatTheTableSays) {
  const struct {
    std::uint64_t value;
    QualificationContext context;
    ExitQualification expected;
  } kCases[] = {
      // A write through to a page that may be read and executed.
      {0x1aa,
       kNothing,
       {.write = true,
        .readable = true,
        .executable = true,
        .gla_valid = true,
        .to_translation = true}},
      // A fetch from user-mode, read/write memory that is not mapped.
      {0x784,
       {.advanced_information = true},
       {.fetch = true,
        .gla_valid = true,
        .to_translation = true,
        .user_mode_address = true,
        .read_write_page = true,
        .execute_disable_page = false}},
      // A guest entry, with EPTP bit 6, in a page that may be read: bits 11:9
      // say nothing.
      {0xe8b,
       {.advanced_information = true},
       {.read = true, .write = true, .readable = true, .gla_valid = true}},
      // Bit 6 without the control that defines it.
      {0x1c2,
       kNothing,
       {.write = true, .gla_valid = true, .to_translation = true}},
      // A shadow-stack write to a page that is no shadow stack, by IRET.
      {0x318a,
       kEverything,
       {.write = true,
        .readable = true,
        .user_executable = false,
        .gla_valid = true,
        .to_translation = true,
        .user_mode_address = false,
        .read_write_page = false,
        .execute_disable_page = false,
        .nmi_unblocking = true,
        .shadow_stack_access = true,
        .supervisor_shadow_stack_page = false}},
      // Guest-paging verification; trace output; a PDPTE load.
      {0x81b9,
       kNothing,
       {.read = true,
        .readable = true,
        .writable = true,
        .executable = true,
        .gla_valid = true,
        .to_translation = true,
        .verification = true}},
      {0x10002, kNothing, {.write = true, .asynchronous = true}},
      {0x1, kNothing, {.read = true}},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(ExitQualification::Decode(c.value, c.context), c.expected)
        << std::hex << c.value;
  }
}

TEST(ExitQualificationTest, DefinedBits) {
  constexpr struct {
    std::uint64_t value;
    QualificationContext context;
    std::uint64_t expected;
  } kCases[] = {
      {0x00000, kNothing, 0x1a1bf},
      {0x1ffff, kNothing, 0x1a1bf},
      {~0ull, kEverything, 0x1ffff},
      {0x00000, {.mbec = true}, 0x1a1ff},
      {0x00000, {.nmi_unblocking = true}, 0x1b1bf},
      // Bits 11:9 need bits 7 and 8.
      {0x00180, {.advanced_information = true}, 0x1afbf},
      {0x00080, {.advanced_information = true}, 0x1a1bf},
      {0x00100, {.advanced_information = true}, 0x1a1bf},
      {0x00000, {.advanced_information = true}, 0x1a1bf},
      // Bit 14 needs a leaf.
      {0x00008, {.shadow_stack_control = true}, 0x1e1bf},
      {0x00010, {.shadow_stack_control = true}, 0x1e1bf},
      {0x00020, {.shadow_stack_control = true}, 0x1e1bf},
      {0x00007, {.shadow_stack_control = true}, 0x1a1bf},
      {0x00040, {.shadow_stack_control = true}, 0x1a1bf},
      {0x00040, {.mbec = true, .shadow_stack_control = true}, 0x1e1ff},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(DefinedBits(c.value, c.context), c.expected)
        << std::hex << c.value;
  }
}

TEST(ExitQualificationTest, EveryValueComesBackWithItsDefinedBits) {
  for (int i = 0; i < 16; ++i) {
    const QualificationContext context = {.advanced_information = (i & 1) != 0,
                                          .mbec = (i & 2) != 0,
                                          .shadow_stack_control = (i & 4) != 0,
                                          .nmi_unblocking = (i & 8) != 0};
    for (std::uint64_t low = 0; low < 0x20000; ++low) {
      const std::uint64_t value = low | 0xfffe000000000000;
      const ExitQualification decoded =
          ExitQualification::Decode(value, context);
      ASSERT_EQ(decoded.Encode(), value & DefinedBits(value, context));
      ASSERT_EQ(ExitQualification::Decode(decoded.Encode(), context), decoded);
    }
  }
}

// Each field stands for one bit, and no two for the same.
TEST(ExitQualificationTest, EachBitIsOneField) {
  std::uint64_t seen = 0;
  for (int position = 0; position < 17; ++position) {
    const std::uint64_t bit = std::uint64_t{1} << position;
    // What defines it, beside the context.
    const std::uint64_t needed = position >= 9 && position <= 11 ? 0x180
                                 : position == 14                ? 0x008
                                                                 : 0;
    const std::uint64_t encoded =
        ExitQualification::Decode(bit | needed, kEverything).Encode() & ~needed;
    EXPECT_EQ(encoded | (bit & needed), bit) << position;
    seen |= encoded;
  }
  EXPECT_EQ(std::popcount(seen), 17);
}

TEST(ExitQualificationTest, AnAccessOnTheWayIsOneWithALinearAddress) {
  constexpr struct {
    std::uint64_t value;
    bool in_guest_walk;
  } kCases[] = {{0x181, false}, {0x081, true}, {0x001, false}};
  for (const auto& c : kCases) {
    EXPECT_EQ(ExitQualification::Decode(c.value, kNothing).in_guest_walk(),
              c.in_guest_walk);
  }
}

TEST(ExitQualificationTest, TheContextIsThatOfTheControls) {
  constexpr std::uint32_t kSecondary = 1u << 31;
  constexpr std::uint32_t kMbec = 1u << 22;
  const struct {
    std::uint64_t capabilities;
    Controls controls;
    bool event_delivery;
    QualificationContext expected;
  } kCases[] = {
      {0, {}, false, {.nmi_unblocking = true}},
      {0, {}, true, {}},
      {0, {.pin_based = 0x08}, false, {}},
      {0, {.pin_based = 0x28}, false, {.nmi_unblocking = true}},
      {0, {.pin_based = 0x28}, true, {}},
      {1ull << 22, {}, true, {.advanced_information = true}},
      {1ull << 23, {}, true, {}},
      {0, {.eptp = 0x80}, true, {.shadow_stack_control = true}},
      {0, {.primary = kSecondary, .secondary = kMbec}, true, {.mbec = true}},
      {0, {.secondary = kMbec}, true, {}},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(ContextOf({.ept_vpid_cap = c.capabilities}, c.controls,
                        c.event_delivery),
              c.expected);
  }
}

}  // namespace
}  // namespace eptdiff
