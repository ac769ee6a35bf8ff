// How often an oracle's answers agreed with the SDM and how often not, by rule
// and by situation: guest paging mode, which access of the step, level.
//
// A rule has a part in each answer on which it had a consequence. A
// disagreement counts for the rules that are at fault, in the situations in
// which they had one; of the others such an answer shows nothing.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_CHECK_RULE_ANSWERS_H_
#define EPTDIFF_FUZZERS_CHECK_RULE_ANSWERS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "fuzzers/entries/guest_mode.h"
#include "oracle/case.h"
#include "oracle/reference/rule_places.h"
#include "oracle/rules.h"

namespace eptdiff {

class RuleAnswers {
 public:
  // Positions within a paging mode: 0 to 5 of accesses to guest
  // paging-structure entries, 6 to 11 of others, each by the level of the entry
  // that the rule was applied to, 0 for none.
  static constexpr std::size_t kModes = 5;
  static constexpr std::size_t kPositions = 12;

  struct Count {
    std::uint64_t agreeing = 0;
    std::uint64_t disagreeing = 0;
    std::uint64_t obscured = 0;  // wrong, and another rule is at fault
    bool any() const { return (agreeing | disagreeing | obscured) != 0; }
  };

  // An answer to `step` (null: VM entry), to a guest in this paging mode,
  // agrees; rules had a consequence in these places.
  void Agree(GuestPagingMode mode, const Step* step,
             const RulePlaces& consequences);
  // It does not, and these rules are at fault.
  void Disagree(std::span<const Rule> at_fault, GuestPagingMode mode,
                const Step* step, const RulePlaces& consequences);

  // What another has counted as well.
  void Add(const RuleAnswers& other);

  const Count& Of(Rule rule) const {
    return rules_[static_cast<std::size_t>(rule)];
  }
  const Count& At(Rule rule, GuestPagingMode mode, std::size_t position) const {
    return cells_[static_cast<std::size_t>(rule)]
                 [static_cast<std::size_t>(mode)][position];
  }

 private:
  std::array<Count, kRuleCount> rules_ = {};
  std::array<std::array<std::array<Count, kPositions>, kModes>, kRuleCount>
      cells_ = {};
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_CHECK_RULE_ANSWERS_H_
