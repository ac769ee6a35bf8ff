#include "fuzzers/command/page/power_page.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fuzzers/command/page/chart.h"
#include "fuzzers/command/page/html.h"
#include "fuzzers/command/report/power_report.h"
#include "fuzzers/command/words/word_list.h"
#include "fuzzers/power/knock_outs.h"
#include "fuzzers/text/view.h"
#include "oracle/reference/dialect.h"
#include "oracle/reference/dialects/known_dialects.h"

namespace eptdiff {
namespace {

Curve CurveOf(const char* name, const PowerResult& result, bool seconds,
              double least, std::size_t alterations) {
  std::vector<double> at;
  for (const auto& [alteration, noticed] : result.noticed) {
    at.push_back(seconds ? noticed.seconds
                         : static_cast<double>(noticed.executions));
  }
  std::sort(at.begin(), at.end());
  Curve curve;
  curve.name = name;
  curve.steps = true;
  curve.points.emplace_back(least, 0);
  double share = 0;
  for (std::size_t i = 0; i < at.size(); ++i) {
    share = static_cast<double>(i + 1) / static_cast<double>(alterations);
    curve.points.emplace_back(at[i], share);
  }
  curve.points.emplace_back(
      seconds ? result.seconds : static_cast<double>(result.executions), share);
  return curve;
}

std::vector<Chart> ChartsOf(std::size_t alterations,
                            const PowerResults& results) {
  const PowerResult& s = results.structured;
  const PowerResult& b = results.baseline;
  std::vector<Chart> charts;
  for (const bool seconds : {false, true}) {
    const double least = seconds ? 1e-4 : 1;
    Chart& chart = charts.emplace_back();
    chart.title =
        absl::StrCat("Share of ", alterations, " alterations noticed, by ",
                     seconds ? "seconds" : "executions");
    chart.x = seconds ? LogarithmicAxis("seconds", least,
                                        std::max({s.seconds, b.seconds, 10.0}))
                      : LogarithmicAxis(
                            "executions", least,
                            std::max(10.0, static_cast<double>(std::max(
                                               s.executions, b.executions))));
    chart.y.percent = true;
    for (const auto& [name, result] :
         {std::pair("structured mutators", &s),
          std::pair("libFuzzer's byte mutators", &b)}) {
      chart.curves.push_back(CurveOf(name, *result, seconds, least,
                                     std::max<std::size_t>(alterations, 1)));
    }
    chart.words = absl::StrFormat(
        "the share of alterations noticed over %s: with structured mutators "
        "%.1f %% at the end, with libFuzzer's own %.1f %%",
        chart.x.words, 100 * chart.curves[0].points.back().second,
        100 * chart.curves[1].points.back().second);
  }
  return charts;
}

std::vector<TableCell> Heads(const char* first) {
  return {{first}, {"structured", "number"}, {"bytes", "number"}};
}

std::string FiguresHtml(const std::vector<std::string>& alterations,
                        const PowerResults& results) {
  std::vector<std::vector<TableCell>> rows;
  for (const PowerRow& row : PowerFigures(alterations, results)) {
    rows.push_back({{Escaped(row.name)},
                    {Escaped(row.structured), "number"},
                    {Escaped(row.bytes), "number"}});
  }
  return TableOf("short", "Figures", Heads(""), rows);
}

// Where a number of executions lies between one and the cap, in powers of ten.
double ShareOf(std::uint64_t executions, std::uint64_t cap) {
  return std::log10(
             static_cast<double>(std::max<std::uint64_t>(executions, 1)) + 1) /
         std::log10(static_cast<double>(std::max<std::uint64_t>(cap, 1)) + 1);
}

TableCell CellOf(const std::string& alteration, const PowerResult& result) {
  const bool noticed = result.noticed.contains(alteration);
  const std::string words = noticed
                                ? Grouped(ExecutionsUntil(alteration, result))
                                : ExecutionsWords(alteration, result);
  return {absl::StrCat(words, Bar(ShareOf(ExecutionsUntil(alteration, result),
                                          result.cap),
                                  !noticed)),
          noticed ? "number" : "number bad"};
}

// By family of rules, what took longest first.
std::string AlterationsHtml(const std::vector<std::string>& alterations,
                            const PowerResults& results) {
  std::map<std::string, std::string> words;
  for (const Alteration& alteration : AllAlterations()) {
    words[std::string(alteration.name)] = std::string(alteration.words);
  }
  std::vector<std::string> families;
  std::map<std::string, std::vector<std::string>> of_family;
  for (const std::string& alteration : alterations) {
    const std::string family = alteration.substr(0, alteration.find('-'));
    if (!of_family.contains(family)) families.push_back(family);
    of_family[family].push_back(alteration);
  }
  std::string html;
  for (const std::string& family : families) {
    std::vector<std::string>& its = of_family[family];
    const auto rank = [&](const std::string& name) {
      return std::pair(~ExecutionsUntil(name, results.structured), name);
    };
    std::sort(its.begin(), its.end(),
              [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
    const PowerSummary summary = Summarise(its, results.structured);
    std::vector<std::vector<TableCell>> rows;
    for (const std::string& name : its) {
      rows.push_back(
          {{absl::StrCat(Escaped(name),
                         Element("p class=\"quiet\"", Escaped(words[name])))},
           CellOf(name, results.structured),
           CellOf(name, results.baseline)});
    }
    const bool all = summary.noticed == summary.alterations;
    html += Fold(
        absl::StrCat(
            family, " ",
            Element(all ? "span class=\"quiet\"" : "span class=\"bad\"",
                    absl::StrCat(summary.noticed, " of ", summary.alterations)),
            " ",
            Element("span class=\"quiet\"",
                    absl::StrCat("median ", Grouped(summary.median), ", worst ",
                                 Grouped(summary.worst)))),
        TableOf("power", family, Heads("alteration"), rows));
  }
  return html;
}

std::string EquivalentHtml() {
  std::string items;
  for (const Equivalent& e : EquivalentAlterations()) {
    items += Element("dt", Escaped(View(e.alteration))) +
             Element("dd", Escaped(View(e.proof)));
  }
  return absl::StrCat(Element("p", Escaped(kEquivalentWords)),
                      Element("dl", items));
}

}  // namespace

std::string PowerPage(const std::vector<std::string>& alterations,
                      const PowerResults& results) {
  const PowerSummary s = Summarise(alterations, results.structured);
  PageHead head;
  head.command = "eptdiff power";
  head.title = "How soon altered rules are noticed";
  head.bad = s.noticed < s.alterations;
  head.verdict =
      absl::StrCat(s.noticed, " of ", s.alterations, " alterations noticed");
  for (const PowerRow& row : PowerFigures(alterations, results)) {
    head.figures.push_back({row.structured, row.name});
  }
  std::vector<std::string> missed;
  for (const std::string& alteration : alterations) {
    if (results.structured.noticed.contains(alteration)) continue;
    missed.push_back(alteration);
  }
  std::string charts;
  for (const Chart& chart : ChartsOf(alterations.size(), results)) {
    charts += ChartHtml(chart);
  }
  return HtmlPage(
      "eptdiff power",
      HeadHtml(head) +
          SectionsHtml(
              {{"figures", "Figures", FiguresHtml(alterations, results)},
               {"time", "The distribution",
                Element("div class=\"charts\"", charts)},
               {"missed", "Not noticed with structured mutators",
                NamesOf(missed)},
               {"alterations", "Alterations, by family of rules",
                AlterationsHtml(alterations, results)},
               {"equivalent", "What no case can show", EquivalentHtml()}}));
}

std::string PowerSvg(std::size_t alterations, const PowerResults& results) {
  return ChartsSvg(ChartsOf(alterations, results));
}

}  // namespace eptdiff
