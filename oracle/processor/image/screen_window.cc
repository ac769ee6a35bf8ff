#include "oracle/processor/image/screen_window.h"

namespace eptdiff::image {

std::optional<std::uint64_t> ReachScreen(
    std::uint64_t first, std::uint64_t bytes, int width,
    std::span<std::uint64_t, 512> directory) {
  constexpr std::uint64_t k4Gb = std::uint64_t{1} << 32;
  constexpr std::uint64_t kPage = 1 << 21;
  // Present, writable, a page; PCD alone selects UC- (3A table 12-11).
  constexpr std::uint64_t kEntry = 0x93;
  const std::uint64_t end = std::uint64_t{1} << width;
  if (bytes == 0 || first >= end || bytes > end - first) return std::nullopt;
  if (first < k4Gb && bytes <= k4Gb - first) return first;
  const std::uint64_t offset = first % kPage;
  const std::uint64_t pages = (offset + bytes + kPage - 1) / kPage;
  if (pages > directory.size()) return std::nullopt;
  for (std::uint64_t i = 0; i < pages; ++i) {
    directory[i] = (first - offset + i * kPage) | kEntry;
  }
  return k4Gb + offset;
}

}  // namespace eptdiff::image
