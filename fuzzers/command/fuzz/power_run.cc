#include "fuzzers/command/fuzz/power_run.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "fuzzers/command/files/case_file.h"
#include "fuzzers/command/fuzz/interrupt.h"
#include "fuzzers/command/fuzz/worker.h"

namespace eptdiff {
namespace {

// In cases of caches each alteration that is left costs two trials.
constexpr std::uint64_t kCacheShare = 100;
constexpr std::size_t kMaxFileBytes = std::size_t{1} << 20;

// One process of a target.
struct Job {
  std::string name;  // of its files
  std::string target;
  std::string focus;
  std::uint64_t runs = 0;
  std::string schedule;
};

absl::StatusOr<Worker> Start(const Job& job, const PowerOptions& options) {
  const std::string path = absl::StrCat(options.targets, "/", job.target);
  if (access(path.c_str(), X_OK) != 0) {
    return absl::NotFoundError(absl::StrCat(
        "there is no ", path,
        ": build it (cmake --build --preset release; clang only), or name its "
        "folder with --targets"));
  }
  const std::string stem = absl::StrCat(options.out, "/", job.name);
  return Worker::Start(
      {.arguments = {path, absl::StrCat("-runs=", job.runs),
                     absl::StrCat("-seed=", options.seed), "-max_len=4096",
                     job.schedule,
                     absl::StrCat("-artifact_prefix=", stem, "-")},
       .environment = {{"EPTDIFF_POWER", stem + ".noticed"},
                       {"EPTDIFF_FOCUS", job.focus}},
       .log = stem + ".log"});
}

absl::StatusOr<PowerResult> Collect(const Job& job, const Worker& worker,
                                    const PowerOptions& options) {
  const auto text = ReadBytes(
      absl::StrCat(options.out, "/", job.name, ".noticed"), kMaxFileBytes);
  auto result = text.ok() ? ParsePowerFile(*text)
                          : absl::StatusOr<PowerResult>(text.status());
  if (!result.ok()) {
    return absl::DataLossError(
        absl::StrCat(job.target, " did not come to its end (",
                     worker.HowItEnded(), "); see ", worker.log()));
  }
  result->cap = job.runs;
  return result;
}

// Until they have ended, or an interrupt came.
void WaitForAll(std::vector<Worker>& workers) {
  const auto ended = [](Worker& worker) { return worker.HasEnded(); };
  while (!Interrupt::Came() &&
         !std::all_of(workers.begin(), workers.end(), ended)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace

absl::StatusOr<PowerResult> ParsePowerFile(absl::string_view text) {
  PowerResult result;
  bool whole = false;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (line.empty()) continue;
    const std::vector<absl::string_view> parts = absl::StrSplit(line, ' ');
    Noticed noticed;
    if (whole || parts.size() != 3 ||
        !absl::SimpleAtoi(parts[1], &noticed.executions) ||
        !absl::SimpleAtod(parts[2], &noticed.seconds)) {
      return absl::DataLossError(absl::StrCat("a line of no meaning: ", line));
    }
    if (parts[0] == "all") {
      result.executions = noticed.executions;
      result.seconds = noticed.seconds;
      whole = true;
    } else {
      result.noticed[std::string(parts[0])] = noticed;
    }
  }
  if (!whole) return absl::DataLossError("the last line is missing");
  return result;
}

PowerResult Together(std::span<const PowerResult> targets) {
  PowerResult all;
  for (const PowerResult& one : targets) {
    all.cap += one.cap;
    all.executions += one.executions;
    all.seconds = std::max(all.seconds, one.seconds);
    for (const auto& [name, noticed] : one.noticed) {
      const Noticed shared = {targets.size() * noticed.executions,
                              noticed.seconds};
      const auto [place, added] = all.noticed.try_emplace(name, shared);
      if (!added && shared.executions < place->second.executions) {
        place->second = shared;
      }
    }
  }
  return all;
}

absl::StatusOr<PowerResults> RunPower(const PowerOptions& options) {
  const Job jobs[] = {
      // As FuzzRun has it; libFuzzer's own default for its own mutators.
      {"structured-ept", "power_fuzzer", "ept", options.runs / 2,
       "-entropic=0"},
      {"structured-linear", "power_fuzzer", "linear", options.runs / 2,
       "-entropic=0"},
      {"structured-caches", "power_fuzzer", "caches",
       std::max<std::uint64_t>(options.runs / kCacheShare, 1), "-entropic=0"},
      {"bytes", "power_bytes_fuzzer", "", options.baseline_runs,
       "-entropic=1"}};
  std::error_code error;
  std::filesystem::create_directories(options.out, error);
  if (error) {
    return absl::PermissionDeniedError(
        absl::StrCat("cannot make ", options.out, ": ", error.message()));
  }
  const Interrupt interrupt;
  std::vector<Worker> workers;
  for (const Job& job : jobs) {
    auto worker = Start(job, options);
    if (!worker.ok()) return worker.status();
    workers.push_back(*std::move(worker));
  }
  const auto start = std::chrono::steady_clock::now();
  WaitForAll(workers);
  if (Interrupt::Came()) {
    // What was not noticed yet says nothing.
    const std::chrono::duration<double> seconds =
        std::chrono::steady_clock::now() - start;
    return absl::CancelledError(absl::StrCat(
        "power: ", Interrupt::Words(seconds.count()), ", without a result"));
  }
  PowerResults results;
  std::vector<PowerResult> parts;
  for (std::size_t i = 0; i < workers.size(); ++i) {
    auto part = Collect(jobs[i], workers[i], options);
    if (!part.ok()) return part.status();
    parts.push_back(*std::move(part));
  }
  results.baseline = std::move(parts.back());
  parts.pop_back();
  results.structured = Together(parts);
  return results;
}

}  // namespace eptdiff
