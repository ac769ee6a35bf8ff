// Entries and qualifications, through C.
#include <cstdint>

#include "engine/c/engine_testing.h"
#include "engine/c/eptdiff_engine.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

TEST(LookingTest, EntriesAreTakenApart) {
  OnePage one;
  one.machine.secondary |= 1u << 22;  // MBEC
  Handle c = Create(one.machine, FlatOf(one.image), 0);
  eptdiff_engine_entry entry = {};
  entry.size = sizeof(entry);
  const auto decode = [&](std::uint64_t value, unsigned level) {
    ASSERT_EQ(eptdiff_engine_decode_entry(c.get(), value, level, &entry), 0);
    EXPECT_EQ(entry.value, value);
    EXPECT_EQ(entry.level, level);
  };

  decode(0x40001107, 2);
  EXPECT_EQ(entry.kind, EPTDIFF_ENGINE_TABLE);
  EXPECT_EQ(entry.address, 0x40001000u);
  EXPECT_EQ(entry.page_shift, 0);
  EXPECT_EQ(entry.execute_for_user, 0);
  EXPECT_EQ(entry.memory_type, -1);
  EXPECT_EQ(entry.ignore_pat, -1);
  EXPECT_EQ(entry.accessed, 1);
  EXPECT_EQ(entry.dirty, -1);

  decode(0x400006b5 | 0x40, 2);
  EXPECT_EQ(entry.kind, EPTDIFF_ENGINE_LEAF);
  EXPECT_EQ(entry.address, 0x40000000u);
  EXPECT_EQ(entry.page_shift, 21);
  EXPECT_EQ(entry.read, 1);
  EXPECT_EQ(entry.write, 0);
  EXPECT_EQ(entry.execute, 1);
  EXPECT_EQ(entry.execute_for_user, 1);
  EXPECT_EQ(entry.memory_type, 6);
  EXPECT_EQ(entry.ignore_pat, 1);
  EXPECT_EQ(entry.accessed, 0);
  EXPECT_EQ(entry.dirty, 1);

  decode(0x40001032, 1);  // written, not read
  EXPECT_EQ(entry.kind, EPTDIFF_ENGINE_MISCONFIGURED);
  EXPECT_EQ(entry.page_shift, 12);
  decode(0x400000f0, 1);
  EXPECT_EQ(entry.kind, EPTDIFF_ENGINE_NOT_PRESENT);
  EXPECT_EQ(entry.address, 0u);
  EXPECT_EQ(entry.memory_type, -1);

  one.machine.secondary &= ~(1u << 22);
  one.machine.eptp = 0x101e;
  Handle plain = Create(one.machine, FlatOf(one.image), 0);
  ASSERT_EQ(eptdiff_engine_decode_entry(plain.get(), 0x400006b5, 2, &entry), 0);
  EXPECT_EQ(entry.execute_for_user, -1);
  EXPECT_EQ(entry.accessed, -1);
  EXPECT_EQ(entry.dirty, -1);
}

TEST(LookingTest, QualificationsAreTakenApart) {
  eptdiff_engine_qualification fields = {};
  fields.size = sizeof(fields);
  ASSERT_EQ(eptdiff_engine_decode_qualification(0x1ea, 0, &fields), 0);
  EXPECT_EQ(fields.write, 1);
  EXPECT_EQ(fields.readable, 1);
  EXPECT_EQ(fields.user_executable, -1);
  EXPECT_EQ(fields.to_translation, 1);
  EXPECT_EQ(fields.user_mode_address, -1);
  ASSERT_EQ(
      eptdiff_engine_decode_qualification(
          0x5ea, EPTDIFF_ENGINE_MBEC | EPTDIFF_ENGINE_ADVANCED_INFORMATION,
          &fields),
      0);
  EXPECT_EQ(fields.user_executable, 1);
  EXPECT_EQ(fields.user_mode_address, 0);
  EXPECT_EQ(fields.read_write_page, 1);
  EXPECT_EQ(eptdiff_engine_decode_qualification(0, 16, &fields),
            EPTDIFF_ENGINE_BAD_ARGUMENT);
}

}  // namespace
}  // namespace eptdiff
