#include "fuzzers/command/lint/memory_image.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "fuzzers/command/words/bit_words.h"

namespace eptdiff {
namespace {

constexpr std::size_t kPageBytes = sizeof(TablePage);

absl::Status Bad(const std::string& path, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", what));
}

}  // namespace

absl::StatusOr<MemoryImage> MemoryImage::Open(const std::string& path,
                                              Format format, Hpa first) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", path));
  }
  const absl::Cleanup close_file = [file] { close(file); };
  struct stat info;
  if (fstat(file, &info) != 0) return absl::ErrnoToStatus(errno, path);
  if (S_ISDIR(info.st_mode)) return Bad(path, "it is a directory");
  if (!S_ISREG(info.st_mode)) return Bad(path, "it is no regular file");
  if (info.st_size == 0) return Bad(path, "it is empty");
  MemoryImage image;
  image.bytes_ = static_cast<std::size_t>(info.st_size);
  void* mapped = mmap(nullptr, image.bytes_, PROT_READ, MAP_PRIVATE, file, 0);
  if (mapped == MAP_FAILED) return absl::ErrnoToStatus(errno, path);
  image.file_ = static_cast<const unsigned char*>(mapped);

  const bool elf =
      image.bytes_ >= SELFMAG && std::memcmp(image.file_, ELFMAG, SELFMAG) == 0;
  if (format == Format::kElf && !elf) return Bad(path, "it is no ELF file");
  if (elf && format != Format::kRaw) {
    if (absl::Status s = image.AddElfParts(path); !s.ok()) return s;
    return image;
  }
  image.parts_.push_back({first.value, 0, image.bytes_});
  image.words_ = absl::StrCat("raw, ", image.bytes_, " bytes at ",
                              Hexadecimal(first.value));
  return image;
}

// A header may say anything: each number is held against the file.
absl::Status MemoryImage::AddElfParts(const std::string& path) {
  Elf64_Ehdr header;
  if (bytes_ < sizeof(header)) return Bad(path, "the ELF header is cut short");
  std::memcpy(&header, file_, sizeof(header));
  if (header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_ident[EI_DATA] != ELFDATA2LSB ||
      header.e_phentsize != sizeof(Elf64_Phdr)) {
    return Bad(path, "it is no little-endian ELF file of 64 bits");
  }
  std::uint64_t count = header.e_phnum;
  if (count == PN_XNUM) {
    Elf64_Shdr section;
    if (header.e_shoff > bytes_ - sizeof(section) || bytes_ < sizeof(section)) {
      return Bad(path, "the ELF file has no first section header");
    }
    std::memcpy(&section, file_ + header.e_shoff, sizeof(section));
    count = section.sh_info;
  }
  if (header.e_phoff > bytes_ ||
      count > (bytes_ - header.e_phoff) / sizeof(Elf64_Phdr)) {
    return Bad(path, "the ELF program headers are not in the file");
  }
  std::uint64_t there = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    Elf64_Phdr segment;
    std::memcpy(&segment, file_ + header.e_phoff + i * sizeof(segment),
                sizeof(segment));
    if (segment.p_type != PT_LOAD || segment.p_offset >= bytes_) continue;
    const std::uint64_t bytes =
        std::min<std::uint64_t>(segment.p_filesz, bytes_ - segment.p_offset);
    if (bytes == 0) continue;
    parts_.push_back({segment.p_paddr, segment.p_offset, bytes});
    there += bytes;
  }
  if (parts_.empty()) return Bad(path, "the ELF file has no memory in it");
  std::sort(parts_.begin(), parts_.end(),
            [](const Part& a, const Part& b) { return a.address < b.address; });
  words_ = absl::StrCat("ELF core, ", parts_.size(),
                        parts_.size() == 1 ? " segment, " : " segments, ",
                        there, " bytes");
  return absl::OkStatus();
}

MemoryImage::MemoryImage(MemoryImage&& other) noexcept
    : file_(std::exchange(other.file_, nullptr)),
      bytes_(other.bytes_),
      parts_(std::move(other.parts_)),
      words_(std::move(other.words_)) {}

MemoryImage::~MemoryImage() {
  if (file_ != nullptr) munmap(const_cast<unsigned char*>(file_), bytes_);
}

bool MemoryImage::Read(Hpa address, TablePage& page) const {
  // The last part that does not begin behind it.
  auto part = std::upper_bound(
      parts_.begin(), parts_.end(), address.value,
      [](std::uint64_t at, const Part& p) { return at < p.address; });
  if (part == parts_.begin()) return false;
  --part;
  const std::uint64_t within = address.value - part->address;
  if (within >= part->bytes || part->bytes - within < kPageBytes) return false;
  std::memcpy(page.data(), file_ + part->offset + within, kPageBytes);
  return true;
}

}  // namespace eptdiff
