// Bochs asked for linear accesses with guest paging: where they go, the flags
// that they set, and the entries that fault.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "oracle/bochs/linear_access_testing.h"

namespace eptdiff {
namespace {

using namespace bochs_testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_F(LinearAccessTest, TranslatesInEveryMode) {
  for (const Mode mode : kModes) {
    Enter(mode);
    const Event event = Read().event;
    ASSERT_EQ(event.kind, EventKind::kCompleted);
    ASSERT_EQ(event.translation_count, 1);
    EXPECT_EQ(event.translations[0].address.value, 0x5678abcu);
    EXPECT_EQ(event.translations[0].page_shift, 12);
  }
}

TEST_F(LinearAccessTest, SetsAccessedFlagsInEveryMode) {
  EXPECT_THAT(
      WritesOf(Read()),
      ElementsAre(MemoryWord{kPml4e, 0x11027}, MemoryWord{kPdpte, 0x12027},
                  MemoryWord{kPde, 0x13027}, MemoryWord{kPte, 0x40005027}));
  Enter(Mode::k5Level);
  EXPECT_THAT(
      WritesOf(Read()),
      ElementsAre(MemoryWord{kPml5e, 0x10027}, MemoryWord{kPml4e, 0x11027},
                  MemoryWord{kPdpte, 0x12027}, MemoryWord{kPde, 0x13027},
                  MemoryWord{kPte, 0x40005027}));
  Enter(Mode::kPae);
  EXPECT_THAT(WritesOf(Read()), ElementsAre(MemoryWord{kPde, 0x13027},
                                            MemoryWord{kPte, 0x40005027}));
  Enter(Mode::k32Bit);
  EXPECT_THAT(WritesOf(Read()),
              ElementsAre(MemoryWord{kWordOfPde32, 0x21027ull << 32},
                          MemoryWord{kWordOfPte32, 0x40005027}));
}

TEST_F(LinearAccessTest, SetsTheDirtyFlagOfALeafThatIsWritten) {
  for (const Hpa entry : {kPml4e, kPdpte, kPde, kPte}) {
    Store(entry, state_.memory.Load(entry) | 0x20);
  }
  EXPECT_THAT(WritesOf(Read()), IsEmpty());
  EXPECT_THAT(WritesOf(Write()), ElementsAre(MemoryWord{kPte, 0x40005067}));
}

TEST_F(LinearAccessTest, MapsLargePages) {
  const struct {
    std::string what;
    Mode mode;
    Hpa entry;
    std::uint64_t value;
    std::uint64_t gpa;
  } kCases[] = {
      {"1 GByte", Mode::k4Level, kPdpte, 0x40000087, 0x40604abc},
      {"2 MByte", Mode::k4Level, kPde, 0x40600087, 0x40604abc},
      {"2 MByte, 5-level", Mode::k5Level, kPde, 0x40600087, 0x40604abc},
      {"2 MByte, PAE", Mode::kPae, kPde, 0x40600087, 0x40604abc},
      {"4 MByte", Mode::k32Bit, kWordOfPde32, 0x40400087ull << 32, 0x40604abc},
      {"4 MByte, bit 36", Mode::k32Bit, kWordOfPde32, 0x40420087ull << 32,
       0x10'40604abc},
  };
  Store(kDataPdpte, 0);
  Store(Hpa{0x2000 + 8 * 0x41}, 0);
  for (const auto& c : kCases) {
    Enter(c.mode);
    state_.guest.cr4 |= kCr4Pse;
    const std::uint64_t table = state_.memory.Load(c.entry);
    Store(c.entry, c.value);
    const Event event = Read().event;
    Store(c.entry, table);
    // Where it went is seen in the EPT violation.
    EXPECT_EQ(event.exit_reason, 48) << c.what;
    EXPECT_EQ(event.gpa.value, c.gpa) << c.what;
    EXPECT_EQ(event.qualification & 0x1ff, 0x181u) << c.what;
  }
}

TEST_F(LinearAccessTest, IgnoresThePageSizeOf32BitPagingWithoutPse) {
  Enter(Mode::k32Bit);
  Store(kWordOfPde32, 0x21087ull << 32);
  EXPECT_EQ(Read().event.translations[0].address.value, 0x5678abcu);
}

TEST_F(LinearAccessTest, TakesTheReservedBitsOf4MBytePagesFromTheWidth) {
  Enter(Mode::k32Bit);
  state_.guest.cr4 |= kCr4Pse;
  for (int width = 32; width <= 52; ++width) {
    state_.processor.maxphyaddr = static_cast<std::uint8_t>(width);
    for (int bit = 13; bit <= 21; ++bit) {
      Store(kWordOfPde32, (0x87ull | 1ull << bit) << 32);
      // Bits 20:13 are address bits 39:32; 21 is none.
      const bool reserved = bit == 21 || bit + 19 >= width;
      const Event event = Read().event;
      ASSERT_EQ(event.kind == EventKind::kPageFault, reserved)
          << width << " " << bit;
      if (reserved) {
        EXPECT_EQ(event.error_code, 0xdu);
      }
    }
  }
}

TEST_F(LinearAccessTest, GuestAndEptDifferInGigabytePages) {
  Store(kPdpte, 0x40000087);
  state_.processor.page_1gb = false;
  EXPECT_EQ(ErrorCode(AccessKind::kRead), 0xdu);  // user, reserved, present

  state_.processor.page_1gb = true;
  state_.processor.ept_vpid_cap &= ~(1ull << 17);
  EXPECT_EQ(Read().event.exit_reason, 49);  // the structures' own GByte
}

TEST_F(LinearAccessTest, FaultsOnEntriesThatAreNotPresent) {
  for (const Hpa entry : {kPml4e, kPdpte, kPde, kPte}) {
    const std::uint64_t good = state_.memory.Load(entry);
    Store(entry, ~std::uint64_t{1});  // what else it holds does not matter
    EXPECT_EQ(ErrorCode(AccessKind::kRead), 0x4u);
    EXPECT_EQ(ErrorCode(AccessKind::kWrite), 0x6u);
    EXPECT_EQ(ErrorCode(AccessKind::kFetch), 0x4u);
    EXPECT_EQ(ErrorCode(AccessKind::kShadowStackWrite), 0x46u);
    Store(entry, good);
  }
  Enter(Mode::kPae);
  state_.guest.pdpte[2] = 0x12000;
  EXPECT_EQ(ErrorCode(AccessKind::kRead), 0x4u);
}

TEST_F(LinearAccessTest, FaultsOnReservedBits) {
  const struct {
    std::string what;
    Mode mode;
    Hpa entry;
    std::uint64_t bits;
  } kCases[] = {
      {"PML5E, PS", Mode::k5Level, kPml5e, 0x80},
      {"PML4E, PS", Mode::k4Level, kPml4e, 0x80},
      {"PML4E, address bit 46", Mode::k4Level, kPml4e, 1ull << 46},
      {"PDPTE, bit 13 of a 1-GByte page", Mode::k4Level, kPdpte, 0x2080},
      {"PDE, bit 20 of a 2-MByte page", Mode::k4Level, kPde, 0x100080},
      {"PTE, bit 63 without NXE", Mode::k4Level, kPte, kXd},
      {"PTE, bit 62 in PAE", Mode::kPae, kPte, 1ull << 62},
      {"PDE, bit 20 of a 2-MByte page in PAE", Mode::kPae, kPde, 0x100080},
  };
  for (const auto& c : kCases) {
    Enter(c.mode);
    const std::uint64_t good = state_.memory.Load(c.entry);
    Store(c.entry, good | c.bits);
    EXPECT_EQ(ErrorCode(AccessKind::kRead), 0xdu) << c.what;
    EXPECT_EQ(ErrorCode(AccessKind::kWrite), 0xfu) << c.what;
    Store(c.entry, good);
  }
}

}  // namespace
}  // namespace eptdiff
