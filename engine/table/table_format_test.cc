#include "engine/table/table_format.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "engine/table/test_frames.h"

namespace eptdiff::engine {
namespace {

constexpr std::uint64_t kPw = 1ull << 58, kVerify = 1ull << 57,
                        kShadow = 1ull << 60, kSubPage = 1ull << 61;

// The controls that give bits a meaning, each by a letter: m(bec), p(aging
// write), v(erification), s(hadow stack), w (sub-page write), a(ccessed), and
// capabilities that are missing: x(ecute-only).
TableFormat Format(const char* letters) {
  Processor processor = TableProcessor();
  Controls controls = TableControls();
  for (; *letters != 0; ++letters) {
    if (*letters == 'm') controls.secondary |= 1u << 22;
    if (*letters == 'w') controls.secondary |= 1u << 23;
    if (*letters == 'p') controls.tertiary |= 1u << 2;
    if (*letters == 'v') controls.tertiary |= 1u << 3;
    if (*letters == 's') controls.eptp |= 0x80;
    if (*letters == 'a') controls.eptp |= 0x40;
    if (*letters == 'x') processor.ept_vpid_cap &= ~std::uint64_t{1};
  }
  return TableFormat(processor, controls);
}

TEST(TableFormatTest, FlagsThatCanBeHad) {
  constexpr TableError kOk = TableError::kNone, kNo = TableError::kUnsupported,
                       kBad = TableError::kMisconfigured,
                       kNothing = TableError::kNoAccess;
  constexpr struct {
    const char* controls;
    std::uint64_t flags;
    TableError error;
    const char* words;
  } kCases[] = {
      {"", 0x37, kOk, "WB, everything"},
      {"", 0x30, kNothing, "no right"},
      {"", 0x400, kNo, "user execute without MBEC"},
      {"", 0x437, kOk, "with supervisor execute nothing is denied"},
      {"m", 0x430, kOk, "user execute alone"},
      {"mx", 0x430, kNo, "which is execute-only"},
      {"mx", 0x431, kOk, "readable"},
      {"", 0x34, kOk, "execute-only"},
      {"x", 0x34, kNo, "which the processor lacks"},
      {"", 0x32, kBad, "write without read"},
      {"x", 0x36, kBad, "write without read is the worse"},
      {"", 0x11, kBad, "memory type 2"},
      {"", 0x19, kBad, "memory type 3"},
      {"", 0x39, kBad, "memory type 7"},
      {"x", 0x3c, kBad, "memory type 7, execute-only"},
      {"", 0x31 | kPw, kNo, "paging write without its control"},
      {"p", 0x31 | kPw, kOk, "paging write"},
      {"p", 0x34 | kPw, kBad, "paging write without read"},
      {"p", 0x31 | kVerify, kNo, "verify without its control"},
      {"v", 0x31 | kVerify, kNo, "verify without paging-write control"},
      {"pv", 0x31 | kVerify, kOk, "verify"},
      {"", 0x31 | kShadow, kNo, "shadow stack without its control"},
      {"s", 0x31 | kShadow, kOk, "shadow stack"},
      {"", 0x31 | kSubPage, kNo, "sub-page write without its control"},
      {"w", 0x31 | kSubPage, kOk, "sub-page write"},
      {"", 0xc9f0000000000b31, kOk, "the software's, A, D, suppress #VE"},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(Format(c.controls).CheckFlags(EptFlags{c.flags}), c.error)
        << c.words;
  }
}

TEST(TableFormatTest, ChangesThatNeedInvept) {
  constexpr struct {
    const char* controls;
    int level;
    std::uint64_t before, after;
    bool needed;
    const char* words;
  } kCases[] = {
      {"", 1, 0x0, 0x5037, false, "from not present"},
      {"", 1, 0x5032, 0x6031, false, "from misconfigured"},
      {"", 1, 0x503f, 0x0, false, "from a reserved memory type"},
      {"", 1, 0x5037, 0x0, true, "to not present"},
      {"", 1, 0x5037, 0x5035, true, "write taken"},
      {"", 1, 0x5035, 0x5037, false, "write given"},
      {"m", 1, 0x5437, 0x5037, true, "user execute taken"},
      {"", 1, 0x5437, 0x5037, false, "bit 10 without MBEC"},
      {"", 1, 0x5037, 0x6037, true, "address"},
      {"", 4, 0x5007, 0x6007, true, "address of a table"},
      {"", 2, 0x2000b7, 0x5007, true, "page to table"},
      {"", 3, 0x5007, 0x400000b7, true, "table to page"},
      {"", 1, 0x50b7, 0x5037, false, "bit 7 of a PTE is ignored"},
      {"", 1, 0x5037, 0x5007, true, "memory type"},
      {"", 2, 0x2000f7, 0x2000b7, true, "ignore PAT"},
      {"a", 1, 0x5137, 0x5037, true, "accessed cleared"},
      {"a", 4, 0x5107, 0x5007, true, "accessed of a table cleared"},
      {"a", 1, 0x5237, 0x5037, true, "dirty cleared"},
      {"a", 4, 0x5207, 0x5007, false, "bit 9 of a table is ignored"},
      {"a", 1, 0x5037, 0x5337, false, "accessed and dirty set"},
      {"", 1, 0x5337, 0x5037, false, "bits 8 and 9 without A/D flags"},
      {"", 1, 0x5037, 0xc9f0000000005837, false, "ignored bits, bit 63"},
      {"p", 1, 0x5031 | kPw, 0x5031, true, "paging write taken"},
      {"p", 1, 0x5031, 0x5031 | kPw, false, "paging write given"},
      {"", 1, 0x5031 | kPw, 0x5031, false, "bit 58 without its control"},
      {"s", 1, 0x5031 | kShadow, 0x5031, true, "shadow stack taken"},
      {"w", 1, 0x5031 | kSubPage, 0x5031, true, "sub-page write taken"},
      {"pv", 1, 0x5031, 0x5031 | kVerify, true, "verification begins"},
      {"pv", 1, 0x5031 | kVerify, 0x5031, false, "verification ends"},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(Format(c.controls).NeedsInvept(c.before, c.after, c.level),
              c.needed)
        << c.words;
  }
}

TEST(TableFormatTest, Widths) {
  const Controls four = TableControls(), five = TableControls(0x26);
  Processor processor = TableProcessor();
  EXPECT_EQ(TableFormat(processor, four).levels(), 4);
  EXPECT_EQ(TableFormat(processor, four).gpa_end(), 1ull << 48);
  EXPECT_EQ(TableFormat(processor, four).hpa_end(), 1ull << 46);
  processor.maxphyaddr = 52;
  EXPECT_EQ(TableFormat(processor, five).levels(), 5);
  EXPECT_EQ(TableFormat(processor, five).gpa_end(), 1ull << 52);
  EXPECT_EQ(TableFormat(processor, five).hpa_end(), 1ull << 52);
}

}  // namespace
}  // namespace eptdiff::engine
