// Where the image reaches a framebuffer. Memory below 4 GBytes is mapped one to
// one (boot.S); one that lies beyond, as the base address register of 64 bits
// of a graphics card may have it, gets a page directory of its own, for linear
// addresses from 4 GBytes on.
// Thread-safety: pure functions.
#ifndef EPTDIFF_ORACLE_PROCESSOR_IMAGE_SCREEN_WINDOW_H_
#define EPTDIFF_ORACLE_PROCESSOR_IMAGE_SCREEN_WINDOW_H_

#include <cstdint>
#include <optional>
#include <span>

namespace eptdiff::image {

// The linear address of `bytes` bytes of physical memory from `first` on, once
// `directory` maps the GByte after the fourth; what it maps is filled in as far
// as it is needed. None if no table could map that: a physical address has
// `width` bits, and 2 MBytes are a page. Never cached, whatever the MTRRs say;
// where these say WC it is that.
std::optional<std::uint64_t> ReachScreen(
    std::uint64_t first, std::uint64_t bytes, int width,
    std::span<std::uint64_t, 512> directory);

}  // namespace eptdiff::image

#endif  // EPTDIFF_ORACLE_PROCESSOR_IMAGE_SCREEN_WINDOW_H_
