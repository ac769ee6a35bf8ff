// `eptdiff lint`: a whole tree of tables in an image of memory.

#include <elf.h>

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "fuzzers/command/command_testing.h"
#include "fuzzers/command/lint/test_tables.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string Number(std::uint64_t value) {
  return absl::StrFormat("%#x", value);
}

Ran Lint(const TestDirectory& directory, const TestTables& tables,
         const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments = {
      "lint",     directory.File("image", tables.Image()),
      "--eptp",   Number(tables.eptp()),
      "--offset", Number(TestTables::kFirst)};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return RunEptdiff(arguments);
}

TEST(LintCommandTest, GoodTablesAreAMap) {
  const TestDirectory directory;
  const Ran ran = Lint(directory, TestTables());
  EXPECT_EQ(ran.status, 0) << ran.out << ran.err;
  EXPECT_THAT(
      ran.out,
      AllOf(HasSubstr("raw, 32768 bytes at 0x10000000"),
            HasSubstr("480 pages of 4 KBytes, 1 of 2 MBytes, 1 of 1 GByte"),
            HasSubstr("0x0 to 0x9ffff: identity, 640 KBytes, read, write, "
                      "execute; WB"),
            HasSubstr("MAXPHYADDR of at least 32"),
            HasSubstr("assumed: MAXPHYADDR 52 (--maxphyaddr)")));
}

TEST(LintCommandTest, MistakesAreExitStatusOneWithTheirRules) {
  const TestDirectory directory;
  TestTables tables;
  tables.EntryOf(0x5000, 1) &= ~std::uint64_t{1};
  const Ran ran = Lint(directory, tables);
  EXPECT_EQ(ran.status, 1);
  EXPECT_THAT(ran.out, HasSubstr("CFG-1"));
  const Ran json = Lint(directory, tables, {"--json"});
  EXPECT_EQ(json.status, 1);
  EXPECT_THAT(json.out,
              AllOf(HasSubstr("\"misconfigured_count\": 1"),
                    HasSubstr("\"gpa\": \"0x5000\""), HasSubstr("CFG-1")));
}

std::string Bytes(std::initializer_list<std::uint64_t> words) {
  std::string bytes;
  for (const std::uint64_t word : words) {
    bytes.append(reinterpret_cast<const char*>(&word), sizeof(word));
  }
  return bytes;
}

// The tables as each kind of file has them.
std::string AsLime(const std::string& memory) {
  return std::string("EMiL\1\0\0\0", 8) +
         Bytes(
             {TestTables::kFirst, TestTables::kFirst + memory.size() - 1, 0}) +
         memory;
}
std::string AsElf(const std::string& memory) {
  Elf64_Ehdr header = {};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_type = ET_CORE;
  header.e_phoff = sizeof(header);
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 1;
  Elf64_Phdr segment = {};
  segment.p_type = PT_LOAD;
  segment.p_offset = sizeof(header) + sizeof(segment);
  segment.p_paddr = TestTables::kFirst;
  segment.p_filesz = memory.size();
  return std::string(reinterpret_cast<const char*>(&header), sizeof(header)) +
         std::string(reinterpret_cast<const char*>(&segment), sizeof(segment)) +
         memory;
}
// As QEMU's monitor prints it, without what is 0.
std::string AsText(const std::string& memory) {
  std::string text;
  for (std::size_t at = 0; at < memory.size(); at += 8) {
    std::uint64_t word;
    std::memcpy(&word, memory.data() + at, sizeof(word));
    if (word == 0) continue;
    absl::StrAppendFormat(&text, "%016x: 0x%016x\n", TestTables::kFirst + at,
                          word);
  }
  return text;
}

TEST(LintCommandTest, MistakesAreFoundInEachKindOfImage) {
  const TestDirectory directory;
  TestTables tables;
  tables.EntryOf(0x5000, 1) &= ~std::uint64_t{1};
  const std::string place =
      absl::StrFormat("PTE at %#x = 0x5036", tables.PlaceOf(0x5000, 1));
  for (const auto& [content, says] :
       {std::pair(AsLime(tables.Image()), "LiME, 1 range, 32768 bytes"),
        std::pair(AsElf(tables.Image()), "ELF core, 1 segment, 32768 bytes"),
        std::pair(AsText(tables.Image()), "text, 485 words in 4 pages")}) {
    const Ran ran = RunEptdiff({"lint", directory.File("image", content),
                                "--eptp", Number(tables.eptp())});
    EXPECT_EQ(ran.status, 1) << says << ran.err;
    EXPECT_THAT(ran.out,
                AllOf(HasSubstr(says), HasSubstr(place), HasSubstr("CFG-1"),
                      HasSubstr("479 pages of 4 KBytes")));
  }
}

// The root, and the tables that it leads to, up to where the file ends.
TEST(LintCommandTest, AnImageThatWasCutShortIsReadAsFarAsItGoes) {
  const TestDirectory directory;
  TestTables tables;
  tables.EntryOf(0xc0000000, 3) |= 0x38;  // memory type 7
  // Of the tables that of the PTEs lies highest.
  const std::uint64_t ptes = tables.PlaceOf(0, 1) & ~std::uint64_t{0xfff};
  const std::size_t bytes = ptes - TestTables::kFirst + 100;
  const std::string image = tables.Image();
  for (const std::string& whole : {AsLime(image), AsElf(image)}) {
    const Ran ran = RunEptdiff(
        {"lint",
         directory.File("image",
                        whole.substr(0, whole.size() - image.size() + bytes)),
         "--eptp", Number(tables.eptp())});
    EXPECT_EQ(ran.status, 1) << ran.err;
    EXPECT_THAT(
        Unwrapped(ran.out),
        AllOf(HasSubstr("; cut short: "), HasSubstr("CFG-11"),
              HasSubstr(absl::StrFormat("not in the image: the table of the "
                                        "entry at %#x",
                                        tables.PlaceOf(0, 2)))));
  }
}

TEST(LintCommandTest, ACompressedDumpIsNamedAndRefused) {
  const TestDirectory directory;
  const Ran ran = RunEptdiff(
      {"lint", directory.File("dump", "KDUMP   " + std::string(4096, '\0')),
       "--eptp", "0x101e"});
  EXPECT_EQ(ran.status, 2);
  EXPECT_THAT(ran.err,
              HasSubstr("dump: it is a kdump-compressed dump, which is "
                        "not read: have dump-guest-memory write it"));
}

TEST(LintCommandTest, LongListsAreCut) {
  const TestDirectory directory;
  TestTables tables;
  for (std::uint64_t gpa = 0; gpa < 30 << 12; gpa += 1 << 12) {
    tables.EntryOf(gpa, 1) &= ~std::uint64_t{1};
  }
  EXPECT_THAT(Lint(directory, tables).out, HasSubstr("and 10 more of these"));
  EXPECT_THAT(Lint(directory, tables, {"--all"}).out,
              HasSubstr("for GPA 0x1d000"));
}

TEST(LintCommandTest, BadInputIsExitStatusTwoAndSaysWhat) {
  const TestDirectory directory;
  const std::string image = directory.File("image", std::string(8192, '\0'));
  struct Bad {
    std::vector<std::string> arguments;
    std::string says;
  };
  for (const auto& [arguments, says] : {
           Bad{{}, "missing: IMAGE"},
           Bad{{image}, "--eptp is missing"},
           Bad{{image, "--eptp", "x"}, "\"x\" is no number of 64 bits"},
           Bad{{image, "--eptp", "0x1000"}, "4 levels, it is 0x101e"},
           Bad{{image, "--eptp", "0x901e"}, "root table at 0x9000 is not in"},
           Bad{{image, "--eptp", "0x101e", "--offset", ""}, "--offset needs"},
           Bad{{image, "--eptp", "0x101e", "--format", "elf"}, "no ELF file"},
           Bad{{directory.path(), "--eptp", "0x101e"}, "is a directory"},
           Bad{{directory.Path("x"), "--eptp", "0x101e"}, "No such file"},
           Bad{{directory.File("e", ""), "--eptp", "0x101e"}, "it is empty"},
       }) {
    std::vector<std::string> all = {"lint"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const Ran ran = RunEptdiff(all);
    EXPECT_EQ(ran.status, 2) << says;
    EXPECT_THAT(ran.err, HasSubstr(says));
    EXPECT_EQ(ran.out, "") << says;
  }
}

}  // namespace
}  // namespace eptdiff
