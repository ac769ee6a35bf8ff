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

// A header, version 1, then the range.
std::string LimeRange(std::uint64_t first, const std::string& content) {
  std::string range("EMiL\1\0\0\0", 8);
  for (const std::uint64_t word :
       {first, first + content.size() - 1, std::uint64_t{0}}) {
    range.append(reinterpret_cast<const char*>(&word), sizeof(word));
  }
  return range + content;
}

TEST_F(MemoryImageTest, LimeHasItsRanges) {
  const std::string lime = LimeRange(0x1000, std::string(8192, '\x11')) +
                           LimeRange(0x200000, std::string(8192, '\x22'));
  Write(lime);
  const auto image = MemoryImage::Open(path_, Format::kGuess, {});
  ASSERT_TRUE(image.ok()) << image.status();
  TablePage page;
  ASSERT_TRUE(image->Read(Hpa{0x2000}, page));
  EXPECT_EQ(page[511], 0x1111111111111111u);
  ASSERT_TRUE(image->Read(Hpa{0x201000}, page));
  EXPECT_EQ(page[0], 0x2222222222222222u);
  EXPECT_FALSE(image->Read(Hpa{0x3000}, page));
  EXPECT_EQ(image->words(), "LiME, 2 ranges, 16384 bytes");

  // Cut short: within a range, then within its header.
  Write(lime.substr(0, lime.size() - 4096));
  const auto cut = MemoryImage::Open(path_, Format::kLime, {});
  ASSERT_TRUE(cut.ok()) << cut.status();
  EXPECT_TRUE(cut->Read(Hpa{0x200000}, page));
  EXPECT_FALSE(cut->Read(Hpa{0x201000}, page));
  EXPECT_EQ(cut->words(),
            "LiME, 2 ranges, 12288 bytes; cut short: 4096 more are not in the "
            "file");
  Write(lime.substr(0, 32 + 8192 + 20));
  const auto header = MemoryImage::Open(path_, Format::kGuess, {});
  ASSERT_TRUE(header.ok()) << header.status();
  EXPECT_TRUE(header->Read(Hpa{0x2000}, page));
  EXPECT_EQ(header->words(), "LiME, 1 range, 8192 bytes");

  // What follows a range that is longer than it says is not guessed at.
  Write(LimeRange(0x1000, std::string(4096, '\x11')) + std::string(64, 'x'));
  const auto strange = MemoryImage::Open(path_, Format::kGuess, {});
  ASSERT_TRUE(strange.ok()) << strange.status();
  EXPECT_THAT(strange->words(), HasSubstr("at byte 4128 of the file there is"));
}

TEST_F(MemoryImageTest, TextHasItsWords) {
  Write("0x1008: 0x0000000000002007\n(gdb)\n0x2000: 0x37\n");
  const auto image = MemoryImage::Open(path_, Format::kGuess, {});
  ASSERT_TRUE(image.ok()) << image.status();
  TablePage page;
  ASSERT_TRUE(image->Read(Hpa{0x1000}, page));
  EXPECT_EQ(page[0], 0u);
  EXPECT_EQ(page[1], 0x2007u);
  EXPECT_FALSE(image->Read(Hpa{0x3000}, page));
  EXPECT_EQ(image->words(),
            "text, 2 words in 2 pages; words that it does not have are taken "
            "for 0; 1 line not understood, the first is line 2");
}

TEST_F(MemoryImageTest, DumpsThatAreCompressedAreNamedAndRefused) {
  const std::string rest(4096, '\0');
  EXPECT_THAT(ErrorOf("KDUMP   " + rest), HasSubstr("a kdump-compressed dump"));
  EXPECT_THAT(ErrorOf("makedumpfile" + rest),
              HasSubstr("a kdump-compressed dump as it is sent over a pipe"));
  EXPECT_THAT(ErrorOf("PAGEDU64" + rest), HasSubstr("a Windows crash dump"));
  EXPECT_THAT(ErrorOf("QEVM" + rest), HasSubstr("a saved state of QEMU"));
  EXPECT_THAT(ErrorOf("QFI\xfb" + rest), HasSubstr("a disk image of QEMU"));
  // Who insists may have it.
  EXPECT_EQ(ErrorOf("KDUMP   " + rest, Format::kRaw), "");
}

TEST_F(MemoryImageTest, WhatIsNoImageSaysWhy) {
  EXPECT_THAT(ErrorOf("abc", Format::kLime), HasSubstr("it is no LiME image"));
  EXPECT_THAT(ErrorOf("abc", Format::kText), HasSubstr("no line of it is an"));
  EXPECT_THAT(ErrorOf("EMiL"), HasSubstr("no memory in it"));
  EXPECT_THAT(ErrorOf("EMiL\2" + std::string(40, '\0')),
              HasSubstr("none of version 1"));

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
