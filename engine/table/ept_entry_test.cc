#include "engine/table/ept_entry.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>

namespace eptdiff {
namespace {

constexpr EptFlags kR = EptFlags::kRead, kW = EptFlags::kWrite,
                   kX = EptFlags::kExecute, kWb = EptFlags::kWriteBack;

TEST(EptEntryTest, PagesAndTables) {
  constexpr struct {
    EptEntry entry;
    std::uint64_t bits;
    const char* words;
  } kCases[] = {
      {EptEntry::Page(Hpa{0x5000}, kR | kW | kX | kWb, PageSize::k4KByte),
       0x5037, "a PTE has no bit 7"},
      {EptEntry::Page(Hpa{0x200000}, kR | kWb, PageSize::k2MByte), 0x2000b1,
       "2 MBytes"},
      {EptEntry::Page(Hpa{0x40000000}, kR, PageSize::k1GByte), 0x40000081,
       "1 GByte, UC"},
      {EptEntry::Page(Hpa{0x3fffff}, kR, PageSize::k2MByte), 0x200081,
       "no address bits where they are reserved"},
      {EptEntry::Page(Hpa{0x000fffffc0000000}, kR, PageSize::k1GByte),
       0x000fffffc0000081, "the last address"},
      {EptEntry::Page(Hpa{0xfff0000000000fff}, kR, PageSize::k4KByte), 0x1,
       "bits 63:52 and 11:0 are no address"},
      {EptEntry::Page(Hpa{0}, EptFlags{~0ull}, PageSize::k4KByte),
       0xfff0000000000f7f, "flags are neither address nor bit 7"},
      {EptEntry::Table(Hpa{0x2000}, false), 0x2007, "a table"},
      {EptEntry::Table(Hpa{0x2000}, true), 0x2407, "a table, for user mode"},
      {EptEntry(), 0, "nothing"},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(c.entry.bits(), c.bits) << c.words;
  }
}

TEST(EptEntryTest, IsWhatItsLevelAndTheControlsMakeOfIt) {
  constexpr struct {
    std::uint64_t bits;
    bool present, present_with_mbec;
    bool maps_page[5];  // at level 1 to 5
    const char* words;
  } kCases[] = {
      {0x1, true, true, {true, false, false, false, false}, "read"},
      {0x2, true, true, {true, false, false, false, false}, "write"},
      {0x4, true, true, {true, false, false, false, false}, "execute"},
      {0x400, false, true, {true, false, false, false, false}, "user execute"},
      {0x81, true, true, {true, true, true, false, false}, "bit 7"},
      {~0x407ull, false, false, {true, true, true, false, false}, "the rest"},
  };
  for (const auto& c : kCases) {
    const EptEntry entry(c.bits);
    EXPECT_EQ(entry.is_present(false), c.present) << c.words;
    EXPECT_EQ(entry.is_present(true), c.present_with_mbec) << c.words;
    for (int level = 1; level <= 5; ++level) {
      EXPECT_EQ(entry.maps_page(level), c.maps_page[level - 1])
          << c.words << ", level " << level;
    }
    EXPECT_FALSE(entry.is_unused());
  }
  EXPECT_TRUE(EptEntry().is_unused());
}

TEST(EptEntryTest, AddressAndFlagsAreReadAndSetApart) {
  EptEntry entry(0x801abcdef12345b7);
  EXPECT_EQ(entry.table(), Hpa{0x000abcdef1234500 & ~0xfffull});
  EXPECT_EQ(entry.page(1), Hpa{0x000abcdef1234000});
  EXPECT_EQ(entry.page(2), Hpa{0x000abcdef1200000});
  EXPECT_EQ(entry.page(3), Hpa{0x000abcdec0000000});
  EXPECT_EQ(entry.flags().bits, 0x8010000000000537u);

  entry = EptEntry(0x80100000002005b7);
  entry.set_page(Hpa{0x40012345}, PageSize::k2MByte);
  EXPECT_EQ(entry.bits(), 0x80100000400005b7u);

  entry.Clear();
  EXPECT_TRUE(entry.is_unused());
}

TEST(EptEntryTest, NewFlagsKeepWhatIsNotTheirs) {
  constexpr struct {
    std::uint64_t before, flags, after;
    const char* words;
  } kCases[] = {
      {0x5037, 0x1, 0x5001, "rights and type are replaced"},
      {0x2000b7, 0x31, 0x2000b1, "the page stays one"},
      {0x5337, 0x31, 0x5331, "accessed and dirty stay"},
      {0x5031, 0x331, 0x5331, "and can be added"},
      {0x49f0000000005831, 0x1, 0x49f0000000005801, "the software's stay"},
      {0x5031, 0x49f0000000000831, 0x5031, "and are not added"},
      {0xb600000000005431, 0x31, 0x5031, "bits 63, 61, 60, 58, 57, 10 go"},
      {0x5031, 0xb600000000000431, 0xb600000000005431, "and come"},
      {0x5031, 0x000000000012a0b1, 0x5031, "no address, no bit 7"},
  };
  for (const auto& c : kCases) {
    EptEntry entry(c.before);
    entry.set_flags(EptFlags{c.flags});
    EXPECT_EQ(entry.bits(), c.after) << c.words;
  }
}

TEST(EptFlagsTest, MemoryTypesRefuseWhatIsReserved) {
  constexpr struct {
    int bits;
    std::optional<MemoryType> type;
  } kCases[] = {{0, MemoryType::kUncacheable},
                {1, MemoryType::kWriteCombining},
                {2, std::nullopt},
                {3, std::nullopt},
                {4, MemoryType::kWriteThrough},
                {5, MemoryType::kWriteProtected},
                {6, MemoryType::kWriteBack},
                {7, std::nullopt}};
  for (const auto& c : kCases) {
    const EptFlags flags{static_cast<std::uint64_t>(c.bits) << 3 | 0x47};
    EXPECT_EQ(flags.memory_type(), c.type) << c.bits;
    // And back: also 7, UC-, is none of EPT's.
    const std::optional<EptFlags> back =
        EptFlags::Of(static_cast<MemoryType>(c.bits));
    EXPECT_EQ(back.has_value(), c.type.has_value()) << c.bits;
    if (back.has_value()) {
      EXPECT_EQ(back->bits, flags.bits & 0x38);
    }
  }
  EXPECT_FALSE(EptFlags::Of(static_cast<MemoryType>(8)).has_value());
  EXPECT_FALSE(EptFlags::Of(static_cast<MemoryType>(14)).has_value());
}

TEST(MappingFlagsTest, ToEptFlags) {
  using M = MappingFlags;
  constexpr M kNone = {}, kMr = M::kRead, kMw = M::kWrite, kMx = M::kExecute,
              kMu = M::kUser, kMd = M::kDevice, kMn = M::kUncached;
  constexpr struct {
    M flags;
    bool mbec;
    std::optional<std::uint64_t> bits;
    const char* words;
  } kCases[] = {
      {kMr | kMw | kMx, false, 0x37, "normal memory is WB"},
      {kMr | kMw | kMd, false, 0x03, "device memory is UC"},
      {kMr | kMn, false, 0x01, "and so is what is not cached"},
      {kMr | kMx | kMu, false, 0x35, "user mode is not told apart"},
      {kMr | kMx | kMu, true, 0x435, "but with MBEC"},
      {kMr | kMx, true, 0x35, "supervisor mode alone"},
      {kMr | kMw | kMu, true, 0x33, "nobody executes"},
      {kMx, false, 0x34, "execute-only"},
      {kMw, false, std::nullopt, "write without read"},
      {kMw | kMx, false, std::nullopt, "write without read"},
      {kNone, false, 0x30, "no access"},
  };
  for (const auto& c : kCases) {
    const std::optional<EptFlags> flags = ToEptFlags(c.flags, c.mbec);
    ASSERT_EQ(flags.has_value(), c.bits.has_value()) << c.words;
    if (flags.has_value()) {
      EXPECT_EQ(flags->bits, *c.bits) << c.words;
    }
  }
}

TEST(MappingFlagsTest, FromEptFlags) {
  constexpr struct {
    std::uint64_t bits;
    bool mbec;
    std::optional<std::uint8_t> flags;
    const char* words;
  } kCases[] = {
      {0x37, false, 0x07, "WB"},
      {0x03, false, 0x13, "UC is device memory"},
      {0x437, true, 0x0f, "user mode"},
      {0x437, false, 0x07, "bit 10 is ignored without MBEC"},
      {0x433, true, std::nullopt, "user mode alone"},
      {0x0b, false, std::nullopt, "WC has no word"},
      {0x23, false, std::nullopt, "WT has none"},
      {0x2b, false, std::nullopt, "WP has none"},
      {0x13, false, std::nullopt, "2 is reserved"},
      {0x1b, false, std::nullopt, "3 is reserved"},
      {0x3b, false, std::nullopt, "7 is reserved"},
      {0x32, false, std::nullopt, "write without read"},
      {0x8000000000000b77, false, 0x07, "other flags are left out"},
  };
  for (const auto& c : kCases) {
    const std::optional<MappingFlags> flags =
        ToMappingFlags(EptFlags{c.bits}, c.mbec);
    ASSERT_EQ(flags.has_value(), c.flags.has_value()) << c.words;
    if (flags.has_value()) {
      EXPECT_EQ(flags->bits, *c.flags) << c.words;
    }
  }
}

// Whatever EPT can say of portable flags, it says back.
TEST(MappingFlagsTest, ThereAndBack) {
  for (int bits = 0; bits < 64; ++bits) {
    const MappingFlags flags{static_cast<std::uint8_t>(bits)};
    const std::optional<EptFlags> ept = ToEptFlags(flags, /*mbec=*/true);
    if (!ept.has_value()) continue;
    const std::optional<MappingFlags> back = ToMappingFlags(*ept, true);
    ASSERT_TRUE(back.has_value()) << bits;
    EXPECT_EQ(ToEptFlags(*back, true), ept) << bits;
  }
}

}  // namespace
}  // namespace eptdiff
