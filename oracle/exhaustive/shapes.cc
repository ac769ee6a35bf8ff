#include "oracle/exhaustive/shapes.h"

#include <algorithm>

namespace eptdiff {
namespace {

constexpr std::uint64_t Bit(int position) {
  return std::uint64_t{1} << position;
}

// Verify, paging-write, supervisor shadow stack, sub-page, suppress #VE.
constexpr int kControlBits[] = {57, 58, 60, 61, 63};
constexpr std::uint64_t kIgnored =
    Bit(52) | Bit(53) | Bit(54) | Bit(55) | Bit(56) | Bit(59) | Bit(62);

std::uint64_t ControlBits(unsigned chosen) {
  std::uint64_t bits = 0;
  for (int i = 0; i < 5; ++i) {
    if (chosen >> i & 1) bits |= Bit(kControlBits[i]);
  }
  return bits;
}
constexpr unsigned kEveryControlBit = 31;

}  // namespace

std::vector<std::uint64_t> HighBits(Patterns patterns,
                                    std::uint8_t maxphyaddr) {
  const std::uint64_t address_bits[] = {0,       Bit(12),         Bit(20),
                                        Bit(29), Bit(maxphyaddr), Bit(51)};
  std::vector<std::uint64_t> all;
  if (patterns == Patterns::kFew) {
    all.assign(std::begin(address_bits), std::end(address_bits));
    for (const int bit : kControlBits) all.push_back(Bit(bit));
    all.push_back(Bit(58) | Bit(61));
    all.push_back(ControlBits(kEveryControlBit));
    all.push_back(kIgnored);
  } else {
    for (const std::uint64_t address : address_bits) {
      for (unsigned control = 0; control <= kEveryControlBit; ++control) {
        all.push_back(address | ControlBits(control));
      }
    }
    for (int bit = 12; bit < 52; ++bit) all.push_back(Bit(bit));
    all.push_back(kIgnored);
    all.push_back(kIgnored | ControlBits(kEveryControlBit));
  }
  // Each once, in the order in which they came.
  std::vector<std::uint64_t> once;
  for (const std::uint64_t bits : all) {
    if (std::find(once.begin(), once.end(), bits) == once.end()) {
      once.push_back(bits);
    }
  }
  return once;
}

}  // namespace eptdiff
