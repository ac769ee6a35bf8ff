// Where rules are asked: which rule, at an entry of which level, on an access
// to a guest paging-structure entry or on the final one. A fuzzer learns from
// the places that a case comes to. Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_REFERENCE_RULE_PLACES_H_
#define EPTDIFF_ORACLE_REFERENCE_RULE_PLACES_H_

#include <algorithm>
#include <array>
#include <bit>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "oracle/rules.h"

namespace eptdiff {

// How many places a rule has: two for each level, and two of no level. What VM
// entry checks concerns no entry: one.
constexpr std::size_t PlacesOf(Rule rule) {
  const std::string_view identifier = IdentifierOf(rule);
  const bool of_entry = identifier.starts_with("EPTP-") ||
                        identifier.starts_with("CTL-") ||
                        identifier.starts_with("GST-");
  return of_entry ? 1 : 6 * 2;
}
// The number of each rule's first place, and that of all places.
inline constexpr auto kFirstPlaces = [] {
  std::array<std::uint16_t, kRuleCount + 1> first = {};
  for (std::size_t i = 0; i < kRuleCount; ++i) {
    first[i + 1] =
        static_cast<std::uint16_t>(first[i] + PlacesOf(static_cast<Rule>(i)));
  }
  return first;
}();

struct RulePlace {
  Rule rule = Rule::kWalk6;
  std::uint8_t level = 0;    // 5 (PML5E) to 1 (PTE); 0: no entry is concerned
  bool guest_entry = false;  // false: the final access, or no guest paging

  static constexpr std::size_t kCount = kFirstPlaces[kRuleCount];

  // Places are numbered, below kCount, rule by rule. Of a rule that is known,
  // only the level is left to be added.
  [[gnu::always_inline]] constexpr std::size_t number() const {
    const auto place = static_cast<std::size_t>(rule);
    const std::size_t first = kFirstPlaces[place];
    return kFirstPlaces[place + 1] == first + 1
               ? first
               : first + 2u * level + guest_entry;
  }
  static constexpr RulePlace Number(std::size_t number) {
    const auto next =
        std::upper_bound(kFirstPlaces.begin(), kFirstPlaces.end(), number);
    const auto rule = static_cast<std::size_t>(next - kFirstPlaces.begin()) - 1;
    const std::size_t place = number - kFirstPlaces[rule];
    return {static_cast<Rule>(rule), static_cast<std::uint8_t>(place / 2),
            place % 2 != 0};
  }
};
static_assert(
    RulePlace::Number(RulePlace{Rule::kCfg9, 2, true}.number()).rule ==
        Rule::kCfg9 &&
    RulePlace::Number(RulePlace{Rule::kCfg9, 2, true}.number()).level == 2);
static_assert(RulePlace::Number(RulePlace{Rule::kGst11, 0}.number()).rule ==
              Rule::kGst11);

// A set of places, by their numbers.
class RulePlaces {
 public:
  void Add(std::size_t place) {
    words_[place / 64] |= std::uint64_t{1} << (place % 64);
  }
  void Add(const RulePlaces& others) {
    for (std::size_t word = 0; word < words_.size(); ++word) {
      words_[word] |= others.words_[word];
    }
  }
  void Clear() { words_.fill(0); }

  // Calls f(number) for each, in ascending order.
  template <typename F>
  void ForEach(F&& f) const {
    for (std::size_t word = 0; word < words_.size(); ++word) {
      ForEachBit(word, words_[word], f);
    }
  }
  // The same for those that are not in `known`, too.
  template <typename F>
  void ForEachNotIn(const RulePlaces& known, F&& f) const {
    for (std::size_t word = 0; word < words_.size(); ++word) {
      ForEachBit(word, words_[word] & ~known.words_[word], f);
    }
  }

  std::bitset<kRuleCount> Rules() const {
    std::bitset<kRuleCount> rules;
    ForEach([&](std::size_t place) {
      rules.set(static_cast<std::size_t>(RulePlace::Number(place).rule));
    });
    return rules;
  }

 private:
  template <typename F>
  static void ForEachBit(std::size_t word, std::uint64_t bits, F& f) {
    for (; bits != 0; bits &= bits - 1) {
      f(64 * word + static_cast<std::size_t>(std::countr_zero(bits)));
    }
  }

  std::array<std::uint64_t, (RulePlace::kCount + 63) / 64> words_ = {};
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_RULE_PLACES_H_
