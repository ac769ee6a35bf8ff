#include "fuzzers/command/page/heat_map.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "fuzzers/command/page/html.h"
#include "fuzzers/command/report/rule_description.h"
#include "fuzzers/text/view.h"
#include "oracle/editions.h"
#include "oracle/judgement/judge.h"

namespace eptdiff {
namespace {

// Levels from left to right, as the text report has them.
constexpr std::array<std::uint8_t, 6> kLevels = {5, 4, 3, 2, 1, 0};

const char* ClassOf(Heat heat) {
  switch (heat) {
    case Heat::kNone:
      return "heat-none";
    case Heat::kNever:
      return "heat-never";
    case Heat::kOpen:
      return "heat-open";
    case Heat::kBad:
      return "heat-bad";
    case Heat::kGood1:
      return "heat-1";
    case Heat::kGood2:
      return "heat-2";
    case Heat::kGood3:
      return "heat-3";
    case Heat::kGood4:
      return "heat-4";
  }
  return "";
}

std::string Id(Rule rule) {
  return absl::StrCat("rule-", View(IdentifierOf(rule)));
}

// The rule's number, as a link: the family stands before the row.
std::string Chip(const HeatRule& rule) {
  const absl::string_view identifier = View(IdentifierOf(rule.rule));
  const std::string family = FamilyOf(rule.rule);
  return Element(absl::StrCat("a class=\"chip ", ClassOf(rule.cell.heat),
                              "\" href=\"#", Id(rule.rule), "\""),
                 absl::StrCat(Element("span class=\"said\"", family + "-"),
                              identifier.substr(family.size() + 1)));
}

std::string TableOf(const HeatRule& rule) {
  std::string modes;
  std::string levels = "<th scope=\"col\">paging</th>";
  for (const char* access : {"guest entries", "other accesses"}) {
    modes += Element(
        modes.empty() ? "th scope=\"colgroup\" colspan=\"6\""
                      : "th scope=\"colgroup\" colspan=\"6\" class=\"apart\"",
        access);
    for (const std::uint8_t level : kLevels) {
      levels += Element(level == 5 && access[0] == 'o'
                            ? "th scope=\"col\" class=\"apart\""
                            : "th scope=\"col\"",
                        level == 0 ? "no" : absl::StrCat(level));
    }
  }
  std::string rows;
  for (const HeatRule::Row& row : rule.rows) {
    std::string cells = Element("th scope=\"row\"", ModeWords(row.mode));
    for (const auto dimension : {Dimension::kGuestEntry, Dimension::kFinal}) {
      for (const std::uint8_t level : kLevels) {
        const HeatCell& cell = row.cells[PositionOf(dimension, level)];
        cells +=
            Element(absl::StrCat("td class=\"", ClassOf(cell.heat),
                                 dimension == Dimension::kFinal && level == 5
                                     ? " apart\""
                                     : "\""),
                    cell.heat == Heat::kNone ? "" : Escaped(cell.sign));
      }
    }
    rows += Element("tr", cells);
  }
  return Element(
      "table class=\"heat\"",
      absl::StrCat(
          Element("caption class=\"said\"",
                  absl::StrCat(View(IdentifierOf(rule.rule)),
                               " by guest paging, access and level")),
          Element("thead", absl::StrCat(Element("tr", "<td></td>" + modes),
                                        Element("tr", levels))),
          Element("tbody", rows)));
}

std::string Card(const HeatRule& rule) {
  const RuleInfo& info = InfoOf(rule.rule);
  std::string html = absl::StrCat(
      Element("h3",
              absl::StrCat(Escaped(View(info.identifier)), " ",
                           Element("span class=\"quiet\"",
                                   Escaped(absl::StrCat(
                                       "SDM ", CitedInBoth(info.section)))))),
      Element("p", Escaped(View(info.words))));
  if (!rule.counts.empty()) {
    html += Element(
        rule.cell.heat == Heat::kBad ? "p class=\"bad\"" : "p class=\"quiet\"",
        Escaped(absl::StrJoin(rule.counts, "; ")));
  }
  if (!rule.rows.empty()) html += TableOf(rule);
  return Element(absl::StrCat("div class=\"card\" id=\"", Id(rule.rule), "\""),
                 html);
}

// Where the lines of each guest paging mode and access begin in a picture; 0:
// no rule has a situation there.
constexpr int kSquare = 6, kLeft = 84, kTop = 16;
struct Bands {
  std::array<std::array<int, 2>, kModes> at = {};
  int bottom = kTop;
};

Bands BandsOf(const std::vector<HeatRule>& rules) {
  Bands bands;
  for (const HeatRule& rule : rules) {
    for (const HeatRule::Row& row : rule.rows) {
      for (std::size_t position = 0; position < kPositions; ++position) {
        if (row.cells[position].heat == Heat::kNone) continue;
        bands.at[static_cast<std::size_t>(row.mode)][position / 6] = 1;
      }
    }
  }
  for (auto& of_mode : bands.at) {
    bool any = false;
    for (int& at : of_mode) {
      if (at == 0) continue;
      at = bands.bottom;
      bands.bottom += static_cast<int>(kLevels.size()) * kSquare;
      any = true;
    }
    if (any) bands.bottom += kSquare;
  }
  return bands;
}

// The names of the bands, with a line above each mode.
std::string BandNames(const Bands& bands, int width) {
  std::string svg;
  for (const GuestPagingMode mode : kAllModes) {
    bool first = true;
    for (const std::size_t access : {0, 1}) {
      const int at = bands.at[static_cast<std::size_t>(mode)][access];
      if (at == 0) continue;
      if (first) {
        absl::StrAppendFormat(
            &svg,
            "<path class=\"band\" d=\"M0 %dH%d\"/><text x=\"0\" "
            "y=\"%d\">%s</text>",
            at - 3, width, at + 10, ModeWords(mode));
      }
      first = false;
      absl::StrAppendFormat(
          &svg, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>",
          kLeft - 6, at + 22, access == 0 ? "guest" : "other");
    }
  }
  return svg;
}

// All situations as a picture: a column for each rule, a line for each
// situation, levels 5 to 0 in each band. Words and numbers stand for it below.
std::string Glance(const std::vector<HeatRule>& rules) {
  constexpr int kLetter = 7;
  const Bands bands = BandsOf(rules);
  std::map<Heat, std::string> squares;
  std::string texts;
  int x = kLeft;
  int room = x;  // the name of a family ends there
  std::string family;
  std::size_t shown = 0;
  for (const HeatRule& rule : rules) {
    if (rule.rows.empty()) continue;
    if (const std::string its = FamilyOf(rule.rule); its != family) {
      if (!family.empty()) x = std::max(x + kSquare, room);
      absl::StrAppendFormat(&texts, "<text x=\"%d\" y=\"%d\">%s</text>", x,
                            kTop - 5, its);
      family = its;
      room = x + kLetter * static_cast<int>(its.size() + 1);
    }
    for (const HeatRule::Row& row : rule.rows) {
      for (std::size_t position = 0; position < kPositions; ++position) {
        const Heat heat = row.cells[position].heat;
        if (heat == Heat::kNone) continue;
        const int band =
            bands.at[static_cast<std::size_t>(row.mode)][position / 6];
        absl::StrAppendFormat(
            &squares[heat], "M%d %dh5v5h-5z", x,
            band + (5 - static_cast<int>(position % 6)) * kSquare);
      }
    }
    x += kSquare;
    ++shown;
  }
  if (shown < 2) return "";
  x = std::max(x, room);
  std::string paths;
  for (const auto& [heat, path] : squares) {
    paths +=
        absl::StrFormat("<path class=\"%s\" d=\"%s\"/>", ClassOf(heat), path);
  }
  return Element(
      "div class=\"glance\" tabindex=\"0\" role=\"group\" "
      "aria-label=\"All situations at a glance\"",
      // Never so small that its names cannot be read: it is moved instead.
      Element(absl::StrFormat(
                  "svg viewBox=\"0 0 %d %d\" "
                  "style=\"min-width:%dpx;max-width:%dpx\" role=\"img\" "
                  "aria-label=\"a square for each of %d rules in each "
                  "situation; the tables below say the same\"",
                  x, bands.bottom, x * 9 / 10, x * 3 / 2, shown),
              absl::StrCat(BandNames(bands, x), paths, texts)));
}

}  // namespace

Heat HeatOf(std::uint64_t count) {
  return count >= 9   ? Heat::kGood4
         : count >= 4 ? Heat::kGood3
         : count >= 2 ? Heat::kGood2
         : count >= 1 ? Heat::kGood1
                      : Heat::kNever;
}

std::string RuleLink(Rule rule) {
  return Element(absl::StrCat("a href=\"#", Id(rule), "\""),
                 Escaped(View(IdentifierOf(rule))));
}

std::string HeatMap(const std::vector<HeatRule>& rules,
                    const std::vector<HeatLegend>& legend) {
  std::vector<std::string> families;
  std::map<std::string, std::string> chips;
  std::map<std::string, std::string> cards;
  std::set<std::string> wrong;
  std::map<std::string, std::size_t> counts;
  for (const HeatRule& rule : rules) {
    const std::string family = FamilyOf(rule.rule);
    if (!chips.contains(family)) families.push_back(family);
    chips[family] += Chip(rule);
    cards[family] += Card(rule);
    ++counts[family];
    if (rule.cell.heat == Heat::kBad) wrong.insert(family);
  }
  std::string key;
  for (const HeatLegend& entry : legend) {
    key += Element(
        "li", absl::StrCat(Element(absl::StrCat("span class=\"chip ",
                                                ClassOf(entry.cell.heat), "\""),
                                   entry.cell.heat == Heat::kNone
                                       ? ""
                                       : Escaped(entry.cell.sign)),
                           Escaped(entry.words)));
  }
  std::string glance;
  std::string folds;
  for (const std::string& family : families) {
    glance += Element("dt", family) + Element("dd", chips[family]);
    folds += Fold(
        absl::StrCat(family, " ",
                     Element("span class=\"quiet\"",
                             absl::StrCat(counts[family], " rule",
                                          counts[family] == 1 ? "" : "s"))),
        Element("div class=\"cards\"", cards[family]), wrong.contains(family));
  }
  return absl::StrCat(Glance(rules), Element("dl class=\"chips\"", glance),
                      Element("ul class=\"legend\"", key), folds);
}

}  // namespace eptdiff
