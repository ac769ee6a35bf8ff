#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fuzzers/command/distill/distillate.h"
#include "fuzzers/command/files/case_file.h"
#include "fuzzers/command/files/corpus.h"
#include "fuzzers/command/files/writable.h"
#include "fuzzers/command/fuzz/fuzz_history.h"
#include "fuzzers/command/fuzz/fuzz_run.h"
#include "fuzzers/command/fuzz/triage.h"
#include "fuzzers/command/fuzz/triaged_list.h"
#include "fuzzers/command/fuzz/work_lock.h"
#include "fuzzers/command/options/command_line.h"
#include "fuzzers/command/options/exit_code.h"
#include "fuzzers/command/options/report_error.h"
#include "fuzzers/command/page/fuzz_page.h"
#include "fuzzers/command/panel/oracles.h"
#include "fuzzers/command/report/fuzz_report.h"
#include "fuzzers/command/subcommands.h"
#include "fuzzers/command/words/style.h"
#include "fuzzers/encoding/encoding.h"
#include "fuzzers/targets/panel.h"

namespace eptdiff {
namespace {

namespace fs = std::filesystem;

constexpr char kAbout[] =
    "Asks new questions on all processors until the time is up, then triages "
    "what was\nfound. Ctrl-C ends a run early and keeps what it found. What "
    "follows -- goes to\nlibFuzzer.\n"
    "Exit: 0 no disagreement, 1 at least one, 2 bad usage, 3 nothing was "
    "asked, "
    "4 it\ncould not run.";

constexpr double kSecondsForDecided = 15;
// A younger input may be one that another machine is writing.
constexpr std::chrono::seconds kSettled{60};

struct Places {
  std::string targets =
      "build/fuzz-targets/fuzzers/walk_fuzzer,"
      "build/fuzz-targets/fuzzers/linear_fuzzer,"
      "build/fuzz-targets/fuzzers/cache_fuzzer,"
      "build/fuzz-targets/fuzzers/page_table_fuzzer";
  std::string plain = "build/release/fuzzers";  // the folder
  std::uint64_t sanitized = 20;                 // percent
  std::uint64_t jobs = 1;
  std::string corpus = "build/fuzz/corpus";
  std::string report = "build/fuzz/report.json";
  std::string html;
  std::string seeds;
  std::string out = "corpus/regressions";
};

// Redraws a line on a terminal; elsewhere prints one every few seconds.
class Progress {
 public:
  Progress() : terminal_(IsTerminal(stderr)) {}
  ~Progress() {
    if (drawn_) std::fputs("\n", stderr);
  }

  // `last`: it is shown whatever the time.
  void Show(const FuzzResult& result, bool last = false) {
    const auto now = std::chrono::steady_clock::now();
    if (shown_ && !last && now - shown_at_ < (terminal_ ? kRedraw : kLine))
      return;
    shown_ = true;
    shown_at_ = now;
    const std::string line = CutToTerminal(LiveLine(result), stderr);
    std::fputs((terminal_ ? "\r\x1b[K" + line : line + "\n").c_str(), stderr);
    drawn_ = terminal_;
  }

 private:
  static constexpr std::chrono::milliseconds kRedraw{200};
  static constexpr std::chrono::milliseconds kLine{5000};

  const bool terminal_;
  bool drawn_ = false;  // a line that is not ended
  bool shown_ = false;
  std::chrono::steady_clock::time_point shown_at_;
};

absl::Status MakeDirectory(const std::string& path) {
  std::error_code error;
  if (!path.empty()) fs::create_directories(path, error);
  if (!error) return absl::OkStatus();
  return absl::PermissionDeniedError(
      absl::StrCat("cannot make ", path, ": ", error.message()));
}

// libFuzzer reads bytes alone: each seed in the corpus's folder, encoded; for
// the target that asks builders those with table operations, for others the
// rest.
absl::Status PlantSeeds(const std::string& seeds, const FuzzTarget& target) {
  const bool tables = absl::StrContains(target.path, "page_table");
  const auto files = CasesUnder(seeds);
  if (!files.ok()) return files.status();
  std::size_t number = 0;
  for (const std::string& file : *files) {
    const auto content = ReadCaseFile(file);
    if (!content.ok()) return content.status();
    if (HasTableOperations(content->text_case.c) != tables) continue;
    const auto bytes = EncodeCase(content->text_case.c);
    const absl::Status status =
        WriteFile(absl::StrCat(target.corpus, "/seed-", number++),
                  std::string(bytes.begin(), bytes.end()));
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status CheckTarget(const std::string& target) {
  if (access(target.c_str(), X_OK) == 0 && !fs::is_directory(target)) {
    return absl::OkStatus();
  }
  return absl::NotFoundError(absl::StrCat(
      "there is no fuzz target at ", target,
      ": build it (cmake --preset fuzz "
      "&& cmake --build --preset fuzz), or name it with --target"));
}

// Makes the places that a run writes to, before it takes its time.
absl::Status Prepare(const FuzzOptions& options, const Places& places) {
  std::vector<std::string> directories = {
      options.artifacts, options.work,
      fs::path(places.report).parent_path().string()};
  for (const FuzzTarget& target : options.targets) {
    directories.push_back(target.corpus);
  }
  for (const std::string& directory : directories) {
    if (absl::Status s = MakeDirectory(directory); !s.ok()) return s;
  }
  absl::Status report = CheckFileCanBeWritten(places.report);
  report.Update(CheckFileCanBeWritten(places.html));
  return report.ok() ? CheckDirectoryCanBeMade(places.out) : report;
}

// Each target with a corpus of its own: what one of them keeps would lead the
// other away from its own questions.
absl::Status FindTargets(const Places& places, FuzzOptions& options) {
  for (const std::string& path : SplitAt(places.targets, ',')) {
    if (absl::Status s = CheckTarget(path); !s.ok()) return s;
    options.targets.push_back(
        {path,
         absl::StrCat(places.corpus, "/", fs::path(path).filename().string())});
  }
  if (options.targets.empty()) return CheckTarget("");
  const std::vector<FuzzTarget> sanitized = options.targets;
  std::vector<std::size_t> twins;
  for (std::size_t i = 0; i < sanitized.size(); ++i) {
    twins.push_back(i);
    if (places.sanitized == 100 || places.plain.empty()) continue;
    const std::string twin = absl::StrCat(
        places.plain, "/", fs::path(sanitized[i].path).filename().string());
    if (!CheckTarget(twin).ok()) {
      absl::FPrintF(
          stderr,
          "eptdiff fuzz: there is no %s, which would be several times "
          "as fast: build it (cmake --build --preset release)\n",
          twin);
      continue;
    }
    twins.back() = options.targets.size();
    options.targets.push_back({twin, sanitized[i].corpus, /*plain=*/true});
  }
  options.jobs =
      PlanJobs(twins, places.jobs, static_cast<unsigned>(places.sanitized));
  return absl::OkStatus();
}

// Those of this run, and those that an earlier one left when it was killed.
std::vector<std::string> ArtifactsOf(const FuzzResult& result,
                                     std::vector<std::string> left) {
  std::set<std::string> artifacts(left.begin(), left.end());
  for (const auto& [signature, found] : result.found) {
    artifacts.insert(found.artifacts.begin(), found.artifacts.end());
  }
  return {artifacts.begin(), artifacts.end()};
}

// What comes after the run: triage, the report, the exit status.
int Conclude(const FuzzOptions& options, const Places& places,
             const OracleOptions& oracles, const FuzzResult& result,
             const FuzzHistory& history) {
  const auto write_report = [&](const CorpusDecides& decides,
                                const std::vector<Disagreed>& disagreements) {
    absl::Status written = WriteFile(
        places.report, ReportJson(options, result, decides, disagreements));
    if (places.html.empty()) return written;
    written.Update(WriteFile(places.html, FuzzPage(options, result, history,
                                                   decides, disagreements)));
    return written;
  };
  if (!result.status.ok()) ReportOutputError(result.status);
  // Triage takes its time: whoever ends it finds what is known by now. A full
  // disk here need not be one where the regression cases go.
  const absl::Status early =
      write_report(CorpusDecides(), DisagreementsOf(result, TriageResult()));
  if (!early.ok()) ReportOutputError(early);
  TriagedList triaged(absl::StrCat(options.work, "/triaged"));
  const std::vector<std::string> artifacts =
      ArtifactsOf(result, triaged.NotYet(options.artifacts));
  absl::StatusOr<TriageResult> triage = TriageResult();
  if (!artifacts.empty()) triage = Triage(artifacts, oracles, places.out);
  if (triage.ok() && !artifacts.empty()) {
    if (absl::Status s = triaged.Add(artifacts); !s.ok()) triage = s;
  }
  if (triage.ok()) {
    std::fputs(TriageText(*triage).c_str(), stdout);
  } else {
    ReportOutputError(triage.status());
  }
  // Several machines may share a corpus, each ends with making it smaller.
  for (const FuzzTarget& target : options.targets) {
    if (target.plain) continue;  // the same corpus
    [[maybe_unused]] const auto distilled =
        DistilInPlace(target.corpus, kSettled);
  }
  const CorpusDecides decides =
      WhatCorpusDecides(places.corpus, kSecondsForDecided);
  const std::vector<Disagreed> disagreements =
      DisagreementsOf(result, triage.ok() ? *triage : TriageResult());
  std::fputs(ReportText(result, decides, disagreements).c_str(), stdout);
  const absl::Status written = write_report(decides, disagreements);
  absl::PrintF("report: %s\n", places.report);
  if (!written.ok()) return ReportOutputError(written);
  if (!disagreements.empty()) return kExitDisagree;
  if (!result.status.ok() || !triage.ok()) return kExitFailed;
  if (result.stats.Get("cases") > 0) return kExitAgree;
  std::fputs("eptdiff fuzz: nothing was asked: no target did a case\n", stderr);
  return kExitNobodyAnswered;
}

}  // namespace

int FuzzCommand(const Arguments& arguments) {
  CommandLine line("fuzz", "[-- LIBFUZZER_OPTION...]", kAbout);
  FuzzOptions options;
  options.artifacts = "build/fuzz/artifacts";
  options.work = "build/fuzz/logs";
  Places places;
  places.jobs = std::max(1u, std::thread::hardware_concurrency());
  const std::string default_targets = places.targets;
  const std::string default_plain = std::exchange(places.plain, "");
  OracleOptions oracles;
  line.Number("seconds", "N", 1, 1'000'000'000, &options.seconds,
              "how long (60)");
  line.Flag("first", &options.first, "end with the first finding");
  line.Number("jobs", "N", 1, 4096, &places.jobs,
              "how many processes, at least one for each target, with "
              "sanitizers and without (one for each processor)");
  line.Number("sanitized", "PERCENT", 1, 100, &places.sanitized,
              "how much of the time goes to targets with sanitizers (20)");
  line.Number("seed", "N", 1, 4'000'000'000, &options.seed,
              "of the first process; the next ones count on (1)");
  line.Number("max-length", "BYTES", 256, kMaxEncodedBytes, &options.max_length,
              "of an encoded case (4096)");
  line.Text("target", "PATHS", &places.targets,
            "the libFuzzer target, or several with commas between them "
            "(walk_fuzzer, linear_fuzzer, cache_fuzzer and page_table_fuzzer "
            "in build/fuzz-targets/fuzzers)");
  line.Text("plain", "DIR", &places.plain,
            absl::StrCat("the folder with the same targets without sanitizers, "
                         "which get the rest of the time (",
                         default_plain, "; none with --target)"));
  line.Text("corpus", "DIR", &places.corpus,
            absl::StrCat("libFuzzer's corpora, a folder for each target (",
                         places.corpus, ")"));
  line.Text("seeds", "DIR", &places.seeds,
            "cases to begin with, in either notation (none)");
  line.Text("artifacts", "DIR", &options.artifacts,
            absl::StrCat("what is found, as bytes (", options.artifacts, ")"));
  line.Text("work", "DIR", &options.work,
            absl::StrCat("logs and statistics (", options.work, ")"));
  line.Text("out", "DIR", &places.out,
            absl::StrCat("regression cases (", places.out, ")"));
  line.Text("report", "FILE", &places.report,
            absl::StrCat("the report (", places.report, ")"));
  line.Text("html", "FILE", &places.html, "the report as a page to look at");
  oracles.AddTo(line);
  line.TakesOperandsOnlyAfterDashes();
  line.Example("--seconds 3600 --seeds corpus/seeds --html run.html");
  line.Example(
      "--target build/fuzz-targets/fuzzers/linear_fuzzer -- -runs=100000");
  if (const auto exit = line.Parse(arguments, 0, SIZE_MAX)) return *exit;
  if (places.plain.empty() && places.targets == default_targets) {
    places.plain = default_plain;
  }
  options.target_arguments = line.operands();
  if (oracles.oracles != "all") {
    options.environment.emplace_back("EPTDIFF_ORACLES", oracles.oracles);
  }
  options.environment.emplace_back("EPTDIFF_DIALECT", oracles.dialect);

  if (const auto panel = oracles.MakePanel(); !panel.ok()) {
    return line.Mistake(panel.status().message());
  }
  if (absl::Status s = FindTargets(places, options); !s.ok()) {
    return ReportInputError(s);
  }
  if (absl::Status s = Prepare(options, places); !s.ok()) {
    return ReportOutputError(s);
  }
  WorkLock lock;
  if (absl::Status s = lock.Take(options.work); !s.ok()) {
    return ReportOutputError(s);
  }
  for (const FuzzTarget& target : options.targets) {
    if (places.seeds.empty()) break;
    if (target.plain) continue;
    absl::Status s = PlantSeeds(places.seeds, target);
    if (!s.ok()) return ReportInputError(s);
  }
  FuzzResult result;
  FuzzHistory history;
  {
    Progress progress;
    result = FuzzRun(options).Run([&](const FuzzResult& r) {
      history.Add(r);
      progress.Show(r);
    });
    progress.Show(result, /*last=*/true);
  }
  return Conclude(options, places, oracles, result, history);
}

}  // namespace eptdiff
