// The image as a file: what loaders look for is where they look for it, and
// nothing in it would have to be run, found or moved before it starts.
#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace eptdiff {
namespace {

class ImageFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::ifstream file(EPTDIFF_IMAGE_FILE, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
    ASSERT_GT(bytes_.size(), sizeof(Elf64_Ehdr)) << EPTDIFF_IMAGE_FILE;
    header_ = At<Elf64_Ehdr>(0);
    ASSERT_EQ(std::memcmp(header_.e_ident, ELFMAG, SELFMAG), 0);
  }

  template <typename T>
  T At(std::size_t offset) const {
    T value = {};
    if (offset + sizeof(T) <= bytes_.size()) {
      std::memcpy(&value, bytes_.data() + offset, sizeof(T));
    }
    return value;
  }

  std::vector<Elf64_Phdr> Segments(std::uint32_t type) const {
    std::vector<Elf64_Phdr> segments;
    for (int i = 0; i < header_.e_phnum; ++i) {
      const auto segment = At<Elf64_Phdr>(
          header_.e_phoff + static_cast<std::size_t>(i) * header_.e_phentsize);
      if (segment.p_type == type) segments.push_back(segment);
    }
    return segments;
  }

  std::vector<Elf64_Shdr> Sections() const {
    std::vector<Elf64_Shdr> sections;
    for (int i = 0; i < header_.e_shnum; ++i) {
      sections.push_back(At<Elf64_Shdr>(
          header_.e_shoff + static_cast<std::size_t>(i) * header_.e_shentsize));
    }
    return sections;
  }

  std::string NameOf(const Elf64_Shdr& section) const {
    const Elf64_Shdr names = Sections()[header_.e_shstrndx];
    return bytes_.data() + names.sh_offset + section.sh_name;
  }

  std::string bytes_;
  Elf64_Ehdr header_ = {};
};

TEST_F(ImageFileTest, RunsNothingBehindItsBack) {
  for (const Elf64_Shdr& section : Sections()) {
    const bool initialises = section.sh_type == SHT_INIT_ARRAY ||
                             section.sh_type == SHT_FINI_ARRAY ||
                             section.sh_type == SHT_PREINIT_ARRAY ||
                             NameOf(section) == ".ctors" ||
                             NameOf(section) == ".init_array";
    if (initialises) {
      EXPECT_EQ(section.sh_size, 0u) << NameOf(section);
    }
  }
  // Nor is there a loader that would have to move or find anything.
  EXPECT_EQ(header_.e_type, ET_EXEC);
  EXPECT_THAT(Segments(PT_DYNAMIC), testing::IsEmpty());
  EXPECT_THAT(Segments(PT_INTERP), testing::IsEmpty());
  EXPECT_THAT(Segments(PT_TLS), testing::IsEmpty());
}

TEST_F(ImageFileTest, LeavesNoSymbolUndefined) {
  for (const Elf64_Shdr& section : Sections()) {
    if (section.sh_type != SHT_SYMTAB) continue;
    const Elf64_Shdr names = Sections()[section.sh_link];
    ASSERT_GT(section.sh_size / sizeof(Elf64_Sym), 100u);
    for (std::size_t i = 1; i < section.sh_size / sizeof(Elf64_Sym); ++i) {
      const auto symbol =
          At<Elf64_Sym>(section.sh_offset + i * sizeof(Elf64_Sym));
      EXPECT_NE(symbol.st_shndx, SHN_UNDEF)
          << bytes_.data() + names.sh_offset + symbol.st_name;
    }
  }
}

TEST_F(ImageFileTest, LiesInOnePieceAsMultibootLoadsIt) {
  const std::vector<Elf64_Phdr> segments = Segments(PT_LOAD);
  ASSERT_EQ(segments.size(), 1u);
  const Elf64_Phdr& image = segments[0];
  EXPECT_EQ(image.p_paddr, image.p_vaddr);
  // The headers of multiboot 1, within the first 8192 bytes, and 2, within
  // 32768, each with a sum of 0.
  std::size_t first = 0, second = 0;
  for (std::size_t at = 0; at < 8192; at += 4) {
    if (At<std::uint32_t>(at) == 0x1badb002 && first == 0) first = at;
    if (At<std::uint32_t>(at) == 0xe85250d6 && second == 0) second = at;
  }
  ASSERT_NE(first, 0u);
  ASSERT_NE(second, 0u);
  EXPECT_EQ(At<std::uint32_t>(first) + At<std::uint32_t>(first + 4) +
                At<std::uint32_t>(first + 8),
            0u);
  EXPECT_EQ(second % 8, 0u);
  EXPECT_EQ(At<std::uint32_t>(second) + At<std::uint32_t>(second + 4) +
                At<std::uint32_t>(second + 8) + At<std::uint32_t>(second + 12),
            0u);
  // Where the header says that it is loaded to, and up to where.
  EXPECT_EQ(At<std::uint32_t>(first + 12) - image.p_paddr,
            first - image.p_offset);
  EXPECT_EQ(At<std::uint32_t>(first + 16), image.p_paddr);
  EXPECT_GE(At<std::uint32_t>(first + 20), image.p_paddr + image.p_filesz);
  EXPECT_EQ(At<std::uint32_t>(first + 24), image.p_paddr + image.p_memsz);
}

TEST_F(ImageFileTest, SaysWherePvhEnters) {
  const std::vector<Elf64_Phdr> notes = Segments(PT_NOTE);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_EQ(At<std::uint32_t>(notes[0].p_offset + 8), 18u);
  EXPECT_EQ(At<std::uint32_t>(notes[0].p_offset + 16), header_.e_entry);
}

}  // namespace
}  // namespace eptdiff
