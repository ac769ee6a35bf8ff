// Host-physical memory as somebody wrote it to a file: raw; an ELF core such as
// QEMU's dump-guest-memory and /proc/vmcore give; ranges as LiME writes them;
// or words as text (text_image.h). Only what is asked for is read, save of
// text. A file that was cut short has what is left of it. Thread-safety: as
// many threads as like may read.
#ifndef EPTDIFF_FUZZERS_COMMAND_LINT_MEMORY_IMAGE_H_
#define EPTDIFF_FUZZERS_COMMAND_LINT_MEMORY_IMAGE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/types.h"
#include "fuzzers/command/lint/table_page.h"

namespace eptdiff {

class MemoryImage {
 public:
  enum class Format : std::uint8_t { kGuess, kRaw, kElf, kLime, kText };

  // Of the file `path`, which begins at host-physical `first` if it is raw. The
  // other formats are recognised by their first bytes. kInvalidArgument for a
  // file that cannot be one, with what to do about it for dumps that are
  // compressed; kNotFound and the like for one that cannot be read.
  static absl::StatusOr<MemoryImage> Open(const std::string& path,
                                          Format format, Hpa first);

  MemoryImage(MemoryImage&& other) noexcept;
  MemoryImage& operator=(MemoryImage&&) = delete;
  ~MemoryImage();

  // The 4 KBytes at `address`, a multiple of 4 KBytes. False: not all of them
  // are in the image.
  bool Read(Hpa address, TablePage& page) const;

  // "raw, 4096 bytes at 0x1000", "ELF core, 3 segments, 2097152 bytes"; and
  // what of the file is missing.
  const std::string& words() const { return words_; }

 private:
  struct Part {
    std::uint64_t address;  // host-physical
    std::uint64_t offset;   // in the file
    std::uint64_t bytes;    // that are there
  };

  MemoryImage() = default;
  absl::Status AddElfParts(const std::string& path);
  absl::Status AddLimeParts(const std::string& path);
  absl::Status AddTextPages(const std::string& path);
  // Sorts the parts; "3 segments, 4096 bytes", with what was cut off.
  std::string SortedParts(const char* what, std::uint64_t missing);

  const unsigned char* file_ = nullptr;
  std::size_t bytes_ = 0;
  std::vector<Part> parts_;                   // by address
  std::map<std::uint64_t, TablePage> pages_;  // of text, in place of parts
  std::string words_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_LINT_MEMORY_IMAGE_H_
