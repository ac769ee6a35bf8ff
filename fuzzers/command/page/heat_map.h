// Rules as a heat map: all situations as a picture, all rules at a glance, by
// family, each a link to its own small table, by situation: guest paging mode
// down, access and level of the entry across. A cell's sign says what its
// colour says. Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_PAGE_HEAT_MAP_H_
#define EPTDIFF_FUZZERS_COMMAND_PAGE_HEAT_MAP_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "fuzzers/command/distill/rule_matrix.h"
#include "oracle/rules.h"

namespace eptdiff {

enum class Heat : std::uint8_t {
  kNone,   // cannot be
  kNever,  // can be, and never came up
  kOpen,   // came up, and nothing follows from it
  kBad,
  kGood1,  // from little ...
  kGood2,
  kGood3,
  kGood4,  // ... to much
};

// By how much there is: 1, 2 to 3, 4 to 8, or more.
Heat HeatOf(std::uint64_t count);

struct HeatCell {
  Heat heat = Heat::kNone;
  std::string sign = "-";  // as the text report has it; blank here for kNone
};

struct HeatRule {
  Rule rule = Rule::kWalk6;
  HeatCell cell;                    // as a whole
  std::vector<std::string> counts;  // "12,345 right"; about the rule
  struct Row {
    GuestPagingMode mode = GuestPagingMode::kNone;
    std::array<HeatCell, kPositions> cells;  // PositionOf()
  };
  std::vector<Row> rows;  // none: it has nothing to do with situations
};

struct HeatLegend {
  HeatCell cell;
  std::string words;
};

// `rules` in the order of the catalogue. The table of each rule has the id
// "rule-CFG-9".
std::string HeatMap(const std::vector<HeatRule>& rules,
                    const std::vector<HeatLegend>& legend);

// A link to it.
std::string RuleLink(Rule rule);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_PAGE_HEAT_MAP_H_
