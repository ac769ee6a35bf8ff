#include "oracle/target/object/object_needs.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>

namespace eptdiff {
namespace {

// The file, of which nothing is believed: what lies outside is empty.
class ElfFile {
 public:
  explicit ElfFile(std::string content) : content_(std::move(content)) {
    const auto header = At<Elf64_Ehdr>(0);
    if (!header.has_value() ||
        std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
        header->e_ident[EI_CLASS] != ELFCLASS64 ||
        header->e_ident[EI_DATA] != ELFDATA2LSB ||
        header->e_shentsize != sizeof(Elf64_Shdr)) {
      return;
    }
    for (std::uint64_t i = 0; i < header->e_shnum; ++i) {
      const auto section =
          At<Elf64_Shdr>(header->e_shoff + i * sizeof(Elf64_Shdr));
      if (!section.has_value()) break;
      sections_.push_back(*section);
      if (i == header->e_shstrndx) names_ = *section;
    }
  }

  const std::vector<Elf64_Shdr>& sections() const { return sections_; }

  std::string_view NameOf(const Elf64_Shdr& section) const {
    return StringAt(names_, section.sh_name);
  }

  std::string_view ContentOf(const Elf64_Shdr& section) const {
    if (section.sh_type == SHT_NOBITS || section.sh_offset > content_.size()) {
      return {};
    }
    return std::string_view(content_).substr(section.sh_offset,
                                             section.sh_size);
  }

  // The string at `offset` of the table that `section` uses.
  std::string_view LinkedString(const Elf64_Shdr& section,
                                std::uint64_t offset) const {
    if (section.sh_link >= sections_.size()) return {};
    return StringAt(sections_[section.sh_link], offset);
  }

  // The entries of a section.
  template <typename T>
  std::vector<T> EntriesOf(const Elf64_Shdr& section) const {
    const std::string_view bytes = ContentOf(section);
    std::vector<T> entries(bytes.size() / sizeof(T));
    std::memcpy(entries.data(), bytes.data(), entries.size() * sizeof(T));
    return entries;
  }

 private:
  template <typename T>
  std::optional<T> At(std::uint64_t offset) const {
    if (offset > content_.size() || content_.size() - offset < sizeof(T)) {
      return std::nullopt;
    }
    T value;
    std::memcpy(&value, content_.data() + offset, sizeof(T));
    return value;
  }

  std::string_view StringAt(const Elf64_Shdr& table,
                            std::uint64_t offset) const {
    const std::string_view bytes = ContentOf(table);
    if (offset >= bytes.size()) return {};
    const std::string_view rest = bytes.substr(offset);
    return rest.substr(0, rest.find('\0'));
  }

  const std::string content_;
  std::vector<Elf64_Shdr> sections_;
  Elf64_Shdr names_ = {};
};

}  // namespace

bool ObjectNeeds::Has(const std::vector<std::string>& list,
                      std::string_view beginning) {
  return std::any_of(list.begin(), list.end(), [&](const std::string& name) {
    return name.starts_with(beginning);
  });
}

ObjectNeeds ReadNeeds(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream content;
  content << in.rdbuf();
  const ElfFile file(std::move(content).str());
  ObjectNeeds needs;
  for (const Elf64_Shdr& section : file.sections()) {
    if (section.sh_type == SHT_DYNAMIC) {
      for (const auto& entry : file.EntriesOf<Elf64_Dyn>(section)) {
        if (entry.d_tag != DT_NEEDED) continue;
        needs.libraries.emplace_back(
            file.LinkedString(section, entry.d_un.d_val));
      }
    }
    if (section.sh_type == SHT_DYNSYM) {
      for (const auto& symbol : file.EntriesOf<Elf64_Sym>(section)) {
        if (symbol.st_shndx != SHN_UNDEF) continue;
        if (ELF64_ST_BIND(symbol.st_info) != STB_GLOBAL) continue;
        needs.symbols.emplace_back(file.LinkedString(section, symbol.st_name));
      }
    }
    if (file.NameOf(section) != ".comment") continue;
    std::string_view rest = file.ContentOf(section);
    while (!rest.empty()) {
      const std::string_view compiler = rest.substr(0, rest.find('\0'));
      if (!compiler.empty()) needs.compilers.emplace_back(compiler);
      rest.remove_prefix(std::min(rest.size(), compiler.size() + 1));
    }
  }
  return needs;
}

}  // namespace eptdiff
