#include "engine/guest/guest_page_walk_info.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <ostream>

namespace eptdiff {

void PrintTo(const GuestPageWalkInfo& info, std::ostream* out) {
  const auto optional = [](std::optional<bool> value) {
    return value.has_value() ? (*value ? "1" : "0") : "?";
  };
  *out << std::hex << "top " << info.top_entry.value << ", level " << info.level
       << ", width " << info.width << ", user " << info.is_user_mode_access
       << ", write " << optional(info.is_write_access) << ", fetch "
       << optional(info.is_inst_fetch) << ", pse " << info.pse << ", wp "
       << info.wp << ", nxe " << info.nxe << ", smap " << info.is_smap_on
       << ", smep " << info.is_smep_on;
}

namespace {

constexpr std::uint64_t kPg = 0x80000001;    // CR0: PG, PE
constexpr std::uint64_t kWp = 0x00010000;    // CR0
constexpr std::uint64_t kPse = 0x00000010;   // CR4
constexpr std::uint64_t kPae = 0x00000020;   // CR4
constexpr std::uint64_t kLa57 = 0x00001000;  // CR4
constexpr std::uint64_t kSmep = 0x00100000;  // CR4
constexpr std::uint64_t kSmap = 0x00200000;  // CR4
constexpr std::uint64_t kLma = 0x00000500;   // EFER: LMA, LME
constexpr std::uint64_t kNxe = 0x00000800;   // EFER

// Every bit of CR3: the flags and reserved bits are no part of the address.
constexpr std::uint64_t kAllOnes = 0xffffffffffffffff;

struct PagingCase {
  std::uint64_t cr0, cr3, cr4, efer;
  // Without what depends on the access.
  GuestPageWalkInfo expected;
};

const PagingCase kPagingCases[] = {
    // No paging: nothing of the tables counts, LMA neither.
    {0x1, kAllOnes, 0, 0, {}},
    {0x1, kAllOnes, kPae | kLa57, kLma | kNxe, {.nxe = true}},
    {kWp | 0x1,
     0,
     kSmep | kSmap,
     0,
     {.wp = true, .is_smap_on = true, .is_smep_on = true}},
    // 32-bit: PSE counts, NXE does not.
    {kPg,
     kAllOnes,
     0,
     0,
     {.top_entry = Gpa{0xfffff000}, .level = 2, .width = 10, .pse = false}},
    {kPg,
     0x00123abc,
     kPse,
     kNxe,
     {.top_entry = Gpa{0x00123000}, .level = 2, .width = 10}},
    {kPg,
     0x00123000,
     kLa57 | kSmap,
     kLma,
     {.top_entry = Gpa{0x00123000},
      .level = 2,
      .width = 10,
      .pse = false,
      .is_smap_on = true}},
    // PAE: CR3 bits 31:5; PSE is of no account; LA57 neither.
    {kPg,
     kAllOnes,
     kPae,
     0,
     {.top_entry = Gpa{0xffffffe0}, .level = 3, .width = 9}},
    {kPg | kWp,
     0x00123abc,
     kPae | kPse | kLa57 | kSmep,
     kNxe,
     {.top_entry = Gpa{0x00123aa0},
      .level = 3,
      .width = 9,
      .wp = true,
      .nxe = true,
      .is_smep_on = true}},
    // 4-level.
    {kPg,
     kAllOnes,
     kPae,
     kLma,
     {.top_entry = Gpa{0x000ffffffffff000}, .level = 4, .width = 9}},
    {kPg | kWp,
     0x8000001234567fff,
     kPae | kSmap | kSmep,
     kLma | kNxe,
     {.top_entry = Gpa{0x0000001234567000},
      .level = 4,
      .width = 9,
      .wp = true,
      .nxe = true,
      .is_smap_on = true,
      .is_smep_on = true}},
    // 5-level.
    {kPg,
     kAllOnes,
     kPae | kLa57,
     kLma,
     {.top_entry = Gpa{0x000ffffffffff000}, .level = 5, .width = 9}},
    {kPg,
     0x0000001234567018,
     kPae | kLa57,
     kLma | kNxe,
     {.top_entry = Gpa{0x0000001234567000},
      .level = 5,
      .width = 9,
      .nxe = true}},
};

TEST(GuestPageWalkInfoTest, PagingIsThatOfTheRegisters) {
  for (const PagingCase& c : kPagingCases) {
    GuestPageWalkInfo expected = c.expected;
    // A violation of the guest walk.
    EXPECT_EQ(DescribeGuestWalk({.qualification = 0x81,
                                 .cr0 = c.cr0,
                                 .cr3 = c.cr3,
                                 .cr4 = c.cr4,
                                 .efer = c.efer}),
              expected);

    const GuestState guest = {
        .cr0 = c.cr0, .cr3 = c.cr3, .cr4 = c.cr4, .efer = c.efer};
    expected.is_write_access = false;
    expected.is_inst_fetch = false;
    EXPECT_EQ(DescribeGuestWalk(guest, GuestWalkState{}), expected);
  }
}

TEST(GuestPageWalkInfoTest, TheEngineKnowsTheAccess) {
  constexpr struct {
    bool user, write, fetch;
  } kCases[] = {
      {false, false, false}, {true, false, false}, {false, true, false},
      {true, false, true},   {true, true, false},
  };
  const GuestState guest = {.cr0 = kPg, .cr4 = kPae, .efer = kLma, .cpl = 3};
  for (const auto& c : kCases) {
    for (const std::uint8_t level : {0, 1, 4}) {
      const GuestPageWalkInfo info =
          DescribeGuestWalk(guest, {.level = level,
                                    .update = c.write,
                                    .user_mode = c.user,
                                    .write = c.write,
                                    .fetch = c.fetch});
      EXPECT_EQ(info.is_user_mode_access, c.user);
      EXPECT_EQ(info.is_write_access, c.write);
      EXPECT_EQ(info.is_inst_fetch, c.fetch);
    }
  }
}

// HLAT paging starts elsewhere, but CR3 is where a restart leads.
TEST(GuestPageWalkInfoTest, TheTopEntryIsThatOfOrdinaryPaging) {
  const GuestState guest = {
      .cr0 = kPg, .cr3 = 0x5000, .cr4 = kPae, .efer = kLma};
  EXPECT_EQ(DescribeGuestWalk(guest, {.hlat = true, .top_table = Gpa{0x9000}})
                .top_entry,
            Gpa{0x5000});
  // PAE: the structure in use is a page directory, the top level is above it.
  EXPECT_EQ(DescribeGuestWalk({.cr0 = kPg, .cr3 = 0x5020, .cr4 = kPae},
                              {.top_table = Gpa{0x9000}})
                .top_entry,
            Gpa{0x5020});
}

TEST(GuestPageWalkInfoTest, TheExitKnowsTheAccessIfItWasTheLastOne) {
  constexpr struct {
    std::uint64_t qualification;
    std::optional<bool> write, fetch;
  } kCases[] = {
      {0x181, false, false},
      {0x182, true, false},
      {0x183, true, false},
      {0x184, false, true},
      {0x2181, false, false},  // shadow stack: read
      {0x2182, true, false},   // and write
      {0x8182, true, false},   // guest-paging verification
      // The guest walk: reads, updates, and either with EPTP bit 6.
      {0x081, {}, {}},
      {0x082, {}, {}},
      {0x083, {}, {}},
      {0x089, {}, {}},  // bits 5:3 are about the page of the entry
      {0x001, {}, {}},  // a PDPTE load has no linear address
  };
  for (const auto& c : kCases) {
    const GuestPageWalkInfo info =
        DescribeGuestWalk({.qualification = c.qualification, .cr0 = kPg});
    EXPECT_EQ(info.is_write_access, c.write) << std::hex << c.qualification;
    EXPECT_EQ(info.is_inst_fetch, c.fetch) << std::hex << c.qualification;
  }
}

TEST(GuestPageWalkInfoTest, UserModeIsTheCplUnlessBit9ProvesOtherwise) {
  constexpr struct {
    std::uint64_t qualification;
    std::uint64_t cr0;
    std::uint8_t ss_dpl;
    bool advanced;
    bool expected;
  } kCases[] = {
      // No advanced information: bit 9 is noise.
      {0x0181, kPg, 0, false, false},
      {0x0181, kPg, 1, false, false},
      {0x0181, kPg, 2, false, false},
      {0x0181, kPg, 3, false, true},
      {0x0381, kPg, 0, false, false},
      {0x2381, kPg, 0, false, false},
      {0x2181, kPg, 3, false, true},
      // To a supervisor-mode address, to a user-mode address.
      {0x0181, kPg, 0, true, false},
      {0x0381, kPg, 0, true, false},
      {0x0181, kPg, 3, true, false},  // say, a read of the GDT
      {0x0381, kPg, 3, true, true},
      // Shadow-stack accesses have the mode of the address.
      {0x2382, kPg, 0, true, true},  // WRUSS
      {0x2182, kPg, 0, true, false},
      {0x2182, kPg, 3, true, false},
      {0x2382, kPg, 3, true, true},
      // In the guest walk, bit 9 is undefined and 13 is 0.
      {0x0081, kPg, 3, true, true},
      {0x0281, kPg, 0, true, false},
      // Without paging every address is user-mode: no proof.
      {0x0381, 0x1, 0, true, false},
      {0x2381, 0x1, 0, true, false},
      {0x0381, 0x1, 3, true, true},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(DescribeGuestWalk({.qualification = c.qualification,
                                 .cr0 = c.cr0,
                                 .ss_dpl = c.ss_dpl,
                                 .advanced_information = c.advanced})
                  .is_user_mode_access,
              c.expected)
        << std::hex << c.qualification << ' ' << int{c.ss_dpl};
  }
}

TEST(GuestPageWalkInfoTest, ThePlaceOfTheEntryTellsItsLevel) {
  constexpr struct {
    std::uint64_t cr4, efer;
    std::uint64_t gla, gpa;
    int expected;  // bit L: level L
  } kCases[] = {
      // 4-level: ffff808080604abcH uses entries 808H, 010H, 018H and 020H.
      {kPae, kLma, 0xffff808080604abc, 0x7808, 0x10},
      {kPae, kLma, 0xffff808080604abc, 0x7010, 0x08},
      {kPae, kLma, 0xffff808080604abc, 0x7018, 0x04},
      {kPae, kLma, 0xffff808080604abc, 0x7020, 0x02},
      {kPae, kLma, 0xffff808080604abc, 0x7028, 0x00},
      {kPae, kLma, 0xffff808080604abc, 0x7024, 0x00},  // no entry's address
      // 5-level: entry 010H above them.
      {kPae | kLa57, kLma, 0x0002808080604abc, 0x7010, 0x28},
      {kPae | kLa57, kLma, 0x0002808080604abc, 0x7808, 0x10},
      {kPae | kLa57, kLma, 0x0002808080604abc, 0x7020, 0x02},
      // Bits 63:32 of the address may have been cleared; 31:30 were not.
      {kPae, kLma, 0x80604abc, 0x7808, 0x10},
      {kPae, kLma, 0x80604abc, 0x7010, 0x18},
      {kPae, kLma, 0x80604abc, 0x7018, 0x14},
      {kPae | kLa57, kLma, 0x80604abc, 0x7020, 0x32},
      {kPae, kLma, 0x80604abc, 0x7030, 0x18},
      {kPae, kLma, 0x80604abc, 0x7034, 0x00},
      // PAE: the PDPTEs are in registers.
      {kPae, 0, 0x80604abc, 0x7010, 0x00},
      {kPae, 0, 0x80604abc, 0x7018, 0x04},
      {kPae, 0, 0x80604abc, 0x7020, 0x02},
      // 32-bit: entries of 4 bytes, 808H/4 in the directory, 4/4 in the table.
      {0, 0, 0x80801abc, 0x7808, 0x04},
      {0, 0, 0x80801abc, 0x7004, 0x02},
      {0, 0, 0x00401abc, 0x7004, 0x06},
      {0, 0, 0x00401abc, 0x7000, 0x00},
  };
  for (const auto& c : kCases) {
    ExitInformation exit = {.qualification = 0x81,
                            .gpa = Gpa{c.gpa},
                            .gla = Gla{c.gla},
                            .cr0 = kPg,
                            .cr4 = c.cr4,
                            .efer = c.efer};
    EXPECT_EQ(PossibleEntryLevels(exit), c.expected)
        << std::hex << c.gla << ' ' << c.gpa;
    exit.qualification = 0x181;  // the final access
    EXPECT_EQ(PossibleEntryLevels(exit), 0);
    exit.qualification = 0x001;  // a PDPTE load
    EXPECT_EQ(PossibleEntryLevels(exit), 0);
  }
}

}  // namespace
}  // namespace eptdiff
