// Bits by position, as the SDM's tables name them. Thread-safety: pure.
#ifndef EPTDIFF_ORACLE_REFERENCE_RULES_BITS_H_
#define EPTDIFF_ORACLE_REFERENCE_RULES_BITS_H_

#include <cstdint>

namespace eptdiff::sdm {

// Bit `position` of `value`.
constexpr bool Bit(std::uint64_t value, int position) {
  return (value >> position) & 1;
}

// Bits high:low of `value`, shifted down; 0 if high < low.
constexpr std::uint64_t Bits(std::uint64_t value, int high, int low) {
  if (high < low) return 0;
  return value >> low & ~std::uint64_t{0} >> (63 - (high - low));
}

// Bits high:low of `value` where they stand, all others 0.
constexpr std::uint64_t Field(std::uint64_t value, int high, int low) {
  return Bits(value, high, low) << low;
}

// Those of CR4 that no feature has (3A 2.5).
constexpr bool HasReservedBitOfCr4(std::uint64_t value) {
  return Bits(value, 63, 33) != 0 || Bits(value, 31, 29) != 0 ||
         Bit(value, 26) || Bit(value, 15);
}

}  // namespace eptdiff::sdm

#endif  // EPTDIFF_ORACLE_REFERENCE_RULES_BITS_H_
