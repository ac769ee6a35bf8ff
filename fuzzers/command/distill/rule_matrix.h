// Rules by situation: guest paging mode, which of the two dimensions of a walk,
// level. A rule that is right in one of them may be wrong in the next, so a
// corpus should decide each of them.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_COMMAND_DISTILL_RULE_MATRIX_H_
#define EPTDIFF_FUZZERS_COMMAND_DISTILL_RULE_MATRIX_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "fuzzers/entries/guest_mode.h"
#include "oracle/rules.h"

namespace eptdiff {

// Which accesses of a step: those to guest paging-structure entries, or the one
// to what is asked for.
enum class Dimension : std::uint8_t { kGuestEntry, kFinal };

// A situation. `level` is that of the entry that the rule was applied to, of
// EPT or, for what the guest's paging says, of the guest; 0: no entry.
struct Situated {
  GuestPagingMode mode = GuestPagingMode::kNone;
  Dimension dimension = Dimension::kFinal;
  std::uint8_t level = 0;
};

inline constexpr GuestPagingMode kAllModes[] = {
    GuestPagingMode::kNone, GuestPagingMode::k32Bit, GuestPagingMode::kPae,
    GuestPagingMode::kFourLevel, GuestPagingMode::kFiveLevel};
inline constexpr std::size_t kModes = std::size(kAllModes);
inline constexpr std::size_t kPositions = 12;  // dimension and level
constexpr std::size_t PositionOf(Dimension dimension, std::size_t level) {
  return static_cast<std::size_t>(dimension) * 6 + level;
}

// Whether a rule can have a say there, as far as the rule itself tells.
bool CanApply(Rule rule, const Situated& where);

class RuleMatrix {
 public:
  // A case asks the rule there; a case decides it there.
  void Ask(Rule rule, GuestPagingMode mode, std::size_t position);
  void Decide(Rule rule, GuestPagingMode mode, std::size_t position);

  std::size_t Deciding(Rule rule, const Situated& where) const;
  // In any dimension, at any level.
  bool DecidedIn(Rule rule, GuestPagingMode mode) const;

  // The number of cases that decide the rule there ('9': or more), '?' where it
  // is asked only, '.' where it is not, '-' where it cannot apply.
  char SignOf(Rule rule, const Situated& where) const;
  // Whether a rule has any sign but '-' in a mode.
  bool AppliesIn(Rule rule, GuestPagingMode mode) const;
  // What the signs mean.
  static std::vector<std::pair<std::string, std::string>> Legend();

  // A line of signs for each rule and mode, and SituationsWords().
  std::string Text() const;
  // "12 of 13 situations that are asked are decided; 4 are never asked".
  std::string SituationsWords() const;

  // "GW-9 in PAE": the rules of guest paging and the modes in which they apply
  // and no case decides them.
  std::vector<std::string> UndecidedGuestRules() const;

 private:
  struct Cell {
    std::uint32_t deciding = 0;
    bool asked = false;
  };
  using OfMode = std::array<Cell, kPositions>;
  using OfRule = std::array<OfMode, kModes>;

  const Cell& At(Rule rule, const Situated& where) const;

  std::array<OfRule, kRuleCount> cells_ = {};
};

// "4-level".
const char* ModeWords(GuestPagingMode mode);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_DISTILL_RULE_MATRIX_H_
