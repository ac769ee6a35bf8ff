#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "fuzzers/check/proven_rules.h"
#include "fuzzers/check/target_check.h"
#include "fuzzers/command/check/allowed.h"
#include "fuzzers/command/check/check_builder.h"
#include "fuzzers/command/check/check_mtrr.h"
#include "fuzzers/command/check/check_progress.h"
#include "fuzzers/command/files/case_file.h"
#include "fuzzers/command/files/corpus.h"
#include "fuzzers/command/files/embedded_corpus.h"
#include "fuzzers/command/files/writable.h"
#include "fuzzers/command/fuzz/interrupt.h"
#include "fuzzers/command/options/command_line.h"
#include "fuzzers/command/options/exit_code.h"
#include "fuzzers/command/options/report_error.h"
#include "fuzzers/command/page/check_page.h"
#include "fuzzers/command/report/check_files.h"
#include "fuzzers/command/report/check_report.h"
#include "fuzzers/command/report/check_rules.h"
#include "fuzzers/command/report/departure_words.h"
#include "fuzzers/command/subcommands.h"
#include "fuzzers/command/words/answer_words.h"
#include "fuzzers/command/words/cause_words.h"
#include "fuzzers/command/words/stale_words.h"
#include "fuzzers/command/words/style.h"
#include "fuzzers/text/view.h"
#include "oracle/judgement/consequence.h"
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
    "oracle/target/README.md.\n"
    "Ctrl-C ends a check early and keeps what it found.\n"
    "Exit: 0 it agrees, 1 it does not, 2 it cannot be loaded, or bad usage, 3 "
    "it\nanswered nothing, 4 a report cannot be written, or it ended early.";

// Of a run that is bounded in time, what of it may have gone by when no more is
// asked: the rest is for causes, small cases and proofs, of which a target that
// agrees has few. In any case they have so long, in seconds.
constexpr double kAskedIfAgrees = 0.9;
constexpr double kAskedIfNot = 0.7;
constexpr double kConcluded = 0.95;
constexpr double kLeastConclusion = 1;
constexpr double kLeastProof = 0.5;
// Without such a bound, as long at most.
constexpr double kMostConclusion = 20;
constexpr double kMostProof = 5;

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
  std::string json;
  std::string junit;
  std::string sarif;
  std::string html;
  std::string out;
  bool verbose = false;
  std::string colour = "auto";
};

double Since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void Show(TargetCheck& check, double seconds, CheckProgress& progress) {
  progress.Show(seconds, [&] {
    const auto cases = check.statistics().cases();
    return absl::StrFormat(
        "%d cases  %.0f/s  situations %d  departures %d  findings %d", cases,
        seconds > 0 ? static_cast<double>(cases) / seconds : 0.0,
        check.situations(), check.dialect().alterations().size(),
        check.findings().size());
  });
}

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

std::string StepText(const Case& c, std::size_t step) {
  return step == 0 ? "VM entry"
                   : absl::StrCat(step, ", ", StepWords(c.steps[step - 1]));
}

// An answer of another kind is a mistake of its own for each rule; wrong
// details of a right one may be the same mistake under many.
std::string LikenessOf(const Finding& finding) {
  std::string likeness;
  for (const Disagreement& d : finding.disagreements) {
    if (d.field == Field::kEvent || d.field == Field::kExitReason) return "";
    absl::StrAppend(&likeness, View(NameOf(d.field)), d.index, " ");
  }
  return likeness;
}

// Tells what the case of `finding` shows when it is judged by the SDM alone.
void Tell(TargetCheck& check, const TargetOracle& oracle, const Case& c,
          CheckFinding& finding) {
  Standings standings;
  finding.signature = check.SignatureOfCase(c, &standings);
  if (finding.signature.empty()) return;
  finding.has_case = true;
  finding.text_case.c = c;
  finding.text_case.signature = finding.signature;
  finding.text_case.sdm_section = finding.sdm_section;
  if (!finding.sdm_section.empty()) {
    finding.text_case.rules = {finding.identifier};
  }
  finding.text_case.explanation = finding.sentence;
  finding.step = StepText(c, standings.step);
  if (standings.verdict != nullptr) {
    const Alternative& held =
        standings.verdict->alternatives[standings.finding.alternative];
    finding.expected = ExpectedEventWords(held);
    finding.text_case.expected = finding.expected;
  }
  if (oracle.incident().kind != IncidentKind::kNone) {
    finding.consequence = Consequence::kNoAnswer;
    finding.given = "no answer: " + WordsOf(oracle.incident());
    return;
  }
  if (!standings.disagrees) {
    finding.consequence = Consequence::kNoAnswer;
    finding.given = "what is right, but " + WordsOf(oracle.aside());
    return;
  }
  finding.given = EventWords(standings.outcome.event, oracle.fields());
  for (const Disagreement& d : standings.finding.disagreements) {
    absl::StrAppend(&finding.given, "; ", DisagreementWords(d));
  }
  finding.consequence = ConsequenceOf(
      standings.verdict->alternatives[standings.finding.alternative].event.kind,
      standings.outcome.event.kind, standings.finding.disagreements);
  const std::string stale = StaleWords(c, oracle, standings);
  if (!stale.empty()) finding.consequence = Consequence::kStale;
  if (!stale.empty()) absl::StrAppend(&finding.given, "; it ", stale);
  finding.likeness = LikenessOf(standings.finding);
}

CheckFinding DepartureOf(const TargetDeparture& told, TargetCheck& check,
                         const TargetOracle& oracle) {
  const Alteration& alteration = *told.departure.alteration;
  const RuleInfo& rule = InfoOf(InfoOf(alteration.slot).rule);
  CheckFinding finding;
  finding.identifier = std::string(rule.identifier);
  finding.alteration = std::string(alteration.name);
  finding.sdm_section = std::string(rule.section);
  finding.sentence = absl::StrCat(View(alteration.words), Likewise(alteration));
  finding.cases = told.cases;
  for (const Alteration* other : told.departure.inseparable) {
    finding.inseparable.push_back(AlterationWords(*other));
  }
  if (told.c.has_value()) Tell(check, oracle, *told.c, finding);
  return finding;
}

// What experiments found out, by the rule that its case breaks.
CheckFinding FindingOf(const TargetCause& found, TargetCheck& check,
                       const TargetOracle& oracle) {
  CheckFinding finding;
  const RuleInfo& rule = InfoOf(found.example.disagreements[0].why.rule);
  finding.identifier = std::string(rule.identifier);
  finding.sdm_section = std::string(rule.section);
  finding.sentence = CauseWords(found.cause, found.likewise);
  finding.experiment = ExperimentWords(found.cause);
  for (const Cause& other : found.likewise) {
    const std::vector<std::string> lines = ExperimentWords(other);
    finding.experiment.insert(finding.experiment.end(), lines.begin(),
                              lines.end());
  }
  finding.cases = found.cases;
  Tell(check, oracle, found.c, finding);
  if (oracle.exchange_failed()) {
    absl::StrAppend(&finding.sentence,
                    ", after a compare-exchange of its that failed");
  }
  finding.likeness.clear();
  return finding;
}

CheckFinding FindingOf(const TargetFinding& found, TargetCheck& check,
                       const TargetOracle& oracle) {
  CheckFinding finding;
  finding.cases = found.cases;
  finding.output = found.output;
  if (found.incident.kind != IncidentKind::kNone) {
    finding.consequence = Consequence::kNoAnswer;
    finding.identifier = SignaturePart(found.incident);
    finding.sentence = WordsOf(found.incident);
  } else {
    finding.identifier = "unexplained";
    finding.sentence =
        found.exchange_failed
            ? "after a compare-exchange of its that failed, an answer that no "
              "known mistake explains"
            : "an answer that no known mistake explains";
  }
  Tell(check, oracle, found.c, finding);
  finding.signature = found.signature;
  if (!finding.has_case) {
    // It does not show any more: what varies need not.
    finding.has_case = true;
    finding.text_case.c = found.c;
    finding.step = "some step of the case; not every time";
    finding.given = finding.sentence;
  }
  finding.text_case.signature = found.signature;
  return finding;
}

void Prove(const std::vector<Case>& cases, double seconds, TargetOracle& oracle,
           ProvenRules& proven) {
  const Clock::time_point start = Clock::now();
  constexpr std::size_t kPiece = 64;
  for (std::size_t i = 0; i < cases.size() && Since(start) < seconds;
       i += kPiece) {
    const auto piece =
        std::span(cases).subspan(i, std::min(kPiece, cases.size() - i));
    oracle.Prepare(piece);
    for (const Case& c : piece) proven.Add(c);
  }
}

// What the profile leaves to hardware, and in how many steps that mattered.
void AddLeft(const eptdiff_profile& profile, std::uint64_t steps,
             CheckReport& report) {
  static constexpr struct {
    std::uint32_t leaves;
    const char* words;
  } kLeft[] = {
      {EPTDIFF_LEAVES_EPT_RIGHTS, "rights of EPT entries"},
      {EPTDIFF_LEAVES_EPT_RESERVED_BITS, "reserved bits of EPT entries"},
      {EPTDIFF_LEAVES_EPT_MISCONFIGURATIONS,
       "other misconfigurations of EPT entries"},
      {EPTDIFF_LEAVES_GUEST_RIGHTS, "rights of guest entries"},
      {EPTDIFF_LEAVES_GUEST_RESERVED_BITS, "reserved bits of guest entries"},
  };
  std::vector<std::string> words;
  for (const auto& left : kLeft) {
    if ((profile.leaves & left.leaves) != 0) words.emplace_back(left.words);
  }
  if (words.empty()) return;
  report.remarks.push_back(absl::StrCat(
      "declared: it leaves to hardware ", absl::StrJoin(words, ", "),
      "; of what it was asked, these would have refused ", steps,
      steps == 1 ? " step" : " steps"));
}

// Of what was asked in `seconds`, of which it waited so long for the target.
CheckReport ReportOf(const CheckOptions& options, TargetCheck& check,
                     TargetOracle& oracle, double seconds, double waited,
                     double proof) {
  CheckReport report;
  report.target = options.target;
  report.name = std::string(oracle.name());
  report.seconds = seconds;
  report.cases = check.statistics().cases();
  report.given = check.given();
  report.unfit = check.unfit();
  report.steps = check.statistics().oracles()[0].compared;
  report.disagreeing = check.disagreeing();
  if (report.cases != 0) {
    report.harness_microseconds =
        (seconds - waited) * 1e6 / static_cast<double>(report.cases);
  }
  report.edges = oracle.edges();
  const OracleCounts& counts = check.statistics().oracles()[0];
  for (std::size_t i = 1; i < kSkipCount; ++i) {
    if (counts.skipped[i] == 0) continue;
    report.skipped.emplace_back(std::string(WordsOf(static_cast<Skip>(i))),
                                counts.skipped[i]);
  }
  ProvenRules proven(oracle);
  Prove(check.kept(), proof, oracle, proven);
  report.rules = ReportRules(check.answers(), proven, oracle.profile());
  for (const TargetDeparture& told : check.departures()) {
    report.departures.push_back(DepartureOf(told, check, oracle));
  }
  std::vector<Departure> departures;
  for (const TargetDeparture& told : check.departures()) {
    departures.push_back(told.departure);
  }
  AddDialects(departures, report);
  for (const TargetCause& found : check.causes()) {
    report.findings.push_back(FindingOf(found, check, oracle));
  }
  for (const TargetFinding& found : check.findings()) {
    report.findings.push_back(FindingOf(found, check, oracle));
  }
  if (const CauseSearch& search = check.cause_search(); search.asked() != 0) {
    report.remarks.push_back(absl::StrCat(
        "experiments asked ", search.asked(), " questions, and the reference ",
        search.judged(), " times; --effort ", options.effort));
  }
  AddLeft(oracle.profile(), check.left(), report);
  if (const unsigned leaks = oracle.leaks() + check.scouts().leaks;
      leaks != 0) {
    report.remarks.push_back(absl::StrCat(
        "it keeps memory from case to case: its process was replaced ", leaks,
        leaks == 1 ? " time" : " times",
        ", with 768 MBytes more than it had to begin with"));
  }
  for (const auto& other : check.explanation().others) {
    std::string remark = "these explain the same answers:";
    for (const Alteration* alteration : other) {
      absl::StrAppend(&remark, " ", AlterationWords(*alteration), ";");
    }
    report.remarks.push_back(remark);
  }
  const bool unexplained =
      std::any_of(report.findings.begin(), report.findings.end(),
                  [](const CheckFinding& finding) {
                    return finding.identifier == "unexplained";
                  });
  if (const auto& nearest = check.explanation().nearest;
      unexplained && nearest.has_value()) {
    report.remarks.push_back(
        absl::StrCat("of what is unexplained, this comes nearest: ",
                     AlterationWords(*nearest->alteration),
                     " (it would explain ", nearest->explained,
                     " steps and contradict ", nearest->contradicted, ")"));
  }
  return report;
}

absl::Status WriteReports(const CheckOptions& options,
                          const CheckReports& reports) {
  const std::pair<const std::string&, std::string (*)(const CheckReports&)>
      formats[] = {{options.json, CheckJson},
                   {options.junit, CheckJUnit},
                   {options.sarif, CheckSarif},
                   {options.html, CheckPage}};
  for (const auto& [path, format] : formats) {
    if (path.empty()) continue;
    if (absl::Status s = WriteFile(path, format(reports)); !s.ok()) return s;
  }
  return WriteSmallestCases(reports, options.out);
}

void Ask(const CheckOptions& options, const std::vector<Case>& given,
         Clock::time_point start, TargetCheck& check) {
  CheckProgress progress;
  // In pieces, so that the line lives and an interrupt is heard. A program,
  // which may be slow, has nothing of many at a time.
  const std::size_t piece = IsSharedObject(options.target) ? 64 : 1;
  const auto goes_on = [&] {
    return !Interrupt::Came() &&
           (options.cases != 0 ||
            Since(start) < static_cast<double>(options.seconds) *
                               (check.agrees() ? kAskedIfAgrees : kAskedIfNot));
  };
  for (std::size_t i = 0; i < given.size() && goes_on(); i += piece) {
    check.TryGiven(
        std::span(given).subspan(i, std::min(piece, given.size() - i)));
    Show(check, Since(start), progress);
  }
  // Of a program, which may be slow, a round is no more than a batch.
  if (piece == 1) check.set_most_in_round(1);
  const std::uint64_t asked = check.statistics().cases();
  const auto left = [&] {
    const std::uint64_t done = check.statistics().cases() - asked;
    return options.cases == 0 ? UINT64_MAX : options.cases - done;
  };
  while (left() != 0 && goes_on()) {
    check.TryNew(left(), [&] {
      Show(check, Since(start), progress);
      return goes_on();
    });
  }
}

// What a program may have only one of, only its user knows.
unsigned JobsOf(const CheckOptions& options) {
  if (options.jobs != 0) return static_cast<unsigned>(options.jobs);
  return IsSharedObject(options.target)
             ? std::max(1u, std::thread::hardware_concurrency())
             : 1;
}

CheckReport CheckWalker(const CheckOptions& options, const Allowed& allowed,
                        const std::vector<Case>& given, TargetOracle& oracle,
                        const TargetOpener& open) {
  const Clock::time_point start = Clock::now();
  TargetCheck check(oracle, options.seed);
  check.set_effort(static_cast<unsigned>(options.effort));
  check.SendScouts(open, JobsOf(options));
  const auto before = oracle.waited();  // until it had described itself
  const auto after = [&](double seconds) {
    return start + std::chrono::duration_cast<Clock::duration>(
                       std::chrono::duration<double>(seconds));
  };
  const bool is_bounded = options.cases == 0;
  const auto bound = static_cast<double>(options.seconds);
  if (is_bounded) check.set_end(after(bound * kAskedIfNot));
  Ask(options, given, start, check);
  const double seconds = Since(start);
  const double waited =
      std::chrono::duration<double>(oracle.waited() - before).count();
  check.Conclude(after(
      is_bounded ? std::max(bound * kConcluded, seconds + kLeastConclusion)
                 : seconds + kMostConclusion));
  const double proof =
      is_bounded ? std::clamp(bound - Since(start), kLeastProof, kMostProof)
                 : kMostProof;
  const auto elsewhere = check.scouts().worked - check.idle();
  CheckReport report = ReportOf(
      options, check, oracle, seconds,
      waited - std::chrono::duration<double>(elsewhere).count(), proof);
  AddUnasked(given.size(), report);
  SetAside(allowed, report);
  return report;
}

std::string TakesNoArguments(const CheckOptions& options) {
  return options.target + " is a shared object, which takes no arguments";
}

// What to do with a finding: understand it, keep it, look at it in a debugger.
std::string NextText(const CheckOptions& options, const CheckReports& reports) {
  const bool any = std::any_of(
      reports.begin(), reports.end(), [](const CheckReport& report) {
        return report.kind != CheckedKind::kMemoryTypes && !report.agrees();
      });
  if (!any) return "";
  const std::string file = options.out.empty() ? "CASE" : options.out + "/CASE";
  return absl::StrCat(
      "\n  eptdiff rules RULE                                  what it says\n",
      options.out.empty()
          ? "  eptdiff check --out DIR ...                         keeps the "
            "cases\n"
          : "",
      "  gdb --args eptdiff explain --target ", options.target, " ", file,
      "\n");
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
              "condition of what no known mistake explains (25)");
  line.Text("allow", "LIST", &options.allow,
            "what is no finding: of a walker rules (CFG-9) and signatures, of "
            "a builder needless-invept, repeated-invept, empty-tables, "
            "partial-success, loss-on-failure, lossy-tables, "
            "break-before-make");
  line.Text("corpus", "DIR", &options.corpus,
            "cases to begin with (its own, that it was built with)");
  line.Text("out", "DIR", &options.out, "the smallest cases, a file for each");
  line.Text("json", "FILE", &options.json, "the report as JSON");
  line.Text("junit", "FILE", &options.junit, "the report as JUnit XML");
  line.Text("sarif", "FILE", &options.sarif, "the report as SARIF");
  line.Text("html", "FILE", &options.html, "the report as a page to look at");
  line.Flag("verbose", &options.verbose,
            "each rule in each situation, not families of rules");
  line.Choice("color", {"auto", "always", "never"}, &options.colour,
              "colour the output (auto: on a terminal)");
  line.Example("./libmine.so --seconds 60 --out cases --sarif report.sarif");
  line.Example("./libmine.so --html report.html");
  line.Example("./libmine.so --allow CFG-9,empty-tables");
  line.Example("-- ./my_walker_over_a_pipe --its-option");
  if (const auto exit = line.Parse(arguments, 1, SIZE_MAX)) return *exit;
  options.target = line.operands()[0];

  for (const std::string& file :
       {options.json, options.junit, options.sarif, options.html}) {
    absl::Status s = CheckFileCanBeWritten(file);
    if (!s.ok()) return ReportOutputError(s);
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
    reports.push_back(CheckWalker(options, *allowed, *given, *oracle, open));
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
    reports.push_back(CheckMtrr(*mtrr, {.target = options.target,
                                        .seconds = options.seconds,
                                        .cases = options.cases,
                                        .seed = options.seed}));
  }

  const Style style(WantsColour(options.colour, stdout));
  std::fputs(CheckText(reports, options.verbose, style).c_str(), stdout);
  if (!Agrees(reports)) std::fputs(NextText(options, reports).c_str(), stdout);
  if (absl::Status s = WriteReports(options, reports); !s.ok()) {
    return ReportOutputError(s);
  }
  if (Interrupt::Came()) {
    absl::FPrintF(stderr, "eptdiff check: %s\n",
                  Interrupt::Words(Since(start)));
  }
  if (!Agrees(reports)) return kExitDisagree;
  if (Interrupt::Came()) return kExitFailed;
  const bool answered =
      std::any_of(reports.begin(), reports.end(),
                  [](const CheckReport& report) { return report.steps != 0; });
  return answered ? kExitAgree : kExitNobodyAnswered;
}

}  // namespace eptdiff
