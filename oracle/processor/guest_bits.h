// Bits and registers, as whoever arranges a case for a machine, and asks it,
// needs them: neither shares decoding with the reference.
// Thread-safety: pure functions.
#ifndef EPTDIFF_ORACLE_PROCESSOR_GUEST_BITS_H_
#define EPTDIFF_ORACLE_PROCESSOR_GUEST_BITS_H_

#include <cstdint>

#include "engine/types.h"

namespace eptdiff::guest_bits {

constexpr std::uint64_t Bit(int n) { return std::uint64_t{1} << n; }
constexpr bool Has(std::uint64_t value, int n) { return (value >> n & 1) != 0; }

inline constexpr std::uint64_t kPage = 4096;
inline constexpr std::uint64_t k4Gb = std::uint64_t{1} << 32;
inline constexpr std::uint64_t kFrame = 0xf'ffff'ffff'f000;

inline constexpr int kSecondaryEpt = 1;

// Registers.
inline constexpr int kCr0Pe = 0, kCr0Wp = 16, kCr0Am = 18, kCr0Pg = 31;
inline constexpr int kCr4Pae = 5, kCr4La57 = 12, kCr4Cet = 23, kCr4Pks = 24;
inline constexpr int kEferLme = 8, kEferLma = 10, kEferNxe = 11;

constexpr bool Pages(const GuestState& g) { return Has(g.cr0, kCr0Pg); }
constexpr bool InIa32e(const GuestState& g) {
  return Pages(g) && Has(g.cr4, kCr4Pae) && Has(g.efer, kEferLma);
}
constexpr bool In64Bit(const GuestState& g) { return InIa32e(g) && g.cs_l; }

constexpr int LinearWidth(const GuestState& g) {
  return Has(g.cr4, kCr4La57) ? 57 : 48;
}

// A guest-physical address has no more bits than this.
constexpr unsigned PhysicalWidth(const Processor& p) {
  return static_cast<unsigned>(p.maxphyaddr - p.keyid_bits);
}

}  // namespace eptdiff::guest_bits

#endif  // EPTDIFF_ORACLE_PROCESSOR_GUEST_BITS_H_
