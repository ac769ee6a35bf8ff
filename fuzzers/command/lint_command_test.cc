// `eptdiff lint`: a whole tree of tables in an image of memory.

#include <string>
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
