// What whoever started the image says: the memory that there is, the words of
// its command line, and a module. The same of multiboot 1, multiboot 2, PVH and
// the program for UEFI.
//
// Memory above 4 GBytes is not reported: the image maps none of it (boot.S),
// but for a framebuffer (screen_window.h). Thread-safety: plain values.
#ifndef EPTDIFF_ORACLE_PROCESSOR_IMAGE_BOOT_INFORMATION_H_
#define EPTDIFF_ORACLE_PROCESSOR_IMAGE_BOOT_INFORMATION_H_

#include <cstdint>
#include <span>
#include <string_view>

#include "oracle/fixed_vector.h"
#include "oracle/processor/image/screen.h"

namespace eptdiff::image {

// Bytes of memory, of which `first` is the first.
struct Range {
  std::uint64_t first = 0;
  std::uint64_t bytes = 0;
  std::uint64_t end() const { return first + bytes; }
};

inline constexpr std::size_t kMaxRanges = 64;

struct BootInformation {
  std::string_view loader = "nobody that this image knows";
  std::string_view command_line;          // empty: none
  FixedVector<Range, kMaxRanges> memory;  // RAM
  std::span<const std::uint8_t> module;   // empty: none
  bool has_text_screen = false;
  // If there is no text; no row: none either. It is not reached yet.
  std::uint64_t framebuffer_at = 0;
  Framebuffer framebuffer;
};

// `magic` and `words` as boot.S hands them on. What it returns points to where
// the loader has put it.
BootInformation ReadBootInformation(std::uint32_t magic, std::uint32_t words);

// Of the RAM below 4 GBytes that neither the image nor `boot` lies in, and
// that is not below 1 MByte: the pieces, with both ends aligned to `alignment`.
FixedVector<Range, kMaxRanges> FreeMemory(const BootInformation& boot,
                                          std::uint64_t alignment);

// Of this program's code and constants: another number later on means that
// somebody has written there.
std::uint64_t SumOfProgram();

}  // namespace eptdiff::image

#endif  // EPTDIFF_ORACLE_PROCESSOR_IMAGE_BOOT_INFORMATION_H_
