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
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "fuzzers/command/lint/text_image.h"
#include "fuzzers/command/words/bit_words.h"
#include "fuzzers/command/words/word_list.h"

namespace eptdiff {
namespace {

constexpr std::size_t kPageBytes = sizeof(TablePage);

// LiME, version 1: before each range of memory.
struct LimeHeader {
  std::uint32_t magic;
  std::uint32_t version;
  std::uint64_t first, last;  // host-physical, both in the range
  std::uint64_t reserved;
};
static_assert(sizeof(LimeHeader) == 32);
constexpr std::uint32_t kLimeMagic = 0x4c694d45;

// Dumps whose pages are compressed or left out: what they begin with, what they
// are, and how to have another.
struct OtherFormat {
  const char* magic;
  const char* words;
};
constexpr OtherFormat kOtherFormats[] = {
    {"KDUMP   ",
     "a kdump-compressed dump, which is not read: have dump-guest-memory write "
     "it without -z, -l or -s, or makedumpfile with -E, as an ELF file"},
    {"makedumpfile",
     "a kdump-compressed dump as it is sent over a pipe (makedumpfile -F, "
     "dump-guest-memory -z), which is not read: have dump-guest-memory write "
     "it without -z, -l or -s, as an ELF file"},
    {"DISKDUMP",
     "a diskdump, which is not read: have the memory as an ELF file"},
    {"PAGEDU64",
     "a Windows crash dump, which is not read: have dump-guest-memory write it "
     "without -w, as an ELF file"},
    {"QEVM",
     "a saved state of QEMU, which is not read: use dump-guest-memory or "
     "pmemsave on the running guest"},
    {"QFI\xfb",
     "a disk image of QEMU, which is not memory: use dump-guest-memory or "
     "pmemsave on the running guest"},
};

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

  const absl::string_view content(reinterpret_cast<const char*>(image.file_),
                                  image.bytes_);
  const bool guesses = format == Format::kGuess;
  for (const OtherFormat& other : kOtherFormats) {
    if (guesses && absl::StartsWith(content, other.magic)) {
      return Bad(path, absl::StrCat("it is ", other.words));
    }
  }
  std::uint32_t magic = 0;
  std::memcpy(&magic, image.file_, std::min(sizeof(magic), image.bytes_));
  const bool lime = magic == kLimeMagic;
  if (format == Format::kLime && !lime) return Bad(path, "it is no LiME image");
  if (lime && (guesses || format == Format::kLime)) {
    if (absl::Status s = image.AddLimeParts(path); !s.ok()) return s;
    return image;
  }
  if (format == Format::kText || (guesses && IsTextImage(content))) {
    if (absl::Status s = image.AddTextPages(path); !s.ok()) return s;
    return image;
  }
  const bool elf =
      image.bytes_ >= SELFMAG && std::memcmp(image.file_, ELFMAG, SELFMAG) == 0;
  if (format == Format::kElf && !elf) return Bad(path, "it is no ELF file");
  if (elf && (guesses || format == Format::kElf)) {
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
  std::uint64_t missing = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    Elf64_Phdr segment;
    std::memcpy(&segment, file_ + header.e_phoff + i * sizeof(segment),
                sizeof(segment));
    if (segment.p_type != PT_LOAD) continue;
    const std::uint64_t left =
        segment.p_offset >= bytes_ ? 0 : bytes_ - segment.p_offset;
    const std::uint64_t bytes = std::min<std::uint64_t>(segment.p_filesz, left);
    missing += segment.p_filesz - bytes;
    if (bytes == 0) continue;
    parts_.push_back({segment.p_paddr, segment.p_offset, bytes});
  }
  if (parts_.empty()) return Bad(path, "the ELF file has no memory in it");
  words_ = absl::StrCat("ELF core, ", SortedParts("segment", missing));
  return absl::OkStatus();
}

absl::Status MemoryImage::AddLimeParts(const std::string& path) {
  std::uint64_t missing = 0;
  std::string end;
  for (std::uint64_t at = 0; at < bytes_;) {
    LimeHeader header;
    if (bytes_ - at < sizeof(header)) break;  // cut short
    std::memcpy(&header, file_ + at, sizeof(header));
    if (header.magic != kLimeMagic || header.version != 1 ||
        header.last < header.first ||
        header.last - header.first == ~std::uint64_t{0}) {
      if (parts_.empty()) {
        return Bad(path, "its LiME header is none of version 1");
      }
      end = absl::StrCat("; at byte ", at,
                         " of the file there is no header: "
                         "what follows is not read");
      break;
    }
    at += sizeof(header);
    const std::uint64_t bytes = header.last - header.first + 1;
    const std::uint64_t there = std::min<std::uint64_t>(bytes, bytes_ - at);
    missing += bytes - there;
    if (there != 0) parts_.push_back({header.first, at, there});
    at += there;
  }
  if (parts_.empty()) return Bad(path, "the LiME image has no memory in it");
  words_ = absl::StrCat("LiME, ", SortedParts("range", missing), end);
  return absl::OkStatus();
}

absl::Status MemoryImage::AddTextPages(const std::string& path) {
  TextImage text = ReadTextImage(
      absl::string_view(reinterpret_cast<const char*>(file_), bytes_));
  if (text.too_many) {
    return Bad(path, absl::StrCat("its words lie in more than ", kMostTextPages,
                                  " pages: give it as a raw image"));
  }
  if (text.pages.empty()) {
    return Bad(path,
               "no line of it is an address and 64-bit words, as in "
               "\"0x1000: 0x0000000000002007 0x0000000000000000\"");
  }
  pages_ = std::move(text.pages);
  words_ = absl::StrCat("text, ", Counted(text.words, "word"), " in ",
                        Counted(pages_.size(), "page"),
                        "; words that it does not have are taken for 0");
  if (text.unread != 0) {
    absl::StrAppend(&words_, "; ", Counted(text.unread, "line"),
                    " not understood, the first is line ", text.first_unread);
  }
  return absl::OkStatus();
}

std::string MemoryImage::SortedParts(const char* what, std::uint64_t missing) {
  std::sort(parts_.begin(), parts_.end(),
            [](const Part& a, const Part& b) { return a.address < b.address; });
  std::uint64_t there = 0;
  for (const Part& part : parts_) there += part.bytes;
  return absl::StrCat(Counted(parts_.size(), what), ", ", there, " bytes",
                      missing == 0 ? ""
                                   : absl::StrCat("; cut short: ", missing,
                                                  " more are not in "
                                                  "the file"));
}

MemoryImage::MemoryImage(MemoryImage&& other) noexcept
    : file_(std::exchange(other.file_, nullptr)),
      bytes_(other.bytes_),
      parts_(std::move(other.parts_)),
      pages_(std::move(other.pages_)),
      words_(std::move(other.words_)) {}

MemoryImage::~MemoryImage() {
  if (file_ != nullptr) munmap(const_cast<unsigned char*>(file_), bytes_);
}

bool MemoryImage::Read(Hpa address, TablePage& page) const {
  if (const auto found = pages_.find(address.value); found != pages_.end()) {
    page = found->second;
    return true;
  }
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
