// Words for the bits of a value, one after the other; and for numbers.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_WORDS_WORD_LIST_H_
#define EPTDIFF_FUZZERS_COMMAND_WORDS_WORD_LIST_H_

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"

namespace eptdiff {

using Words = std::vector<std::string>;

struct BitName {
  int bit;
  const char* words;
};

constexpr bool Bit(std::uint64_t value, int bit) { return value >> bit & 1; }
// Bits high:low; none if high < low.
constexpr std::uint64_t Mask(int high, int low) {
  return high < low ? 0 : (~std::uint64_t{0} >> (63 - high)) >> low << low;
}

// The name of a bit; "" if it has none.
constexpr const char* BitWords(std::span<const BitName> names, int bit) {
  for (const BitName& name : names) {
    if (name.bit == bit) return name.words;
  }
  return "";
}

// The names of those bits that `value` has.
inline void Append(Words& words, std::uint64_t value,
                   std::span<const BitName> names) {
  for (const BitName& name : names) {
    if (Bit(value, name.bit)) words.push_back(name.words);
  }
}

inline void Append(Words& words, std::uint64_t value,
                   std::initializer_list<BitName> names) {
  Append(words, value, std::span(names.begin(), names.size()));
}

// The same of these bits alone, in the order of `names`.
inline void Append(Words& words, std::uint64_t value,
                   std::span<const BitName> names,
                   std::initializer_list<int> bits) {
  std::uint64_t mask = 0;
  for (const int bit : bits) mask |= std::uint64_t{1} << bit;
  Append(words, value & mask, names);
}

// "12,345".
std::string Grouped(std::uint64_t number);

// "1 case", "2 cases".
std::string Counted(std::uint64_t count, const char* what);

inline std::string Joined(const Words& words, const char* none) {
  return words.empty() ? none : absl::StrJoin(words, ", ");
}

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_WORDS_WORD_LIST_H_
