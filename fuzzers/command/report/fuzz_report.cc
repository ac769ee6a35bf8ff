#include "fuzzers/command/report/fuzz_report.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "fuzzers/command/distill/decided.h"
#include "fuzzers/command/files/case_file.h"
#include "fuzzers/command/files/corpus.h"
#include "fuzzers/command/fuzz/fuzz_history.h"
#include "fuzzers/command/report/json.h"
#include "fuzzers/command/words/style.h"
#include "fuzzers/command/words/word_list.h"
#include "fuzzers/generation/shapes_in.h"
#include "fuzzers/text/view.h"

namespace eptdiff {
namespace {

// The counters of one oracle.
struct OracleSum {
  double cases = 0;
  double answered = 0;
  double compared = 0;
  double skipped = 0;
  std::vector<std::pair<std::string, double>> reasons;
};

// From "oracle.<name>.<what>"; a reason is all that follows "skipped.".
std::map<std::string, OracleSum> CountsByOracle(const WorkerStats& stats) {
  std::map<std::string, OracleSum> oracles;
  for (const auto& [key, value] : stats.Under("oracle.")) {
    const std::size_t dot = key.find('.');
    if (dot == std::string::npos) continue;
    OracleSum& oracle = oracles[key.substr(0, dot)];
    const std::string what = key.substr(dot + 1);
    constexpr absl::string_view kSkipped = "skipped.";
    if (what == "cases") oracle.cases = value;
    if (what == "answered") oracle.answered = value;
    if (what == "compared") oracle.compared = value;
    if (what.starts_with("skipped.")) {
      oracle.skipped += value;
      oracle.reasons.emplace_back(what.substr(kSkipped.size()), value);
    }
  }
  return oracles;
}

double Rate(const FuzzResult& result) {
  return result.seconds > 0 ? result.stats.Get("cases") / result.seconds : 0;
}

constexpr char kDecidedMethod[] =
    "altering the rule in the reference changes the verdict on a case of the "
    "resulting corpus";

// The first file of `files` that triage wrote for `signature`; "" if none.
const TriagedSignature* Find(const TriageResult& triage,
                             const std::string& signature) {
  for (const TriagedSignature& s : triage.signatures) {
    if (s.signature == signature) return &s;
  }
  return nullptr;
}

}  // namespace

std::string LiveLine(const FuzzResult& result) {
  double asked = 0, skipped = 0;
  for (const auto& [name, oracle] : CountsByOracle(result.stats)) {
    asked += oracle.cases;
    skipped += oracle.skipped;
  }
  const auto seconds = static_cast<unsigned>(result.seconds);
  return absl::StrFormat(
      "%02u:%02u  %.0f cases  %.0f/s  leaf %.0f%%  rules met %d/%d  skips "
      "%.1f%%  "
      "disagreements %d",
      seconds / 60, seconds % 60, result.stats.Get("cases"), Rate(result),
      100 * result.stats.Share("leaves", "accesses"), RulesMet(result.stats),
      AskedRules(), asked > 0 ? 100 * skipped / asked : 0.0,
      result.found.size());
}

CorpusDecides WhatCorpusDecides(const std::string& directory, double seconds) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  CorpusDecides decides;
  DecidedRules rules(/*counting=*/false);
  // libFuzzer names files by their hash: in alphabetical order, any first part
  // is a random sample. What may be kept takes the longest to go through, and
  // comes last.
  const auto files = CasesUnder(directory);
  if (files.ok()) decides.all_cases = files->size();
  for (const bool of_caches : {false, true}) {
    if (!files.ok()) break;
    for (const std::string& file : *files) {
      if (Clock::now() > end) break;
      const auto content = ReadCaseFile(file);
      if (!content.ok()) continue;
      const Case& c = content->text_case.c;
      if (ShapesIn(c).any() != of_caches) continue;
      rules.Add(c);
      ++decides.cases;
    }
  }
  decides.decided = rules.decided();
  decides.total = AskedRules();
  for (const RuleInfo& info : kRules) {
    if (IsAsked(info.rule) && rules.CasesDeciding(info.rule) == 0) {
      decides.undecided.emplace_back(info.identifier);
    }
  }
  return decides;
}

std::vector<Disagreed> DisagreementsOf(const FuzzResult& result,
                                       const TriageResult& triage) {
  std::vector<Disagreed> all;
  std::set<std::string> told;  // artifacts
  for (const TriagedSignature& s : triage.signatures) {
    told.insert(s.artifacts.begin(), s.artifacts.end());
  }
  for (const auto& [signature, found] : result.found) {
    // What a log says of a crash is less than what triage makes of it.
    const auto is_told = [&told](const std::string& artifact) {
      return told.count(artifact) > 0;
    };
    if (found.crash && !found.artifacts.empty() &&
        std::all_of(found.artifacts.begin(), found.artifacts.end(), is_told)) {
      continue;
    }
    Disagreed d{signature, "", found.count, false, ""};
    if (!found.artifacts.empty()) d.file = found.artifacts[0];
    if (const TriagedSignature* triaged = Find(triage, signature)) {
      d.file = triaged->file;
      d.reproduced = true;
    }
    if (!d.reproduced) d.target = found.target;
    all.push_back(std::move(d));
  }
  // Crashes; and another oracle may disagree on the same case: the target named
  // the first.
  for (const TriagedSignature& s : triage.signatures) {
    if (result.found.count(s.signature) > 0) continue;
    all.push_back({s.signature, s.file, s.artifacts.size(), true, ""});
  }
  return all;
}

std::string ReportJson(const FuzzOptions& options, const FuzzResult& result,
                       const CorpusDecides& decides,
                       const std::vector<Disagreed>& disagreements) {
  const WorkerStats& stats = result.stats;
  JsonWriter json;
  json.Object();
  json.Key("targets").Array();
  for (std::size_t i = 0; i < options.targets.size(); ++i) {
    const WorkerStats& its = result.by_target[i];
    json.Object();
    json.Key("target").String(options.targets[i].path);
    json.Key("cases").Number(its.Get("cases"));
    json.Key("leaf_share").Number(its.Share("leaves", "accesses"));
    json.Key("sanitizers").Bool(!options.targets[i].plain);
    json.End();
  }
  json.End();
  json.Key("seed").Number(static_cast<double>(options.seed));
  json.Key("jobs").Number(static_cast<double>(options.jobs.size()));
  json.Key("seconds").Number(result.seconds);
  json.Key("interrupted").Bool(!result.interruption.empty());
  if (!result.status.ok()) {
    json.Key("error").String(result.status.message());
  }
  json.Key("cases").Number(stats.Get("cases"));
  json.Key("cases_per_second").Number(Rate(result));
  json.Key("steps").Number(stats.Get("steps"));
  json.Key("accesses").Number(stats.Get("accesses"));
  json.Key("leaf_share").Number(stats.Share("leaves", "accesses"));
  json.Key("alias_share").Number(stats.Share("alias", "steps"));
  json.Key("oracles").Object();
  for (const auto& [name, oracle] : CountsByOracle(stats)) {
    json.Key(name).Object();
    json.Key("cases").Number(oracle.cases);
    json.Key("answered").Number(oracle.answered);
    json.Key("comparisons").Number(oracle.compared);
    json.Key("skipped").Object();
    for (const auto& [reason, count] : oracle.reasons) {
      json.Key(reason).Number(count);
    }
    json.End();
    json.End();
  }
  json.End();
  json.Key("cache_shapes").Object();
  for (const auto& [name, share] : ShapesOf(stats))
    json.Key(name).Number(share);
  json.End();
  json.Key("rules_total").Number(static_cast<double>(decides.total));
  json.Key("rules_decided").Number(static_cast<double>(decides.decided));
  json.Key("rules_decided_method")
      .String(absl::StrCat(kDecidedMethod, " (", decides.cases, " of ",
                           decides.all_cases, " cases tried)"));
  json.Key("rules_undecided").Array();
  for (const std::string& rule : decides.undecided) json.String(rule);
  json.End();
  json.Key("rules_asked").Number(static_cast<double>(RulesMet(result.stats)));
  json.Key("disagreements").Array();
  for (const Disagreed& d : disagreements) {
    json.Object();
    json.Key("signature").String(d.signature);
    json.Key("file").String(d.file);
    json.Key("count").Number(static_cast<double>(d.count));
    json.Key("reproduced").Bool(d.reproduced);
    json.End();
  }
  json.End();
  json.End();
  return std::move(json).Finish();
}

std::vector<std::pair<std::string, double>> ShapesOf(const WorkerStats& stats) {
  std::vector<std::pair<std::string, double>> shapes;
  for (const auto& [name, count] : stats.Under("shape.")) {
    if (name == "sampled") continue;
    shapes.emplace_back(name, count / stats.Get("shape.sampled"));
  }
  return shapes;
}

std::string RunWords(const FuzzResult& result) {
  const WorkerStats& stats = result.stats;
  return absl::StrFormat(
      "%.0f cases in %.0f seconds (%.0f per second); %.1f%% of accesses reach "
      "a leaf, %.1f%% of steps are left undefined",
      stats.Get("cases"), result.seconds, Rate(result),
      100 * stats.Share("leaves", "accesses"),
      100 * stats.Share("alias", "steps"));
}

std::vector<OracleTold> OraclesTold(const FuzzResult& result) {
  std::vector<OracleTold> all;
  for (const auto& [name, oracle] : CountsByOracle(result.stats)) {
    OracleTold& told = all.emplace_back();
    told.name = name;
    told.answered = oracle.cases > 0 ? oracle.answered / oracle.cases : 0.0;
    told.words = absl::StrFormat("%.0f comparisons; answered %.1f%% of cases",
                                 oracle.compared, 100 * told.answered);
    for (const auto& [reason, count] : oracle.reasons) {
      told.skipped.emplace_back(absl::StrReplaceAll(reason, {{"_", " "}}),
                                count);
    }
    std::sort(told.skipped.begin(), told.skipped.end(),
              [](const auto& a, const auto& b) { return a.second > b.second; });
  }
  return all;
}

std::string DecidedWords(const CorpusDecides& decides) {
  return absl::StrFormat(
      "%d of %d rules decided by %d of the corpus's %d cases%s",
      decides.decided, decides.total, decides.cases, decides.all_cases,
      decides.cases < decides.all_cases ? "; the others were not looked at"
                                        : "");
}

std::string DisagreementsWords(std::size_t count) {
  return Counted(count, "disagreement");
}

std::string DisagreedWords(const Disagreed& disagreed) {
  return absl::StrFormat("%s (%d times)%s", disagreed.signature,
                         disagreed.count,
                         disagreed.reproduced ? "" : ", not reproduced here");
}

std::string AgainWords(const Disagreed& disagreed) {
  // Sanitizers see more than this process does.
  if (disagreed.target.empty() || disagreed.file.empty()) return "";
  return absl::StrCat("to see it again: ", disagreed.target, " ",
                      disagreed.file);
}

std::string ReportText(const FuzzResult& result, const CorpusDecides& decides,
                       const std::vector<Disagreed>& disagreements) {
  std::string text = RunWords(result) + "\n";
  if (!result.interruption.empty()) {
    absl::StrAppend(&text, result.interruption, "\n");
  }
  for (const OracleTold& oracle : OraclesTold(result)) {
    absl::StrAppendFormat(&text, "%-9s %s\n", oracle.name, oracle.words);
    for (const auto& [reason, count] : oracle.skipped) {
      absl::StrAppendFormat(&text, "          skipped %.0f: %s\n", count,
                            reason);
    }
  }
  if (const auto shapes = ShapesOf(result.stats); !shapes.empty()) {
    std::vector<std::string> shares;
    for (const auto& [name, share] : shapes) {
      shares.push_back(absl::StrFormat("%s %.1f%%", name, 100 * share));
    }
    absl::StrAppend(&text, kShapesWords, "\n",
                    Wrapped(absl::StrJoin(shares, ", "), 10));
  }
  absl::StrAppend(&text, DecidedWords(decides), "\n");
  if (!decides.undecided.empty()) {
    text += Item(6, "not:", "", absl::StrJoin(decides.undecided, " "));
  }
  absl::StrAppend(&text, DisagreementsWords(disagreements.size()), "\n");
  for (const Disagreed& d : disagreements) {
    absl::StrAppend(&text, "  ", DisagreedWords(d), "\n    ",
                    d.file.empty() ? "no file" : d.file, "\n");
    const std::string again = AgainWords(d);
    if (!again.empty()) absl::StrAppend(&text, "    ", again, "\n");
  }
  return text;
}

}  // namespace eptdiff
