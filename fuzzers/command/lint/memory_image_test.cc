#include "fuzzers/command/lint/memory_image.h"

#include <elf.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::HasSubstr;
using Format = MemoryImage::Format;

class MemoryImageTest : public ::testing::Test {
 protected:
  MemoryImageTest()
      : path_((std::filesystem::temp_directory_path() /
               ("eptdiff-image-" + std::to_string(getpid())))
                  .string()) {}
  ~MemoryImageTest() override { std::filesystem::remove(path_); }

  void Write(const std::string& content) {
    std::ofstream(path_, std::ios::binary) << content;
  }
  std::string ErrorOf(const std::string& content,
                      Format format = Format::kGuess) {
    Write(content);
    return std::string(MemoryImage::Open(path_, format, {}).status().message());
  }

  std::string path_;
};

struct Segment {
  std::uint64_t address;
  std::string content;
};

// Each segment's content after the headers, at no aligned offset.
std::string ElfOf(const std::vector<Segment>& segments) {
  Elf64_Ehdr header = {};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_phoff = sizeof(header);
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = static_cast<std::uint16_t>(segments.size());
  std::string headers(reinterpret_cast<const char*>(&header), sizeof(header));
  std::string content = "abc";
  const std::size_t begin =
      sizeof(header) + segments.size() * sizeof(Elf64_Phdr);
  for (const Segment& segment : segments) {
    Elf64_Phdr program = {};
    program.p_type = PT_LOAD;
    program.p_offset = begin + content.size();
    program.p_paddr = segment.address;
    program.p_filesz = segment.content.size();
    headers.append(reinterpret_cast<const char*>(&program), sizeof(program));
    content += segment.content;
  }
  return headers + content;
}

TEST_F(MemoryImageTest, ARawImageBeginsWhereItIsSaid) {
  Write(std::string(4096, '\x11') + std::string(4096 + 7, '\x22'));
  const auto image = MemoryImage::Open(path_, Format::kGuess, Hpa{0x100000});
  ASSERT_TRUE(image.ok()) << image.status();
  TablePage page;
  ASSERT_TRUE(image->Read(Hpa{0x101000}, page));
  EXPECT_EQ(page[511], 0x2222222222222222u);
  for (const std::uint64_t outside :
       {std::uint64_t{0}, std::uint64_t{0xff000}, std::uint64_t{0x102000},
        ~std::uint64_t{0xfff}}) {
    EXPECT_FALSE(image->Read(Hpa{outside}, page)) << outside;
  }
  EXPECT_EQ(image->words(), "raw, 8199 bytes at 0x100000");
}

TEST_F(MemoryImageTest, AnElfCoreHasItsSegments) {
  const std::string elf = ElfOf({{0x200000, std::string(4096, '\x22')},
                                 {0x1000, std::string(8192, '\x11')}});
  Write(elf);
  const auto image = MemoryImage::Open(path_, Format::kGuess, {});
  ASSERT_TRUE(image.ok()) << image.status();
  TablePage page;
  ASSERT_TRUE(image->Read(Hpa{0x2000}, page));
  EXPECT_EQ(page[0], 0x1111111111111111u);
  ASSERT_TRUE(image->Read(Hpa{0x200000}, page));
  EXPECT_EQ(page[511], 0x2222222222222222u);
  EXPECT_FALSE(image->Read(Hpa{0x3000}, page));
  EXPECT_FALSE(image->Read(Hpa{0}, page));
  EXPECT_EQ(image->words(), "ELF core, 2 segments, 12288 bytes");

  // Cut short, it has what is left. The last segment is the second.
  Write(elf.substr(0, elf.size() - 4096));
  const auto cut = MemoryImage::Open(path_, Format::kGuess, {});
  ASSERT_TRUE(cut.ok()) << cut.status();
  EXPECT_TRUE(cut->Read(Hpa{0x1000}, page));
  EXPECT_FALSE(cut->Read(Hpa{0x2000}, page));
}

TEST_F(MemoryImageTest, WhatIsNoImageSaysWhy) {
  EXPECT_THAT(ErrorOf(""), HasSubstr("it is empty"));
  EXPECT_THAT(ErrorOf("abc", Format::kElf), HasSubstr("it is no ELF file"));
  EXPECT_THAT(ErrorOf(ELFMAG), HasSubstr("cut short"));
  EXPECT_THAT(ErrorOf(ElfOf({})), HasSubstr("no memory in it"));
  EXPECT_THAT(ErrorOf(ElfOf({{0, ""}})), HasSubstr("no memory in it"));
  std::string many = ElfOf({{0x1000, "x"}});
  many[offsetof(Elf64_Ehdr, e_phnum)] = '\x7f';
  EXPECT_THAT(ErrorOf(many), HasSubstr("program headers are not in the file"));
  many[offsetof(Elf64_Ehdr, e_phnum)] = '\xff';
  many[offsetof(Elf64_Ehdr, e_phnum) + 1] = '\xff';
  many[offsetof(Elf64_Ehdr, e_shoff) + 7] = '\x7f';
  EXPECT_THAT(ErrorOf(many), HasSubstr("no first section header"));
  std::string other = ElfOf({{0x1000, "x"}});
  other[EI_CLASS] = ELFCLASS32;
  EXPECT_THAT(ErrorOf(other), HasSubstr("of 64 bits"));
  EXPECT_THAT(MemoryImage::Open("/", Format::kGuess, {}).status().message(),
              HasSubstr("is a directory"));
  EXPECT_THAT(
      MemoryImage::Open("/dev/null", Format::kGuess, {}).status().message(),
      HasSubstr("no regular file"));
  EXPECT_FALSE(MemoryImage::Open(path_ + "x", Format::kGuess, {}).ok());
}

}  // namespace
}  // namespace eptdiff
