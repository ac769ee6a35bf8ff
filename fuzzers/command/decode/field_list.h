// Fields of a decoding, one after the other. Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_DECODE_FIELD_LIST_H_
#define EPTDIFF_FUZZERS_COMMAND_DECODE_FIELD_LIST_H_

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "fuzzers/command/decode/decoding.h"
#include "fuzzers/command/words/word_list.h"
#include "oracle/rules.h"

namespace eptdiff {

// "QUAL-6".
inline std::string NameOf(Rule rule) {
  return std::string(InfoOf(rule).identifier);
}

// "QUAL-6, SDM table 28-7, note 3".
inline std::string SourceOf(Rule rule) {
  return NameOf(rule) + ", SDM " + std::string(InfoOf(rule).section);
}

// The field high:low of the number, which says this.
inline DecodedField& AddField(Decoding& decoding, int high, int low,
                              std::string words, std::string source) {
  return decoding.fields.emplace_back(
      DecodedField{high, low, (decoding.value & Mask(high, low)) >> low,
                   std::move(words), std::move(source)});
}

// A field for each of these bits that is 1.
inline void AddSetBits(Decoding& decoding, std::span<const BitName> names,
                       std::string_view source) {
  for (const BitName& name : names) {
    if (!Bit(decoding.value, name.bit)) continue;
    AddField(decoding, name.bit, name.bit, name.words, std::string(source));
  }
}

inline std::uint64_t BitsOf(std::span<const BitName> names) {
  std::uint64_t bits = 0;
  for (const BitName& name : names) bits |= std::uint64_t{1} << name.bit;
  return bits;
}

inline void HighestFirst(Decoding& decoding) {
  std::sort(decoding.fields.begin(), decoding.fields.end(),
            [](const DecodedField& a, const DecodedField& b) {
              return a.high > b.high;
            });
}

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_DECODE_FIELD_LIST_H_
