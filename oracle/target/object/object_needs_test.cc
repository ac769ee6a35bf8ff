#include "oracle/target/object/object_needs.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

// This test's own file: it needs the C library, and functions of it.
constexpr char kSelf[] = "/proc/self/exe";

TEST(ObjectNeedsTest, LibrariesSymbolsAndCompilersAreRead) {
  const ObjectNeeds needs = ReadNeeds(kSelf);
  EXPECT_THAT(needs.libraries, Contains(StartsWith("libc.so")));
  EXPECT_THAT(needs.symbols, Contains(StartsWith("mkstemp")));
  EXPECT_THAT(needs.symbols, Not(Contains("main")));
  EXPECT_THAT(needs.compilers, Contains(StartsWith("GCC: ")));
  EXPECT_TRUE(ObjectNeeds::Has(needs.libraries, "libc.so"));
  EXPECT_FALSE(ObjectNeeds::Has(needs.libraries, "ibc.so"));
}

TEST(ObjectNeedsTest, WhatIsNoObjectNeedsNothing) {
  EXPECT_THAT(ReadNeeds("/nowhere").libraries, IsEmpty());
  EXPECT_THAT(ReadNeeds("/").symbols, IsEmpty());
}

// Read as far as it goes, with whatever number in it.
TEST(ObjectNeedsTest, ADamagedFileDoesNoHarm) {
  std::ifstream in(kSelf, std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(in), {}};
  std::string path = testing::TempDir() + "damaged-XXXXXX";
  const int file = mkstemp(path.data());
  ASSERT_GE(file, 0);
  close(file);
  const auto read = [&](const std::string& content) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
    return ReadNeeds(path);
  };
  for (std::size_t part = 0; part < 16; ++part) {
    read(whole.substr(0, whole.size() / 16 * part + part));
  }
  // Each byte of the ELF header, and of the section headers at the end.
  for (std::size_t i = 0; i < 256; ++i) {
    std::string damaged = whole;
    const std::size_t at = i < 64 ? i : damaged.size() - 32 * (i - 63);
    damaged[at] = static_cast<char>(~damaged[at]);
    read(damaged);
  }
  EXPECT_THAT(read(whole).libraries, Contains(StartsWith("libc.so")));
  unlink(path.c_str());
}

}  // namespace
}  // namespace eptdiff
