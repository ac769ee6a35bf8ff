// Where rules are asked: which rule, at an entry of which level, on an access
// to a guest paging-structure entry or on the final one. A fuzzer learns from
// the places that a case comes to. Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_REFERENCE_RULE_PLACES_H_
#define EPTDIFF_ORACLE_REFERENCE_RULE_PLACES_H_

#include <array>
#include <bit>
#include <bitset>
#include <cstddef>
#include <cstdint>

#include "oracle/rules.h"

namespace eptdiff {

// What VM entry checks (EPTP-, CTL-, GST-) concerns no entry; those rules stand
// first in the catalogue.
inline constexpr std::size_t kEntryRuleCount =
    static_cast<std::size_t>(Rule::kWalk1);

struct RulePlace {
  Rule rule = Rule::kWalk6;
  std::uint8_t level = 0;    // 5 (PML5E) to 1 (PTE); 0: no entry is concerned
  bool guest_entry = false;  // false: the final access, or no guest paging

  // A rule that VM entry checks has one place; any other two for each level,
  // and two of no level.
  static constexpr std::size_t kOfOneRule = 6 * 2;
  static constexpr std::size_t kCount =
      kEntryRuleCount + kOfOneRule * (kRuleCount - kEntryRuleCount);

  // Places are numbered, below kCount, rule by rule. Of a rule that is known,
  // only the level is left to be added.
  [[gnu::always_inline]] constexpr std::size_t number() const {
    const auto place = static_cast<std::size_t>(rule);
    if (place < kEntryRuleCount) return place;
    return kEntryRuleCount + kOfOneRule * (place - kEntryRuleCount) +
           2u * level + guest_entry;
  }
  static constexpr RulePlace Number(std::size_t number) {
    if (number < kEntryRuleCount) return {static_cast<Rule>(number)};
    const std::size_t beyond = number - kEntryRuleCount;
    const std::size_t place = beyond % kOfOneRule;
    return {static_cast<Rule>(kEntryRuleCount + beyond / kOfOneRule),
            static_cast<std::uint8_t>(place / 2), place % 2 != 0};
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
