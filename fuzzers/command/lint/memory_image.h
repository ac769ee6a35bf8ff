// Host-physical memory as somebody wrote it to a file: raw, or an ELF core such
// as QEMU's dump-guest-memory and /proc/vmcore give. Only what is asked for is
// read. A file that was cut short has what is left of it.
// Thread-safety: as many threads as like may read.
#ifndef EPTDIFF_FUZZERS_COMMAND_LINT_MEMORY_IMAGE_H_
#define EPTDIFF_FUZZERS_COMMAND_LINT_MEMORY_IMAGE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/types.h"

namespace eptdiff {

using TablePage = std::array<std::uint64_t, 512>;

class MemoryImage {
 public:
  enum class Format : std::uint8_t { kGuess, kRaw, kElf };

  // Of the file `path`, which begins at host-physical `first` if it is raw. An
  // ELF core is recognised by its first bytes. kInvalidArgument for a file that
  // cannot be one, kNotFound and the like for one that cannot be read.
  static absl::StatusOr<MemoryImage> Open(const std::string& path,
                                          Format format, Hpa first);

  MemoryImage(MemoryImage&& other) noexcept;
  MemoryImage& operator=(MemoryImage&&) = delete;
  ~MemoryImage();

  // The 4 KBytes at `address`, a multiple of 4 KBytes. False: not all of them
  // are in the image.
  bool Read(Hpa address, TablePage& page) const;

  // "raw, 4096 bytes at 0x1000", "ELF core, 3 segments, 2097152 bytes".
  const std::string& words() const { return words_; }

 private:
  struct Part {
    std::uint64_t address;  // host-physical
    std::uint64_t offset;   // in the file
    std::uint64_t bytes;    // that are there
  };

  MemoryImage() = default;
  absl::Status AddElfParts(const std::string& path);

  const unsigned char* file_ = nullptr;
  std::size_t bytes_ = 0;
  std::vector<Part> parts_;  // by address
  std::string words_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_LINT_MEMORY_IMAGE_H_
