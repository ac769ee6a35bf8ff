// The circumstances of an operation, as bits: what it asked for, of what
// machine, and what was there. What sets a mistake apart may be any of them
// ("if bit 6 is 1 in what is asked for").
// Thread-safety: plain values, pure functions.
#ifndef EPTDIFF_ORACLE_BUILDER_CIRCUMSTANCES_H_
#define EPTDIFF_ORACLE_BUILDER_CIRCUMSTANCES_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace eptdiff {

// In the order in which one is named of several that fit as well.
enum class CircumstanceWord : std::uint8_t {
  kFlags,         // of the operation
  kLacks,         // bit 0: an allocation has failed in it; bit n: the nth
  kBytes,         // bit n: its region has 2^n bytes or more
  kSecondary,     // VM-execution controls
  kEptp,          // bits 11:0
  kCapabilities,  // IA32_VMX_EPT_VPID_CAP
  kHpa,           // of the operation
  kGpa,
  kThere,  // the flags of the page that was at the GPA; bit 12: there was one
  kAlignment,  // bit 21, 30, 39: the GPA is a multiple of as much
  kMeanwhile,  // bit 0: a processor comes in; bit 1: another operation does
  // Of a page with wrong bits: its entry as it is to be; bit 7: it is large.
  kPage,
};
inline constexpr std::size_t kCircumstanceWords = 12;

struct Circumstances {
  std::array<std::uint64_t, kCircumstanceWords> words = {};

  std::uint64_t& operator[](CircumstanceWord word) {
    return words[static_cast<std::size_t>(word)];
  }
  std::uint64_t operator[](CircumstanceWord word) const {
    return words[static_cast<std::size_t>(word)];
  }
};

// One bit of them, that is 1 or 0.
struct Circumstance {
  CircumstanceWord word = CircumstanceWord::kFlags;
  std::uint8_t bit = 0;
  bool value = false;

  bool Holds(const Circumstances& at) const {
    return (at[word] >> bit & 1) == static_cast<unsigned>(value);
  }
  friend bool operator==(const Circumstance&, const Circumstance&) = default;
};

// Which bits have been 1, and which have been 0, in any of many.
struct CircumstancesSeen {
  std::array<std::uint64_t, kCircumstanceWords> ones = {};
  std::array<std::uint64_t, kCircumstanceWords> zeros = {};

  void Add(const Circumstances& at) {
    for (std::size_t i = 0; i < kCircumstanceWords; ++i) {
      ones[i] |= at.words[i];
      zeros[i] |= ~at.words[i];
    }
  }
  void Add(const CircumstancesSeen& others) {
    for (std::size_t i = 0; i < kCircumstanceWords; ++i) {
      ones[i] |= others.ones[i];
      zeros[i] |= others.zeros[i];
    }
  }
  // In some of them; in all.
  bool Some(const Circumstance& one) const {
    const auto i = static_cast<std::size_t>(one.word);
    return ((one.value ? ones : zeros)[i] >> one.bit & 1) != 0;
  }
  bool All(const Circumstance& one) const {
    Circumstance other = one;
    other.value = !one.value;
    return Some(one) && !Some(other);
  }
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_CIRCUMSTANCES_H_
