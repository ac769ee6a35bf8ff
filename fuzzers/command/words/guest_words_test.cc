#include "fuzzers/command/words/guest_words.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kPaging = 0x80000001;
constexpr std::uint64_t kPse = 1 << 4;
constexpr std::uint64_t kPae = 1 << 5;
constexpr std::uint64_t kLa57 = 1 << 12;
constexpr std::uint64_t kPke = 1 << 22;
constexpr std::uint64_t kCet = 1 << 23;
constexpr std::uint64_t kLma = 1 << 10;
constexpr std::uint64_t kNxe = 1 << 11;

struct Row {
  std::uint64_t cr4, efer;
  std::uint64_t entry;
  int level;
  const char* words;
};

TEST(GuestEntryWordsTest, EachModeReadsItsOwnBits) {
  const Row kRows[] = {
      {0, 0, 0xffe, 1, "not present"},
      {0, 0, 0x2027, 2, "writable, user, accessed, table at 0x2000"},
      // Without CR4.PSE bit 7 of a PDE is ignored; PSE-36 gives bits 39:32.
      {0, 0, 0x20a7, 2, "writable, user, accessed, table at 0x2000"},
      {kPse, 0, 0x4060a7, 2,
       "writable, user, accessed, 4-MByte page at 0x300400000"},
      {kPse, 0, 0x6000a7, 2,
       "writable, user, accessed, 4-MByte page at 0x400000, reserved bits "
       "set: 21"},
      {0, 0, 0x80003063, 1,
       "writable, supervisor, accessed, dirty, 4-KByte page at 0x80003000"},
      // The PDPTE registers control no rights.
      {kPae, 0, 0x5019, 3, "table at 0x5000, PCD, PWT"},
      {kPae, kNxe, 0x8000000000201085, 2,
       "read-only, user, execute-disable, 2-MByte page at 0x200000, PAT"},
      {kPae, 0, 0x8000000000002001, 1,
       "read-only, supervisor, 4-KByte page at 0x2000, reserved bits set: 63"},
      {kPae, kLma, 0x20a7, 4,
       "writable, user, accessed, table at 0x2000, reserved bits set: 7"},
      {kPae | kLa57, kLma, 0x400000000027, 5,
       "writable, user, accessed, table at 0x400000000000, reserved bits set: "
       "46"},
      {kPae | kPke, kLma, 0x2800000000002007, 1,
       "writable, user, protection key 5, 4-KByte page at 0x2000"},
      {kPae | kCet, kLma, 0x2061, 1,
       "read-only, supervisor, accessed, dirty, shadow-stack page, 4-KByte "
       "page at 0x2000"},
  };
  Processor processor;
  processor.pse36 = true;
  for (const Row& row : kRows) {
    GuestState guest;
    guest.cr0 = kPaging;
    guest.cr4 = row.cr4;
    guest.efer = row.efer;
    EXPECT_EQ(GuestEntryWords(row.entry, row.level, processor, guest, {}),
              row.words);
  }
}

TEST(GuestEntryWordsTest, OneGBytePagesAreThereOrReserved) {
  GuestState guest;
  guest.cr0 = kPaging;
  guest.cr4 = kPae;
  guest.efer = kLma;
  Processor processor;
  EXPECT_EQ(GuestEntryWords(0x40000087, 3, processor, guest, {}),
            "writable, user, table at 0x40000000, reserved bits set: 7");
  processor.page_1gb = true;
  EXPECT_EQ(GuestEntryWords(0x40002087, 3, processor, guest, {}),
            "writable, user, 1-GByte page at 0x40000000, reserved bits set: "
            "13");
}

TEST(GuestEntryWordsTest, RestartsAreHlats) {
  GuestState guest;
  guest.cr0 = kPaging;
  guest.cr4 = kPae;
  guest.efer = kLma;
  Controls controls;
  EXPECT_EQ(GuestEntryWords(0x2807, 2, {}, guest, controls),
            "writable, user, table at 0x2000");
  controls.primary = 1 << 17;
  controls.tertiary = 1 << 1;
  EXPECT_EQ(GuestEntryWords(0x2807, 2, {}, guest, controls),
            "writable, user, table at 0x2000, HLAT restart");
}

TEST(GuestWordsTest, RegistersAreNamedWhereTheyCount) {
  GuestState guest;
  guest.cr0 = kPaging;
  guest.cr3 = 0x1020;
  guest.cr4 = kPae | kPke;
  guest.pdpte = {0x5001, 0, 0, 0};
  guest.pkru = 0x4;
  EXPECT_EQ(GuestWords(guest, {}),
            "CPL 0, PAE paging, CR3 0x1020, PDPTE registers 0x5001 0x0 0x0 "
            "0x0");
  guest.efer = kLma | kNxe;
  EXPECT_EQ(GuestWords(guest, {}),
            "CPL 0, 4-level paging, CR3 0x1020, PKRU 0x4, NXE, LMA");
  guest.cr3 |= std::uint64_t{3} << 61;
  guest.cr4 = kPae | std::uint64_t{1} << 28;
  EXPECT_EQ(GuestWords(guest, {}),
            "CPL 0, 4-level paging, CR3 0x6000000000001020, LAM_SUP, LAM_U57, "
            "LAM_U48, NXE, LMA");
  guest.cr0 = 1;
  EXPECT_THAT(GuestWords(guest, {}), HasSubstr("no paging"));
}

TEST(ErrorCodeWordsTest, EveryFlagHasItsName) {
  EXPECT_EQ(ErrorCodeWords(0), "no flag");
  EXPECT_EQ(ErrorCodeWords(0xff), "P, W/R, U/S, RSVD, I/D, PK, SS, HLAT");
  EXPECT_EQ(ErrorCodeWords(0x23), "P, W/R, PK");
}

}  // namespace
}  // namespace eptdiff
