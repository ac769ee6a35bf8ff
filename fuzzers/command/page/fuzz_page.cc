#include "fuzzers/command/page/fuzz_page.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "fuzzers/command/distill/decided.h"
#include "fuzzers/command/page/chart.h"
#include "fuzzers/command/page/html.h"
#include "fuzzers/command/words/word_list.h"

namespace eptdiff {
namespace {

std::string NameOf(const FuzzTarget& target) {
  return std::filesystem::path(target.path).filename().string();
}

// The cases of a target and of its twin without sanitizers.
double CasesOf(const FuzzOptions& options, std::size_t target,
               const FuzzHistory::Moment& moment) {
  double cases = 0;
  for (std::size_t i = 0; i < options.targets.size(); ++i) {
    if (options.targets[i].corpus != options.targets[target].corpus) continue;
    cases += moment.cases[i];
  }
  return cases;
}

// Cases a second, by target, each over at least a fortieth of the run: workers
// tell what they did once a second.
Chart RateChart(const FuzzOptions& options, const FuzzHistory& history) {
  const auto& moments = history.moments();
  const double end = moments.empty() ? 1 : moments.back().seconds;
  const double window = std::max(1.0, end / 40);
  Chart chart;
  double most = 0;
  for (std::size_t target = 0; target < options.targets.size(); ++target) {
    if (options.targets[target].plain) continue;
    Curve curve;
    curve.name = NameOf(options.targets[target]);
    std::size_t from = 0;
    for (std::size_t i = 1; i < moments.size(); ++i) {
      const double passed = moments[i].seconds - moments[from].seconds;
      if (passed < window && i + 1 != moments.size()) continue;
      if (passed <= 0) continue;
      const double rate = (CasesOf(options, target, moments[i]) -
                           CasesOf(options, target, moments[from])) /
                          passed;
      // The last piece may be too short to mean anything.
      if (passed < window / 2 && !curve.points.empty()) break;
      curve.points.emplace_back(
          (moments[from].seconds + moments[i].seconds) / 2,
          std::max(0.0, rate));
      most = std::max(most, rate);
      from = i;
    }
    chart.curves.push_back(std::move(curve));
  }
  chart.title = "cases per second";
  chart.words =
      absl::StrFormat("cases per second over the run, at most %.0f", most);
  chart.x = LinearAxis("seconds", end);
  chart.y = LinearAxis("", most);
  return chart;
}

template <typename Count>
Chart CountChart(const FuzzHistory& history, const std::string& title,
                 Count&& count) {
  Chart chart;
  Curve curve;
  curve.steps = true;
  double most = 0;
  for (const FuzzHistory::Moment& moment : history.moments()) {
    most = std::max(most, static_cast<double>(count(moment)));
    curve.points.emplace_back(moment.seconds,
                              static_cast<double>(count(moment)));
  }
  const double end =
      history.moments().empty() ? 1 : history.moments().back().seconds;
  chart.title = title;
  chart.words =
      absl::StrFormat("%s over the run, %.0f at its end", title, most);
  chart.x = LinearAxis("seconds", end);
  chart.y = CountAxis("", most);
  chart.curves.push_back(std::move(curve));
  return chart;
}

std::string ChartsHtml(const FuzzOptions& options, const FuzzHistory& history) {
  if (history.moments().size() < 2) return "";
  const auto cases = [](const FuzzHistory::Moment& moment) {
    double sum = 0;
    for (const double its : moment.cases) sum += its;
    return sum;
  };
  return Element(
      "div class=\"charts\"",
      absl::StrCat(
          ChartHtml(RateChart(options, history)),
          ChartHtml(CountChart(history, "cases", cases)),
          ChartHtml(CountChart(
              history, absl::StrCat("rules met, of ", AskedRules()),
              [](const FuzzHistory::Moment& m) { return m.rules_met; })),
          ChartHtml(CountChart(
              history, "disagreements",
              [](const FuzzHistory::Moment& m) { return m.found; }))));
}

std::string DisagreementsHtml(const std::vector<Disagreed>& disagreements,
                              const FuzzHistory& history) {
  std::string html;
  for (const Disagreed& d : disagreements) {
    std::string items =
        Element("dt", "file") +
        Element("dd",
                Element("code", Escaped(d.file.empty() ? "no file" : d.file)));
    if (const double first = history.FirstSeen(d.signature); first >= 0) {
      items += Element("dt", "seen first") +
               Element("dd", absl::StrFormat("after %.1f seconds", first));
    }
    std::string article =
        Element("h3", Escaped(DisagreedWords(d))) + Element("dl", items);
    if (const std::string again = AgainWords(d); !again.empty()) {
      article += Element("p", Escaped(again));
    }
    html += ArticleOf("finding", d.signature, article);
  }
  return html;
}

std::string OraclesHtml(const FuzzResult& result) {
  std::string html;
  for (const OracleTold& oracle : OraclesTold(result)) {
    std::string part =
        absl::StrCat(Element("h3", Escaped(oracle.name)),
                     Element("p", Escaped(oracle.words)), Bar(oracle.answered));
    std::vector<std::vector<TableCell>> reasons;
    for (const auto& [reason, count] : oracle.skipped) {
      reasons.push_back(
          {{Escaped(reason)},
           {Grouped(static_cast<std::uint64_t>(count)), "number"}});
    }
    if (!reasons.empty()) {
      part += SmallFold(
          absl::StrCat("skipped, by ", Counted(reasons.size(), "reason")),
          TableOf("", "skipped", {{"reason"}, {"cases", "number"}}, reasons));
    }
    html += Element("div class=\"card\"", part);
  }
  return html.empty() ? "" : Element("div class=\"cards\"", html);
}

std::string ShapesHtml(const FuzzResult& result) {
  std::vector<std::vector<TableCell>> rows;
  for (const auto& [name, share] : ShapesOf(result.stats)) {
    rows.push_back({{Escaped(name)},
                    {absl::StrFormat("%.1f%%", 100 * share), "number"},
                    {Bar(share)}});
  }
  if (rows.empty()) return "";
  return Element("p", Escaped(kShapesWords)) +
         TableOf("short", kShapesWords, {}, rows);
}

}  // namespace

std::string FuzzPage(const FuzzOptions& options, const FuzzResult& result,
                     const FuzzHistory& history, const CorpusDecides& decides,
                     const std::vector<Disagreed>& disagreements) {
  PageHead head;
  head.command = "eptdiff fuzz";
  std::vector<std::string> names;
  for (const FuzzTarget& target : options.targets) {
    if (!target.plain) names.push_back(NameOf(target));
  }
  head.title = absl::StrJoin(names, ", ");
  head.verdict = DisagreementsWords(disagreements.size());
  head.bad = !disagreements.empty();
  head.lines = {RunWords(result)};
  if (!result.interruption.empty()) head.lines.push_back(result.interruption);
  if (!result.status.ok()) {
    head.lines.emplace_back(result.status.message());
  }
  const double cases = result.stats.Get("cases");
  head.figures = {{Grouped(static_cast<std::uint64_t>(cases)), "cases"},
                  {Grouped(static_cast<std::uint64_t>(std::llround(
                       result.seconds > 0 ? cases / result.seconds : 0))),
                   "cases per second"},
                  {absl::StrCat(RulesMet(result.stats), " of ", AskedRules()),
                   "rules met"}};
  std::string decided;
  if (decides.total != 0) {
    head.figures.push_back(
        {absl::StrCat(decides.decided, " of ", decides.total),
         "rules decided"});
    decided = Element("p", DecidedWords(decides)) +
              Bar(static_cast<double>(decides.decided) /
                  static_cast<double>(decides.total));
    if (!decides.undecided.empty()) {
      decided += Element("p", "not:") + NamesOf(decides.undecided);
    }
  }
  return HtmlPage(
      absl::StrCat("eptdiff fuzz: ", head.title),
      HeadHtml(head) +
          SectionsHtml(
              {{"disagreements", "Disagreements",
                DisagreementsHtml(disagreements, history)},
               {"time", "The run over time", ChartsHtml(options, history)},
               {"oracles", "Who answered", OraclesHtml(result)},
               {"decided", "Rules decided", decided},
               {"shapes", "Cases about caches", ShapesHtml(result)}}));
}

}  // namespace eptdiff
