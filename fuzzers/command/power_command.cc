#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fuzzers/command/files/case_file.h"
#include "fuzzers/command/files/writable.h"
#include "fuzzers/command/fuzz/power_run.h"
#include "fuzzers/command/mistakes/builder_mistake.h"
#include "fuzzers/command/mistakes/measure.h"
#include "fuzzers/command/options/command_line.h"
#include "fuzzers/command/options/exit_code.h"
#include "fuzzers/command/options/report_error.h"
#include "fuzzers/command/page/power_page.h"
#include "fuzzers/command/report/power_report.h"
#include "fuzzers/command/subcommands.h"
#include "fuzzers/power/kept_knock_outs.h"
#include "fuzzers/power/knock_outs.h"

namespace eptdiff {
namespace {

constexpr char kAbout[] =
    "How good are the fuzzers? Alters one rule of the reference at a time and "
    "counts\nthe executions until the engine, which keeps the rule, is found "
    "to disagree: with\nthe mutators of eptdiff, and with libFuzzer's own on "
    "the same bytes. Both begin\nwith an empty corpus.\n"
    "Exit: 0 every alteration was noticed, 1 some were not, 2 bad usage, "
    "4 it could\nnot run.";

constexpr std::size_t kLongest = 10;
constexpr std::uint64_t kMostRuns = 1'000'000'000;
constexpr std::uint64_t kAsDrawn = ~std::uint64_t{0};

std::vector<std::string> NoticeableNames() {
  std::vector<std::string> names;
  for (const auto& alterations :
       {NoticeableAlterations(), AlterationsOfCaches()}) {
    for (const Alteration& alteration : alterations) {
      names.emplace_back(alteration.name);
    }
  }
  return names;
}

// Plants mistakes one after the other and tells what comes of each; those of
// builders under so many conditions.
int MeasureMistakes(std::uint64_t first, std::uint64_t count,
                    std::uint64_t cases, bool builders,
                    std::optional<unsigned> conditions) {
  // What is measured does not depend on how busy the machine is.
  constexpr std::chrono::seconds kConclude{3600};
  std::vector<MistakeResult> results;
  for (std::uint64_t i = 0; i < count; ++i) {
    MistakeResult result =
        builders ? MeasureBuilder(DrawBuilderMistake(first + i, conditions),
                                  cases, kConclude)
                 : Measure(first + i, cases, kConclude);
    result.number = first + i;
    const std::string questions =
        builders ? "" : absl::StrFormat("  %5d questions", result.questions);
    absl::PrintF("%4d  %d finding%s  %s%s%s  %4.1f s  %s\n", result.number,
                 result.findings, result.findings == 1 ? " " : "s",
                 result.findings == 0 ? "unnoticed"
                 : result.named       ? "named    "
                                      : "not named",
                 result.whole ? " whole" : "      ", questions, result.seconds,
                 result.words);
    if (!result.headline.empty()) {
      absl::PrintF("      : %s\n", result.headline);
    }
    std::fflush(stdout);
    results.push_back(result);
  }
  const MistakeTotals totals = TotalsOf(results);
  absl::PrintF(
      "%d planted, %d noticed; of these %d are told as one finding, %d as at "
      "most three;\nthe first headline names what was changed of %d, and the "
      "condition too of %d\n",
      totals.planted, totals.noticed, totals.one, totals.three, totals.named,
      totals.whole);
  if (!builders) {
    absl::PrintF("%d questions in the median\n", totals.questions);
  }
  return kExitAgree;
}

}  // namespace

int PowerCommand(const Arguments& arguments) {
  CommandLine line("power", "", kAbout);
  PowerOptions options;
  std::string html;
  line.Number("runs", "N", 2, kMostRuns, &options.runs,
              "executions until one that was not noticed is given up, half "
              "for each of walk_fuzzer and linear_fuzzer, and a hundredth as "
              "many for cache_fuzzer besides (5000000)");
  line.Number("baseline-runs", "N", 1, kMostRuns, &options.baseline_runs,
              "the same, with libFuzzer's mutators (1000000)");
  line.Number("seed", "N", 1, 4'000'000'000, &options.seed,
              "one seed, the same executions (1)");
  line.Text("targets", "DIR", &options.targets,
            absl::StrCat("where power_fuzzer and power_bytes_fuzzer are (",
                         options.targets, ")"));
  line.Text("out", "DIR", &options.out,
            absl::StrCat("gets report.json and power.svg (", options.out, ")"));
  std::uint64_t mistakes = 0;
  std::uint64_t cases = 50'000;
  line.Number("mistakes", "N", 1, 100'000, &mistakes,
              "plants so many mistakes that no list has in an example, one at "
              "a time from number --seed on, and says how well eptdiff check "
              "names them");
  line.Number("cases", "N", 1, kMostRuns, &cases,
              "with --mistakes: new cases for each (50000)");
  bool builders = false;
  line.Flag("builders", &builders,
            "with --mistakes: in the example builder, not the walker");
  std::uint64_t conditions = kAsDrawn;
  line.Number(
      "conditions", "N", 0, 3, &conditions,
      "with --builders: under how many conditions each is made (none or "
      "one)");
  line.Text("html", "FILE", &html, "the same as a page to look at");
  line.Example("--runs 1000000 --baseline-runs 1000");
  if (const auto exit = line.Parse(arguments, 0, 0)) return *exit;

  if (builders && mistakes == 0) {
    return line.Mistake("--builders needs --mistakes");
  }
  if (conditions != kAsDrawn && !builders) {
    return line.Mistake("--conditions needs --builders");
  }
  if (mistakes != 0) {
    return MeasureMistakes(
        options.seed, mistakes, cases, builders,
        conditions == kAsDrawn
            ? std::nullopt
            : std::optional(static_cast<unsigned>(conditions)));
  }
  if (absl::Status s = CheckFileCanBeWritten(html); !s.ok()) {
    return ReportOutputError(s);
  }
  absl::FPrintF(stderr, "logs: %s/*.log\n", options.out);
  const auto results = RunPower(options);
  if (absl::IsNotFound(results.status())) {
    return ReportInputError(results.status());
  }
  if (!results.ok()) return ReportOutputError(results.status());
  const std::vector<std::string> names = NoticeableNames();
  std::fputs(PowerText(names, *results, kLongest).c_str(), stdout);
  std::vector<std::pair<std::string, std::string>> files = {
      {options.out + "/report.json", PowerJson(names, options, *results)},
      {options.out + "/power.svg", PowerSvg(names.size(), *results)}};
  if (!html.empty()) files.emplace_back(html, PowerPage(names, *results));
  for (const auto& [path, content] : files) {
    if (absl::Status s = WriteFile(path, content); !s.ok()) {
      return ReportOutputError(s);
    }
    absl::PrintF("%s%s", path == files[0].first ? "\n" : ", ", path);
  }
  std::fputs("\n", stdout);
  const bool all = results->structured.noticed.size() == names.size();
  return all ? kExitAgree : kExitDisagree;
}

}  // namespace eptdiff
