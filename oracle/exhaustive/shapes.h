// The shapes of one entry: what an entry may hold, beside the frame that it
// refers to (world.h). A shape is bits 11:0, all 2^12 of them, and one of the
// patterns for bits 63:12.
// Thread-safety: pure functions.
#ifndef EPTDIFF_ORACLE_EXHAUSTIVE_SHAPES_H_
#define EPTDIFF_ORACLE_EXHAUSTIVE_SHAPES_H_

#include <cstdint>
#include <vector>

namespace eptdiff {

inline constexpr std::uint64_t kLowBits = 4096;

enum class Patterns : std::uint8_t {
  // Each control bit alone, all together, and the pairs that rules join; one
  // address bit of each class; the ignored bits.
  kFew,
  // Bits 57, 58, 60, 61 and 63 in every combination, with each class of address
  // bits; each address bit alone; the ignored bits, with no other and with all
  // control bits. Left out: control bits with more than one address bit, since
  // a reserved bit is judged before any control bit and whatever the others
  // are (29.3.3.1), and an address is copied; ignored bits one by one, since
  // one that is not ignored shows among all.
  kAll,
};

// The patterns for bits 63:12. The address bits of each: none; 12, 20, 29 (of
// 1-GByte and 2-MByte leaves reserved, or 1-GByte leaves alone); the lowest
// beyond MAXPHYADDR (bit 52, which is ignored, where none is); 51.
std::vector<std::uint64_t> HighBits(Patterns patterns, std::uint8_t maxphyaddr);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_EXHAUSTIVE_SHAPES_H_
