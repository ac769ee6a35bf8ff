#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fuzzers/command/check/allowed.h"
#include "fuzzers/command/check/check_builder.h"
#include "fuzzers/command/check/check_mtrr.h"
#include "fuzzers/command/check/check_walker.h"
#include "fuzzers/command/files/case_file.h"
#include "fuzzers/command/files/corpus.h"
#include "fuzzers/command/files/embedded_corpus.h"
#include "fuzzers/command/files/writable.h"
#include "fuzzers/command/fuzz/interrupt.h"
#include "fuzzers/command/fuzz/seconds_since.h"
#include "fuzzers/command/options/command_line.h"
#include "fuzzers/command/options/exit_code.h"
#include "fuzzers/command/options/report_error.h"
#include "fuzzers/command/page/report_files.h"
#include "fuzzers/command/report/check_files.h"
#include "fuzzers/command/report/check_report.h"
#include "fuzzers/command/subcommands.h"
#include "fuzzers/command/words/style.h"
#include "oracle/target/object/sanitizer_runtime.h"
#include "oracle/target/session/open_target.h"

namespace eptdiff {
namespace {

using Clock = std::chrono::steady_clock;

constexpr char kAbout[] =
    "Checks a hypervisor's EPT code: puts the corpus and then new cases to "
    "TARGET and\nsays which rules of the SDM it breaks, each with the smallest "
    "case. TARGET is a\nshared object that defines the functions of "
    "oracle/target/eptdiff_target.h (it\nwalks tables), of eptdiff_builder.h "
    "beside it (it builds them) or of both, or a\nprogram that answers over a "
    "pipe; or that of eptdiff_mtrr.h (it says memory\ntypes). The guide is "
    "oracle/target/README.md, in the source tree and in what is installed as "
    "documentation.\n"
    "Ctrl-C ends a check early and keeps what it found.\n"
    "Exit: 0 it agrees, 1 it does not, 2 it cannot be loaded, or bad usage, 3 "
    "it\nanswered nothing, 4 a report cannot be written, or it ended early.";

struct CheckOptions {
  std::string target;
  std::uint64_t seconds = 30;
  std::uint64_t cases = 0;
  std::uint64_t seed = 1;
  std::uint64_t jobs = 0;  // 0: not said
  std::uint64_t limit = 2000;
  std::uint64_t effort = 25;
  std::string allow;
  std::string corpus;
  ReportFiles files;
  std::string out;
  bool verbose = false;
  std::string colour = "auto";
};

absl::StatusOr<std::vector<Case>> GivenCases(const std::string& directory) {
  if (directory.empty()) return EmbeddedCorpus();
  std::vector<Case> cases;
  const auto files = CasesUnder(directory);
  if (!files.ok()) return files.status();
  for (const std::string& file : *files) {
    const auto content = ReadCaseFile(file);
    if (!content.ok()) return content.status();
    cases.push_back(content->text_case.c);
  }
  return cases;
}

// Questions about memory types; there are none within the command.
absl::StatusOr<std::vector<MtrrQuestion>> GivenQuestions(
    const std::string& directory) {
  std::vector<MtrrQuestion> questions;
  if (directory.empty()) return questions;
  const auto files = MemoryTypeCasesUnder(directory);
  if (!files.ok()) return files.status();
  for (const std::string& file : *files) {
    const auto c = ReadMemoryTypeCase(file);
    if (!c.ok()) return c.status();
    questions.push_back(c->question);
  }
  return questions;
}

// What a program may have only one of, only its user knows.
unsigned JobsOf(const CheckOptions& options) {
  if (options.jobs != 0) return static_cast<unsigned>(options.jobs);
  return IsSharedObject(options.target)
             ? std::max(1u, std::thread::hardware_concurrency())
             : 1;
}

std::string TakesNoArguments(const CheckOptions& options) {
  return options.target + " is a shared object, which takes no arguments";
}

// What to do with a finding: understand it, keep it, look at it in a debugger.
std::string NextText(const CheckOptions& options, const CheckReports& reports) {
  const char* const keep =
      options.out.empty()
          ? "  eptdiff check --out DIR ...                         keeps the "
            "cases\n"
          : "";
  const std::string file = options.out.empty() ? "CASE" : options.out + "/CASE";
  const std::string explain =
      absl::StrCat("eptdiff explain --target ", options.target, " ", file);
  const bool any = std::any_of(
      reports.begin(), reports.end(), [](const CheckReport& report) {
        return report.kind != CheckedKind::kMemoryTypes && !report.agrees();
      });
  // Of memory types a child is asked, and no rule is in the catalogue.
  if (!any) return absl::StrCat("\n", keep, "  ", explain, ".mtrr\n");
  return absl::StrCat(
      "\n  eptdiff rules RULE                                  what it says\n",
      keep, "  gdb --args ", explain, "\n");
}

}  // namespace

int CheckCommand(const Arguments& arguments) {
  CommandLine line("check", "TARGET [ARGUMENT...]", kAbout);
  CheckOptions options;
  line.Number("seconds", "N", 1, 1'000'000, &options.seconds,
              "how long it takes, with the corpus first (30); a walker and "
              "builder shares them");
  line.Number("cases", "N", 1, 1'000'000'000, &options.cases,
              "how many new cases, whatever the time");
  line.Number("seed", "N", 0, ~std::uint64_t{0}, &options.seed,
              "which new cases (1)");
  line.Number("jobs", "N", 1, 256, &options.jobs,
              "how many walkers or builders are asked at a time, each in a "
              "process of its own (one for each processor; of a program, "
              "one)");
  line.Number("limit", "MS", 10, 1'000'000, &options.limit,
              "a target hangs that takes longer for a step (2000)");
  line.Number("effort", "PERCENT", 1, 90, &options.effort,
              "of what is done, how much may be experiments that find out the "
              "condition of what no known mistake explains (25); with "
              "--seconds, of the time, too");
  line.Text("allow", "LIST", &options.allow,
            "what is no finding: of a walker rules (CFG-9) and signatures, of "
            "a builder needless-invept, repeated-invept, empty-tables, "
            "partial-success, loss-on-failure, lossy-tables, "
            "break-before-make");
  line.Text("corpus", "DIR", &options.corpus,
            "cases to begin with (its own, that it was built with), and "
            ".mtrr files about memory types");
  line.Text("out", "DIR", &options.out, "the smallest cases, a file for each");
  options.files.AddOptions(line);
  line.Flag("verbose", &options.verbose,
            "each rule in each situation, not families of rules");
  line.Colour(&options.colour);
  line.Example("./libmine.so --seconds 60 --out cases --sarif report.sarif");
  line.Example("./libmine.so --html report.html");
  line.Example("./libmine.so --allow CFG-9,empty-tables");
  line.Example("-- ./my_walker_over_a_pipe --its-option");
  if (const auto exit = line.Parse(arguments, 1, SIZE_MAX)) return *exit;
  options.target = line.operands()[0];

  if (absl::Status s = options.files.CheckCanBeWritten(); !s.ok()) {
    return ReportOutputError(s);
  }
  if (absl::Status s = CheckDirectoryCanBeMade(options.out); !s.ok()) {
    return ReportOutputError(s);
  }
  const auto allowed = AllowedIn(options.allow);
  if (!allowed.ok()) {
    return line.Mistake(std::string(allowed.status().message()));
  }
  std::string error;
  if (IsSharedObject(options.target)) error = HaveRuntime(options.target);
  if (!error.empty()) return line.Mistake(error);
  const Clock::time_point start = Clock::now();
  const Interrupt interrupt;
  const auto given = GivenCases(options.corpus);
  if (!given.ok()) return ReportInputError(given.status());
  const auto questions = GivenQuestions(options.corpus);
  if (!questions.ok()) return ReportInputError(questions.status());
  const std::chrono::milliseconds limit(options.limit);
  const std::vector<std::string> operands(line.operands().begin() + 1,
                                          line.operands().end());
  const auto builder = OpenBuilder(options.target, limit, error);
  if (!error.empty()) return line.Mistake(error);
  if (builder != nullptr && !operands.empty()) {
    return line.Mistake(TakesNoArguments(options));
  }
  const auto mtrr = MtrrSession::Open(options.target, limit, error);
  if (!error.empty()) return line.Mistake(error);
  const bool other = builder != nullptr || mtrr != nullptr;
  const auto open = [&] {
    return OpenTarget(options.target, operands,
                      {.limit = limit, .may_be_none = other}, error);
  };
  const auto oracle = open();
  if (!error.empty()) return line.Mistake(error);
  // Of an object that is several things each gets its part of the time.
  const unsigned parts =
      (oracle != nullptr) + (builder != nullptr) + (mtrr != nullptr);
  options.seconds = (options.seconds + parts - 1) / parts;
  CheckReports reports;
  if (oracle != nullptr) {
    reports.push_back(CheckWalker(*oracle, open, *given,
                                  {.target = options.target,
                                   .seconds = options.seconds,
                                   .cases = options.cases,
                                   .seed = options.seed,
                                   .jobs = JobsOf(options),
                                   .effort = options.effort}));
    SetAside(*allowed, reports.back());
  }
  if (builder != nullptr && !Interrupt::Came()) {
    std::vector<std::unique_ptr<BuilderSession>> helpers;
    while (helpers.size() + 1 < JobsOf(options)) {
      auto helper = OpenBuilder(options.target, limit, error);
      if (helper == nullptr) break;  // one fewer, and the same findings
      helpers.push_back(std::move(helper));
    }
    reports.push_back(CheckBuilder(*builder, std::move(helpers), *given,
                                   {.target = options.target,
                                    .seconds = options.seconds,
                                    .cases = options.cases,
                                    .seed = options.seed,
                                    .allowed = allowed->builder}));
  }
  if (mtrr != nullptr && !Interrupt::Came()) {
    reports.push_back(CheckMtrr(*mtrr, *questions,
                                {.target = options.target,
                                 .seconds = options.seconds,
                                 .cases = options.cases,
                                 .seed = options.seed}));
  }

  const Style style(WantsColour(options.colour, stdout));
  std::fputs(CheckText(reports, options.verbose, style).c_str(), stdout);
  if (!Agrees(reports)) std::fputs(NextText(options, reports).c_str(), stdout);
  if (absl::Status s = options.files.Write(reports); !s.ok()) {
    return ReportOutputError(s);
  }
  if (absl::Status s = WriteSmallestCases(reports, options.out); !s.ok()) {
    return ReportOutputError(s);
  }
  if (Interrupt::Came()) {
    absl::FPrintF(stderr, "eptdiff check: %s\n",
                  Interrupt::Words(SecondsSince(start)));
  }
  if (!Agrees(reports)) return kExitDisagree;
  if (Interrupt::Came()) return kExitFailed;
  const bool answered =
      std::any_of(reports.begin(), reports.end(),
                  [](const CheckReport& report) { return report.steps != 0; });
  return answered ? kExitAgree : kExitNobodyAnswered;
}

}  // namespace eptdiff
