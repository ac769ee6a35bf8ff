// Random numbers that are the same everywhere: SplitMix64. A seed is a whole
// run; the standard library's distributions differ between implementations.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_ENTRIES_RANDOM_H_
#define EPTDIFF_FUZZERS_ENTRIES_RANDOM_H_

#include <cstddef>
#include <cstdint>

namespace eptdiff {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  // 64 uniform bits.
  std::uint64_t Next() {
    state_ += 0x9e3779b97f4a7c15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  // 0 to bound - 1; bound is 1 to 2^32. The bias is below 2^-32.
  std::uint32_t Below(std::uint64_t bound) {
    return static_cast<std::uint32_t>(((Next() >> 32) * bound) >> 32);
  }

  // `bits` (0 to 64) uniform bits.
  std::uint64_t Bits(unsigned bits) {
    return bits == 0 ? 0 : Next() >> (64 - bits);
  }

  // True in `percent` of 100 cases.
  bool Percent(unsigned percent) { return Below(100) < percent; }
  bool OneIn(std::uint32_t n) { return Below(n) == 0; }

  // One of the elements of a list; repeat an element to favour it.
  template <typename T, std::size_t N>
  const T& Pick(const T (&list)[N]) {
    return list[Below(N)];
  }

 private:
  std::uint64_t state_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_ENTRIES_RANDOM_H_
