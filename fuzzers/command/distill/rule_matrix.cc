#include "fuzzers/command/distill/rule_matrix.h"

#include <algorithm>
#include <initializer_list>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace eptdiff {
namespace {

using Mode = GuestPagingMode;

constexpr std::uint8_t kLevels[] = {5, 4, 3, 2, 1, 0};
constexpr Dimension kDimensions[] = {Dimension::kGuestEntry, Dimension::kFinal};

// Sets of modes and levels, as bits.
constexpr unsigned Of(Mode mode) { return 1u << static_cast<unsigned>(mode); }
constexpr unsigned kPaged = Of(Mode::k32Bit) | Of(Mode::kPae) |
                            Of(Mode::kFourLevel) | Of(Mode::kFiveLevel);
constexpr unsigned kIa32e = Of(Mode::kFourLevel) | Of(Mode::kFiveLevel);
constexpr unsigned kAnyMode = kPaged | Of(Mode::kNone);
constexpr unsigned kAnyLevel = 0x3f;

bool IsGuestRule(Rule rule) { return IdentifierOf(rule).starts_with("GW-"); }

// What VM entry, VM functions and writes to registers check has to do with no
// walk.
bool IsOfControls(Rule rule) {
  const std::string_view identifier = IdentifierOf(rule);
  return identifier.starts_with("EPTP-") || identifier.starts_with("CTL-") ||
         identifier.starts_with("VMF-") || identifier.starts_with("REG-") ||
         identifier.starts_with("CACHE-");
}

unsigned ModesOf(Rule rule) {
  switch (rule) {
    case Rule::kGw2:
      return Of(Mode::k32Bit);
    case Rule::kGw3:
    case Rule::kGw17:
      return Of(Mode::kPae);
    case Rule::kGw5:
      return kPaged & ~Of(Mode::k32Bit);
    case Rule::kGw4:
    case Rule::kGw10:
    case Rule::kGw15:
    case Rule::kGw19:
    case Rule::kGw21:
    case Rule::kGw22:
    case Rule::kGw23:
      return kIa32e;
    // Nothing to verify, no guest leaf, no order of two dimensions.
    case Rule::kVio13:
    case Rule::kQual15:
    case Rule::kPri2:
      return kPaged;
    default:
      return IsGuestRule(rule) && rule != Rule::kGw1 ? kPaged : kAnyMode;
  }
}

// The levels of EPT entries that the words of a rule confine it to.
unsigned LevelsOf(Rule rule) {
  constexpr auto levels = [](std::initializer_list<unsigned> list) {
    unsigned set = 0;
    for (const unsigned level : list) set |= 1u << level;
    return set;
  };
  switch (rule) {
    case Rule::kCfg5:
      return levels({5, 4});
    case Rule::kCfg6:
    case Rule::kCfg7:
      return levels({3, 2});
    case Rule::kCfg8:
      return levels({3});
    case Rule::kCfg9:
      return levels({2});
    case Rule::kCfg4:
    case Rule::kCfg11:
    case Rule::kVio13:
      return levels({3, 2, 1});
    case Rule::kWalk1:
    case Rule::kWalk3:
    case Rule::kWalk4:
    case Rule::kVio1:
    case Rule::kCfg1:
    case Rule::kCfg2:
    case Rule::kCfg3:
    case Rule::kCfg10:
      return levels({5, 4, 3, 2, 1});
    case Rule::kWalk2:
      return levels({0, 5, 4});
    default:
      return kAnyLevel;
  }
}

// The highest level of the guest's entries; the PDPTE registers are of one.
std::uint8_t TopLevel(Mode mode) {
  if (mode == Mode::kPae) return 3;
  return static_cast<std::uint8_t>(ShapeOf(mode).levels);
}

}  // namespace

const char* ModeWords(Mode mode) {
  switch (mode) {
    case Mode::kNone:
      return "none";
    case Mode::k32Bit:
      return "32-bit";
    case Mode::kPae:
      return "PAE";
    case Mode::kFourLevel:
      return "4-level";
    case Mode::kFiveLevel:
      return "5-level";
  }
  return "?";
}

bool CanApply(Rule rule, const Situated& where) {
  if (IsOfControls(rule) || (ModesOf(rule) & Of(where.mode)) == 0) return false;
  if ((LevelsOf(rule) >> where.level & 1) == 0) return false;
  if (IsGuestRule(rule)) {
    // Its level is that of an entry of the guest; the end of the translation is
    // part of the walk.
    return rule == Rule::kGw17
               ? where.dimension == Dimension::kFinal && where.level == 0
               : where.level <= TopLevel(where.mode);
  }
  // With CR0.PG = 0 there are no guest entries, save the processor's accesses
  // to them that a step asks for by their address.
  const bool guest_entry = where.dimension == Dimension::kGuestEntry;
  if (where.mode == Mode::kNone && guest_entry) return false;
  switch (rule) {
    // Of accesses to guest paging structures alone; and never of those.
    case Rule::kVio8:
    case Rule::kVio9:
    case Rule::kVio11:
    case Rule::kAd3:
      return guest_entry;
    case Rule::kVio4:
    case Rule::kVio5:
    case Rule::kVio6:
    case Rule::kVio12:
    case Rule::kVio13:
    case Rule::kVio15:
    case Rule::kQual2:
    case Rule::kQual15:
    case Rule::kSpp1:
    case Rule::kSpp3:
    case Rule::kSpp4:
    case Rule::kSpp5:
    case Rule::kSpp6:
    case Rule::kSpp7:
    case Rule::kSpp8:
    case Rule::kVio10:
    case Rule::kPml5:
      return !guest_entry;
    default:
      return true;
  }
}

void RuleMatrix::Ask(Rule rule, Mode mode, std::size_t position) {
  cells_[static_cast<std::size_t>(rule)][static_cast<std::size_t>(mode)]
        [position]
            .asked = true;
}

void RuleMatrix::Decide(Rule rule, Mode mode, std::size_t position) {
  ++cells_[static_cast<std::size_t>(rule)][static_cast<std::size_t>(mode)]
          [position]
              .deciding;
}

const RuleMatrix::Cell& RuleMatrix::At(Rule rule, const Situated& where) const {
  return cells_[static_cast<std::size_t>(rule)][static_cast<std::size_t>(
      where.mode)][PositionOf(where.dimension, where.level)];
}

std::size_t RuleMatrix::Deciding(Rule rule, const Situated& where) const {
  return At(rule, where).deciding;
}

bool RuleMatrix::DecidedIn(Rule rule, Mode mode) const {
  const OfMode& cells =
      cells_[static_cast<std::size_t>(rule)][static_cast<std::size_t>(mode)];
  return std::any_of(cells.begin(), cells.end(),
                     [](const Cell& cell) { return cell.deciding > 0; });
}

char RuleMatrix::SignOf(Rule rule, const Situated& where) const {
  const Cell& cell = At(rule, where);
  if (cell.deciding > 0) {
    return static_cast<char>('0' + std::min(cell.deciding, 9u));
  }
  if (!CanApply(rule, where)) return '-';
  return cell.asked ? '?' : '.';
}

bool RuleMatrix::AppliesIn(Rule rule, Mode mode) const {
  if (IsOfControls(rule)) return false;
  for (const Dimension dimension : kDimensions) {
    for (const std::uint8_t level : kLevels) {
      if (SignOf(rule, {mode, dimension, level}) != '-') return true;
    }
  }
  return false;
}

std::vector<std::pair<std::string, std::string>> RuleMatrix::Legend() {
  return {{"9", "for nine or more"},
          {"?", "asked and not decided"},
          {".", "never asked"},
          {"-", "cannot apply"}};
}

std::string RuleMatrix::SituationsWords() const {
  std::size_t asked = 0;
  std::size_t decided = 0;
  std::size_t never = 0;
  for (const RuleInfo& info : kRules) {
    if (IsOfControls(info.rule)) continue;
    for (const Mode mode : kAllModes) {
      for (const Dimension dimension : kDimensions) {
        for (const std::uint8_t level : kLevels) {
          const Situated where{mode, dimension, level};
          const Cell& cell = At(info.rule, where);
          asked += cell.asked || cell.deciding > 0 ? 1 : 0;
          decided += cell.deciding > 0 ? 1 : 0;
          never += SignOf(info.rule, where) == '.' ? 1 : 0;
        }
      }
    }
  }
  return absl::StrFormat(
      "%d of %d situations that are asked are decided; %d are never asked",
      decided, asked, never);
}

std::string RuleMatrix::Text() const {
  std::string text = absl::StrFormat(
      "%-9s %-8s %-15s %s\n%-9s %-8s %-15s %s\n", "rule", "paging",
      "guest entries", "final access", "", "", "5 4 3 2 1 no", "5 4 3 2 1 no");
  for (const RuleInfo& info : kRules) {
    for (const Mode mode : kAllModes) {
      if (!AppliesIn(info.rule, mode)) continue;
      std::string line;
      for (const Dimension dimension : kDimensions) {
        for (const std::uint8_t level : kLevels) {
          line += SignOf(info.rule, {mode, dimension, level});
          line += ' ';
        }
        line += dimension == Dimension::kGuestEntry ? "    " : "";
      }
      while (line.back() == ' ') line.pop_back();
      absl::StrAppendFormat(&text, "%-9s %-8s %s\n", info.identifier,
                            ModeWords(mode), line);
    }
  }
  return absl::StrCat(text, "\n", SituationsWords(), "\n");
}

std::vector<std::string> RuleMatrix::UndecidedGuestRules() const {
  std::vector<std::string> undecided;
  for (const RuleInfo& info : kRules) {
    if (!IsGuestRule(info.rule)) continue;
    for (const Mode mode : kAllModes) {
      if ((ModesOf(info.rule) & Of(mode)) == 0) continue;
      if (DecidedIn(info.rule, mode)) continue;
      undecided.push_back(
          absl::StrCat(std::string(info.identifier), " in ", ModeWords(mode)));
    }
  }
  return undecided;
}

}  // namespace eptdiff
