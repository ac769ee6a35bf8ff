#include "fuzzers/command/report/power_report.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fuzzers/command/report/json.h"
#include "fuzzers/command/words/style.h"
#include "fuzzers/command/words/word_list.h"
#include "fuzzers/power/knock_outs.h"
#include "fuzzers/text/view.h"

namespace eptdiff {
namespace {

std::string Line(const PowerRow& row) {
  return absl::StrFormat("  %-28s %14s %14s\n", row.name, row.structured,
                         row.bytes);
}

void WriteSummary(const PowerSummary& summary, const PowerResult& result,
                  JsonWriter& json) {
  json.Object();
  json.Key("alterations").Number(static_cast<double>(summary.alterations));
  json.Key("noticed").Number(static_cast<double>(summary.noticed));
  json.Key("median_executions").Number(static_cast<double>(summary.median));
  json.Key("worst_executions").Number(static_cast<double>(summary.worst));
  json.Key("median_seconds").Number(summary.median_seconds);
  json.Key("cap").Number(static_cast<double>(result.cap));
  json.Key("executions").Number(static_cast<double>(result.executions));
  json.Key("seconds").Number(result.seconds);
  json.End();
}

void WriteNoticed(const std::string& alteration, const PowerResult& result,
                  JsonWriter& json) {
  const auto found = result.noticed.find(alteration);
  json.Object();
  json.Key("noticed").Bool(found != result.noticed.end());
  if (found != result.noticed.end()) {
    json.Key("executions")
        .Number(static_cast<double>(found->second.executions));
    json.Key("seconds").Number(found->second.seconds);
  }
  json.End();
}

}  // namespace

PowerSummary Summarise(const std::vector<std::string>& alterations,
                       const PowerResult& result) {
  PowerSummary summary;
  summary.alterations = alterations.size();
  std::vector<std::uint64_t> executions;
  std::vector<double> seconds;
  for (const std::string& alteration : alterations) {
    executions.push_back(ExecutionsUntil(alteration, result));
    const auto found = result.noticed.find(alteration);
    if (found == result.noticed.end()) continue;
    ++summary.noticed;
    seconds.push_back(found->second.seconds);
  }
  if (executions.empty()) return summary;
  std::sort(executions.begin(), executions.end());
  std::sort(seconds.begin(), seconds.end());
  summary.median = executions[executions.size() / 2];
  summary.worst = executions.back();
  if (!seconds.empty()) summary.median_seconds = seconds[seconds.size() / 2];
  return summary;
}

std::uint64_t ExecutionsUntil(const std::string& alteration,
                              const PowerResult& result) {
  const auto found = result.noticed.find(alteration);
  return found == result.noticed.end() ? result.cap : found->second.executions;
}

std::string ExecutionsWords(const std::string& alteration,
                            const PowerResult& result) {
  if (!result.noticed.contains(alteration)) return "not noticed";
  return Grouped(ExecutionsUntil(alteration, result));
}

std::vector<PowerRow> PowerFigures(const std::vector<std::string>& alterations,
                                   const PowerResults& results) {
  const PowerSummary s = Summarise(alterations, results.structured);
  const PowerSummary b = Summarise(alterations, results.baseline);
  const auto of_all = [](const PowerSummary& x) {
    return absl::StrCat(x.noticed, " of ", x.alterations);
  };
  const auto capped = [](std::uint64_t value, const PowerResult& result) {
    return absl::StrCat(value == result.cap ? ">" : "", Grouped(value));
  };
  return {
      {"alterations noticed", of_all(s), of_all(b)},
      {"executions, median", capped(s.median, results.structured),
       capped(b.median, results.baseline)},
      {"executions, worst", capped(s.worst, results.structured),
       capped(b.worst, results.baseline)},
      {"seconds, median of noticed", absl::StrFormat("%.3f", s.median_seconds),
       absl::StrFormat("%.3f", b.median_seconds)}};
}

std::string PowerText(const std::vector<std::string>& alterations,
                      const PowerResults& results, std::size_t longest) {
  std::string text = Line({"", "structured", "bytes"});
  for (const PowerRow& row : PowerFigures(alterations, results)) {
    text += Line(row);
  }
  text += "\n";

  std::vector<std::string> slowest = alterations;
  const auto place = [&](const std::string& alteration) {
    return std::pair(~ExecutionsUntil(alteration, results.structured),
                     absl::string_view(alteration));
  };
  std::sort(slowest.begin(), slowest.end(),
            [&](const std::string& x, const std::string& y) {
              return place(x) < place(y);
            });
  slowest.resize(std::min(slowest.size(), longest));
  for (const std::string& alteration : slowest) {
    text += Line({alteration, ExecutionsWords(alteration, results.structured),
                  ExecutionsWords(alteration, results.baseline)});
  }
  absl::StrAppend(&text, "\n", kEquivalentWords, "\n");
  for (const Equivalent& e : EquivalentAlterations()) {
    text += Item(2, absl::StrCat(View(e.alteration), ":"), "", View(e.proof));
  }
  return text;
}

std::string PowerJson(const std::vector<std::string>& alterations,
                      const PowerOptions& options,
                      const PowerResults& results) {
  JsonWriter json;
  json.Object();
  json.Key("seed").Number(static_cast<double>(options.seed));
  const std::pair<const char*, const PowerResult*> kWays[] = {
      {"structured", &results.structured}, {"bytes", &results.baseline}};
  for (const auto& [name, result] : kWays) {
    json.Key(name);
    WriteSummary(Summarise(alterations, *result), *result, json);
  }
  json.Key("alterations");
  json.Array();
  for (const std::string& alteration : alterations) {
    json.Object();
    json.Key("name").String(alteration);
    for (const auto& [name, result] : kWays) {
      json.Key(name);
      WriteNoticed(alteration, *result, json);
    }
    json.End();
  }
  json.End();
  json.Key("equivalent");
  json.Array();
  for (const Equivalent& e : EquivalentAlterations()) {
    json.Object();
    json.Key("name").String(View(e.alteration));
    json.Key("proof").String(View(e.proof));
    json.End();
  }
  json.End();
  json.End();
  return std::move(json).Finish();
}

}  // namespace eptdiff
