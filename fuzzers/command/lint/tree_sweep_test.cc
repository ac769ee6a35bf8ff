// Mistakes that were planted in tables of the engine's builder.
#include "fuzzers/command/lint/tree_sweep.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "fuzzers/command/lint/lint_report.h"
#include "fuzzers/command/lint/lint_words.h"
#include "fuzzers/command/lint/test_tables.h"
#include "fuzzers/command/walk/walk_case.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr std::uint16_t kAll = 7;
constexpr std::uint8_t kWb = 6;

TreeSweep SweepOf(const TestTables& tables, const KnownMachine& machine = {},
                  const Mtrrs* mtrrs = nullptr) {
  const std::string path = (std::filesystem::temp_directory_path() /
                            ("eptdiff-tree-" + std::to_string(getpid())))
                               .string();
  std::ofstream(path, std::ios::binary) << tables.Image();
  const auto image = MemoryImage::Open(path, MemoryImage::Format::kRaw,
                                       Hpa{TestTables::kFirst});
  std::filesystem::remove(path);
  EXPECT_TRUE(image.ok()) << image.status();
  const Case c = CaseUnder(tables.eptp(), machine);
  return SweepTree(*image, c.processor, c.controls, mtrrs);
}

// WB, but for 4 KBytes that are UC.
Mtrrs HoleAt(std::uint64_t hpa) {
  Mtrrs mtrrs;
  mtrrs.cap = 10;
  mtrrs.def_type = 0x806;
  mtrrs.variable[0] = {hpa, 0x3ffffffff800};
  return mtrrs;
}

TEST(TreeSweepTest, TheMapIsRanges) {
  const TreeSweep sweep = SweepOf(TestTables());
  EXPECT_THAT(
      sweep.ranges,
      ElementsAre(MappedRange{0, 0, 0xa0000, kAll, kWb},
                  MappedRange{0xc0000, 0xc0000, 0x340000, kAll, kWb},
                  MappedRange{0xc0000000, 0xc0000000, 0x40000000, kAll, kWb}));
  EXPECT_THAT(sweep.leaves, ElementsAre(0, 480, 1, 1));
  EXPECT_EQ(sweep.tables, 4u);
  ASSERT_THAT(sweep.table_list, SizeIs(4));
  EXPECT_EQ(sweep.table_list[0].level, 4);
  EXPECT_EQ(sweep.table_list[3].level, 1);
  EXPECT_EQ(sweep.mapped_bytes, 0x403e0000u);
  EXPECT_EQ(sweep.write_execute_bytes, sweep.mapped_bytes);
  EXPECT_EQ(sweep.accessed, 0u);
  EXPECT_EQ(sweep.address_bits, 32);
  EXPECT_THAT(sweep.misconfigured, IsEmpty());
  EXPECT_THAT(sweep.tables_reached, IsEmpty());
  EXPECT_THAT(sweep.aliases, IsEmpty());
  EXPECT_THAT(sweep.outside, IsEmpty());
  EXPECT_FALSE(IsWrong(sweep));
}

TEST(TreeSweepTest, MisconfiguredEntriesAreFoundAtEachLevel) {
  TestTables tables;
  tables.EntryOf(0x5000, 1) &= ~std::uint64_t{1};   // W without R
  tables.EntryOf(0x200000, 2) |= 0x1000;            // reserved
  tables.EntryOf(0xc0000000, 3) |= 0x38;            // memory type 7
  tables.EntryOf(0x8000000000, 4) = 0x80 | 0x1007;  // bit 7 of a PML4E
  const TreeSweep sweep = SweepOf(tables);
  ASSERT_THAT(sweep.misconfigured, SizeIs(4));
  EXPECT_EQ(sweep.misconfigured_count, 4u);
  EXPECT_EQ(sweep.misconfigured[0].level, 1);
  EXPECT_EQ(sweep.misconfigured[0].gpa, 0x5000u);
  EXPECT_EQ(sweep.misconfigured[0].at, tables.PlaceOf(0x5000, 1));
  EXPECT_EQ(sweep.misconfigured[3].gpa, 0x8000000000u);
  EXPECT_TRUE(IsWrong(sweep));
  LintSubject subject;
  subject.eptp = tables.eptp();
  EXPECT_THAT(
      LintText(subject, sweep, 20, Style(false)),
      AllOf(HasSubstr("MISCONFIGURED: PTE"), HasSubstr("CFG-1"),
            HasSubstr("CFG-9"), HasSubstr("CFG-11"), HasSubstr("CFG-5")));
}

// What is well-formed here is misconfigured on a processor that has less.
TEST(TreeSweepTest, TheMachineDecides) {
  TestTables tables;
  tables.EntryOf(0x5000, 1) = (std::uint64_t{1} << 40) | 0x37;
  tables.EntryOf(0x6000, 1) = 0x6034;  // execute-only
  const TreeSweep wide = SweepOf(tables);
  EXPECT_THAT(wide.misconfigured, IsEmpty());
  EXPECT_EQ(wide.address_bits, 41);
  EXPECT_EQ(wide.execute_only, 1u);
  KnownMachine machine;
  machine.maxphyaddr = 40;
  machine.capabilities = 0x6304140;  // neither execute-only nor large pages
  EXPECT_EQ(SweepOf(tables, machine).misconfigured_count, 4u);
}

TEST(TreeSweepTest, WhatAProcessorWithLessFindsMisconfiguredIsSaid) {
  TestTables tables;
  tables.EntryOf(0x5000, 1) = (std::uint64_t{1} << 47) | 0x37;
  tables.EntryOf(0x6000, 1) = (std::uint64_t{1} << 40) | 0x37;
  tables.EntryOf(0x7000, 1) = 0x7034;  // execute-only
  LintSubject subject;
  subject.eptp = tables.eptp();
  const std::string text = LintText(subject, SweepOf(tables), 20, Style(false));
  EXPECT_THAT(text,
              AllOf(HasSubstr("elsewhere: without execute-only: 1 entry, "
                              "the PTE at"),
                    HasSubstr("CFG-2"), HasSubstr("CFG-7"),
                    ContainsRegex("MAXPHYADDR of 47 or less: 1\n? *entry, the"),
                    ContainsRegex("MAXPHYADDR of 39 or less: 2\n? *entries"),
                    HasSubstr("CFG-10")));
  EXPECT_THAT(text, Not(HasSubstr("MISCONFIGURED")));
  // A machine that has no more is not elsewhere.
  KnownMachine machine;
  machine.capabilities = 0x6304140;
  machine.maxphyaddr = 36;
  subject.context.capabilities = machine.capabilities;
  subject.context.maxphyaddr = 36;
  EXPECT_THAT(LintText(subject, SweepOf(tables, machine), 20, Style(false)),
              AllOf(HasSubstr("MISCONFIGURED"), Not(HasSubstr("elsewhere"))));
}

TEST(TreeSweepTest, LargePagesOverMixedTypesAreFound) {
  TestTables tables;
  const Mtrrs in_page = HoleAt(0x3ff000);
  TreeSweep sweep = SweepOf(tables, {}, &in_page);
  ASSERT_THAT(sweep.mixed, SizeIs(1));
  EXPECT_EQ(sweep.mixed[0].gpa, 0x200000u);
  EXPECT_EQ(sweep.mixed[0].level, 2);
  EXPECT_TRUE(IsWrong(sweep));
  LintSubject subject;
  subject.eptp = tables.eptp();
  EXPECT_THAT(LintText(subject, sweep, 20, Style(false)),
              AllOf(HasSubstr("MIXED: PDE at"), HasSubstr("12.11.9"),
                    HasSubstr("0x3ff000 to 0x3fffff: identity, 4 KBytes"),
                    HasSubstr("where the MTRRs say UC")));
  // The most conservative type is right for all of it.
  tables.EntryOf(0x200000, 2) &= ~std::uint64_t{0x38};
  sweep = SweepOf(tables, {}, &in_page);
  EXPECT_EQ(sweep.mixed_count, 0u);
  EXPECT_EQ(sweep.mixed_conservative, 1u);
  EXPECT_FALSE(IsWrong(sweep));
  ASSERT_THAT(sweep.unlike, SizeIs(1));
  EXPECT_EQ(sweep.unlike[0].range.bytes, 0x1ff000u);

  // Small pages have a type each.
  const Mtrrs in_small = HoleAt(0x5000);
  sweep = SweepOf(TestTables(), {}, &in_small);
  EXPECT_EQ(sweep.mixed_count, 0u);
  ASSERT_THAT(sweep.unlike, SizeIs(1));
  EXPECT_EQ(sweep.unlike[0].range.gpa, 0x5000u);
  const Mtrrs in_gbyte = HoleAt(0xfee00000);
  EXPECT_EQ(SweepOf(TestTables(), {}, &in_gbyte).mixed_count, 1u);
  const Mtrrs elsewhere = HoleAt(0x500000);
  EXPECT_EQ(SweepOf(TestTables(), {}, &elsewhere).unlike_count, 0u);
}

TEST(TreeSweepTest, TablesThatTheGuestReachesAreFound) {
  TestTables tables;
  const std::uint64_t root = tables.eptp() & ~std::uint64_t{0xfff};
  tables.EntryOf(0x7000, 1) = root | 0x31;  // may be read
  TreeSweep sweep = SweepOf(tables);
  ASSERT_THAT(sweep.tables_reached, SizeIs(1));
  EXPECT_EQ(sweep.tables_reached[0].at, root);
  EXPECT_EQ(sweep.tables_reached[0].gpa, 0x7000u);
  EXPECT_FALSE(IsWrong(sweep));
  tables.EntryOf(0x7000, 1) = root | 0x33;
  EXPECT_TRUE(IsWrong(SweepOf(tables)));
  // A right that an entry above takes away is none.
  tables.EntryOf(0, 2) &= ~std::uint64_t{2};
  EXPECT_FALSE(IsWrong(SweepOf(tables)));
}

TEST(TreeSweepTest, FramesAtTwoAddressesAreHeldAgainstEachOther) {
  TestTables tables;
  tables.EntryOf(0x8000, 1) = 0x201000 | 0x31;  // read, WB
  tables.EntryOf(0x9000, 1) = 0x202000 | 0x07;  // UC
  tables.EntryOf(0xa000, 1) = 0x203000 | 0x37;  // the same
  const TreeSweep sweep = SweepOf(tables);
  ASSERT_THAT(sweep.aliases, SizeIs(2));
  EXPECT_EQ(sweep.aliases[0].first,
            (MappedRange{0x201000, 0x201000, 0x1000, kAll, kWb}));
  EXPECT_EQ(sweep.aliases[0].second,
            (MappedRange{0x8000, 0x201000, 0x1000, 1, kWb}));
  EXPECT_EQ(sweep.aliases[1].second.type, 0);
  EXPECT_EQ(sweep.same_alias_bytes, 0x1000u);
  EXPECT_TRUE(IsWrong(sweep));
  tables.EntryOf(0x9000, 1) = 0x9037;
  EXPECT_FALSE(IsWrong(SweepOf(tables)));
}

// The first thousand are kept, and all of them count.
TEST(TreeSweepTest, WhatIsWrongBehindThoseThatAreKeptIsWrong) {
  TestTables tables;
  const std::uint64_t frames[] = {0x201000, 0x202000, 0x203000, 0x204000,
                                  0x205000, 0x206000, 0x207000, 0x208000};
  std::uint64_t gpa = 0x10000;
  for (const std::uint64_t frame : frames) {
    // 45 pages that may be read: 45 * 46 / 2 pairs with them and the large one.
    for (int i = 0; i < 45; ++i, gpa += 0x1000) {
      if (gpa == 0xa0000) gpa = 0xc0000;
      tables.EntryOf(gpa, 1) = frame | (i % 2 == 0 ? 0x31 : 0x33);
    }
  }
  tables.EntryOf(0x1ff000, 1) = 0x3ff000 | 0x07;  // UC, behind all of these
  const TreeSweep sweep = SweepOf(tables);
  EXPECT_THAT(sweep.aliases, SizeIs(kMostKept));
  EXPECT_GT(sweep.alias_count, kMostKept);
  EXPECT_TRUE(IsWrong(sweep));
  tables.EntryOf(0x1ff000, 1) = 0x3ff000 | 0x31;
  EXPECT_FALSE(IsWrong(SweepOf(tables)));
}

// As a hypervisor does that shows one page of zeros everywhere.
TEST(TreeSweepTest, AFrameAtManyAddressesIsSaid) {
  TestTables tables;
  for (std::uint64_t gpa = 0; gpa < 0x50000; gpa += 0x1000) {
    tables.EntryOf(gpa, 1) = 0x300037;
  }
  const TreeSweep sweep = SweepOf(tables);
  EXPECT_TRUE(sweep.aliases_ended_early);
  LintSubject subject;
  subject.eptp = tables.eptp();
  EXPECT_THAT(LintText(subject, sweep, 20, Style(false)),
              HasSubstr("more than 64 guest-physical addresses"));
  EXPECT_FALSE(SweepOf(TestTables()).aliases_ended_early);
}

TEST(TreeSweepTest, PagesThatAreWritableAndExecutableAreCounted) {
  TestTables tables;
  // Either right is taken from all, at the top of the tree: but from one page.
  for (const std::uint64_t gpa :
       {std::uint64_t{0}, std::uint64_t{0xc0000000}}) {
    tables.EntryOf(gpa, 3) &= ~std::uint64_t{4};
  }
  EXPECT_EQ(SweepOf(tables).write_execute_bytes, 0u);
  tables.EntryOf(0, 3) |= 4;
  for (std::uint64_t gpa = 0; gpa < 0x400000; gpa += 0x1000) {
    if (gpa == 0x200000) break;
    if (gpa != 0x5000) tables.EntryOf(gpa, 1) &= ~std::uint64_t{2};
  }
  tables.EntryOf(0x200000, 2) &= ~std::uint64_t{2};
  const TreeSweep sweep = SweepOf(tables);
  EXPECT_EQ(sweep.write_execute_bytes, 0x1000u);
  LintSubject subject;
  subject.eptp = tables.eptp();
  EXPECT_THAT(LintText(subject, sweep, 20, Style(false)),
              ContainsRegex("4 KBytes are writable and executable at once, "
                            "the\n? *first at GPA 0x5000"));
}

TEST(TreeSweepTest, WhereTheIdentityEndsIsSaid) {
  TestTables tables;
  EXPECT_EQ(IdentityWords(SweepOf(tables)),
            "what is mapped is mapped to itself");
  tables.EntryOf(0xc0000000, 3) += 0x40000000;
  EXPECT_EQ(IdentityWords(SweepOf(tables)),
            "an identity map up to GPA 0xc0000000, which is at 0x100000000");
  tables.EntryOf(0x7000, 1) += 0x1000;
  EXPECT_EQ(IdentityWords(SweepOf(tables)),
            "an identity map up to GPA 0x7000, which is at 0x8000");
  tables.EntryOf(0, 1) = 0x9037;
  EXPECT_EQ(IdentityWords(SweepOf(tables)), "no identity map");
  tables.EntryOf(0, 4) = 0;
  EXPECT_EQ(IdentityWords(SweepOf(tables)), "nothing is mapped");
}

TEST(TreeSweepTest, HolesAreBetweenTheRanges) {
  TestTables tables;
  tables.EntryOf(0x5000, 1) = 0;
  tables.EntryOf(0x200000, 2) = 0;
  const TreeSweep sweep = SweepOf(tables);
  EXPECT_THAT(
      sweep.ranges,
      ElementsAre(MappedRange{0, 0, 0x5000, kAll, kWb},
                  MappedRange{0x6000, 0x6000, 0x9a000, kAll, kWb},
                  MappedRange{0xc0000, 0xc0000, 0x140000, kAll, kWb},
                  MappedRange{0xc0000000, 0xc0000000, 0x40000000, kAll, kWb}));
  LintSubject subject;
  subject.eptp = tables.eptp();
  EXPECT_THAT(LintText(subject, sweep, 20, Style(false)),
              AllOf(HasSubstr("0x5000 to 0x5fff: nothing, 4 KBytes"),
                    HasSubstr("0x200000 to 0xbfffffff: nothing, ")));
}

TEST(TreeSweepTest, FlagsAreCounted) {
  TestTables tables;
  tables.EntryOf(0x8000, 1) |= 0x100;
  tables.EntryOf(0x9000, 1) |= 0x300;
  tables.EntryOf(0, 2) |= 0x100;  // a table's
  const TreeSweep sweep = SweepOf(tables);
  EXPECT_EQ(sweep.accessed, 2u);
  EXPECT_EQ(sweep.dirty, 1u);
}

TEST(TreeSweepTest, TablesThatAreNotInTheImageAreListed) {
  TestTables tables;
  tables.EntryOf(0x400000, 2) = 0x900007;
  const TreeSweep sweep = SweepOf(tables);
  ASSERT_THAT(sweep.outside, SizeIs(1));
  EXPECT_EQ(sweep.outside[0].value, 0x900007u);
  EXPECT_EQ(sweep.outside[0].gpa, 0x400000u);
}

TEST(TreeSweepTest, ATableThatReferencesItselfEnds) {
  TestTables tables;
  const std::uint64_t root = tables.eptp() & ~std::uint64_t{0xfff};
  for (std::uint64_t i = 0; i < 512; ++i) {
    tables.EntryOf(i << 39, 4) = root | 7;
  }
  const TreeSweep sweep = SweepOf(tables);
  EXPECT_TRUE(sweep.ended_early);
  EXPECT_TRUE(IsWrong(sweep));  // the guest can write the root
}

}  // namespace
}  // namespace eptdiff
