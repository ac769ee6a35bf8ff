#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "fuzzers/command/check/check_progress.h"
#include "fuzzers/command/files/case_file.h"
#include "fuzzers/command/files/corpus.h"
#include "fuzzers/command/files/embedded_corpus.h"
#include "fuzzers/command/files/writable.h"
#include "fuzzers/command/fuzz/interrupt.h"
#include "fuzzers/command/fuzz/seconds_since.h"
#include "fuzzers/command/image/boot_files.h"
#include "fuzzers/command/image/machine_report.h"
#include "fuzzers/command/image/machine_run.h"
#include "fuzzers/command/options/command_line.h"
#include "fuzzers/command/options/exit_code.h"
#include "fuzzers/command/options/report_error.h"
#include "fuzzers/command/page/report_files.h"
#include "fuzzers/command/report/check_files.h"
#include "fuzzers/command/subcommands.h"
#include "fuzzers/command/words/style.h"
#include "oracle/processor/report_reader.h"
#include "oracle/reference/dialects/known_dialects.h"

namespace eptdiff {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr char kAbout[] =
    "Makes something that boots, and asks the machine that it boots on: a "
    "computer with\nVT-x, or a hypervisor's guest with nested VT-x. It puts "
    "CASES (files, or folders of\nthem) to the machine, then makes new ones, "
    "and tells over the first serial line and\nthe screen what came of it. "
    "With --run it is started here; with --log, what a machine\ntold becomes "
    "the report of eptdiff check. The guide is oracle/processor/README.md.\n"
    "Exit: 0 the machine agrees, or the image is made, 1 it does not agree, 2 "
    "bad input,\n3 it could be asked nothing, 4 it did not come to its end, or "
    "a file cannot be\nwritten.";

constexpr std::size_t kToldTroubles = 10;
constexpr std::size_t kMaxLogBytes = std::size_t{1} << 30;
// Beside the time for new cases: firmware, and the cases that are given.
constexpr std::uint64_t kTimeForTheRest = 300;
// To make cases small.
constexpr std::chrono::seconds kTime{60};

struct ImageOptions {
  std::string image;
  bool corpus = false;
  BootOptions boot;
  std::string run;
  std::string model;
  std::uint64_t memory = 0;
  std::uint64_t limit = 0;
  std::string save_log;
  std::string log;
  std::string machine;
  std::string out;
  ReportFiles files;
  std::string colour = "auto";
};

std::string Counted(std::uint64_t count, const char* what) {
  return absl::StrCat(count, " ", what, count == 1 ? "" : "s");
}

absl::Status AddFile(const std::string& file, std::vector<GivenCase>& cases) {
  const auto content = ReadCaseFile(file);
  if (!content.ok()) return content.status();
  cases.push_back({file, content->text_case.c});
  return absl::OkStatus();
}

absl::StatusOr<std::vector<GivenCase>> CasesFor(
    const ImageOptions& options, const std::vector<std::string>& operands) {
  std::vector<GivenCase> cases;
  for (const std::string& operand : operands) {
    std::error_code error;
    if (!fs::is_directory(operand, error)) {
      if (absl::Status s = AddFile(operand, cases); !s.ok()) return s;
      continue;
    }
    const auto files = CasesUnder(operand);
    if (!files.ok()) return files.status();
    for (const std::string& file : *files) {
      if (absl::Status s = AddFile(file, cases); !s.ok()) return s;
    }
  }
  if (options.corpus) {
    std::size_t number = 0;
    for (Case& c : EmbeddedCorpus()) {
      cases.push_back({absl::StrCat("corpus/", ++number), std::move(c)});
    }
  }
  return cases;
}

void TellTroubles(const std::string& log, const ImageReport& answers) {
  std::size_t told = 0;
  for (const LogTrouble& trouble : answers.troubles) {
    if (told++ == kToldTroubles) break;
    absl::FPrintF(stderr, "%s:%d: %s\n", log, trouble.line, trouble.words);
  }
  if (answers.troubles.size() > told) {
    absl::FPrintF(stderr, "%s: and %d more like these\n", log,
                  answers.troubles.size() - told);
  }
}

absl::Status WriteReports(const ImageOptions& options,
                          const ImageReport& answers,
                          const CheckReports& reports) {
  if (absl::Status s = options.files.Write(reports); !s.ok()) return s;
  if (!options.machine.empty()) {
    const absl::Status s = WriteFile(
        options.machine, MachineJson(fs::path(options.machine).stem().string(),
                                     answers, reports.front()));
    if (!s.ok()) return s;
  }
  return WriteSmallestCases(reports, options.out);
}

// Why there is nothing to report of what a machine told, and the exit status;
// none if there is.
std::optional<int> NothingTold(const ImageOptions& options,
                               const std::string& log,
                               const ImageReport& answers) {
  TellTroubles(log, answers);
  if (!answers.begun) {
    absl::FPrintF(stderr,
                  "eptdiff image: %s has nothing in it that an image of this "
                  "version told\n",
                  log);
    return options.log.empty() ? kExitNobodyAnswered : kExitBadInput;
  }
  if (answers.refused.empty()) return std::nullopt;
  std::string words =
      absl::StrCat("It can be asked nothing: ", answers.refused, ".");
  if (!answers.advice.empty()) {
    absl::StrAppend(&words, " What to do: ", answers.advice, ".");
  }
  absl::PrintF("%s\n%s", MachineWords(answers.machine), Wrapped(words, 2));
  return kExitNobodyAnswered;
}

int Tell(const ImageOptions& options, const ImageReport& answers,
         const MachineReport& told) {
  const CheckReports reports = {told.report};
  const Style style(WantsColour(options.colour, stdout));
  std::fputs(CheckText(reports, false, style).c_str(), stdout);
  if (absl::Status s = WriteReports(options, answers, reports); !s.ok()) {
    return ReportOutputError(s);
  }
  if (!Agrees(reports) || answers.counts.departs != 0) return kExitDisagree;
  if (answers.counts.harness != 0 || !answers.ended) return kExitFailed;
  return answers.counts.steps != 0 ? kExitAgree : kExitNobodyAnswered;
}

int ReadLog(const ImageOptions& options) {
  const auto text = ReadBytes(options.log, kMaxLogBytes);
  if (!text.ok()) return ReportInputError(text.status());
  ReportReader reader;
  reader.Add(*text);
  reader.Finish();
  const ImageReport& answers = reader.report();
  const auto nothing = NothingTold(options, options.log, answers);
  if (nothing.has_value()) return *nothing;
  return Tell(options, answers,
              ReportOfMachine(answers, options.log, Clock::now() + kTime));
}

// What was told in one run, from its beginning to its end.
struct Told {
  ReportReader reader;
  std::string log;
  MachineEnd end;
};

absl::Status Start(const ImageOptions& options, const std::string& iso,
                   const std::string& room, Told& told) {
  const Clock::time_point start = Clock::now();
  CheckProgress progress;
  const auto end = RunMachine(
      {.machine = options.run,
       .model = options.model,
       .memory = static_cast<int>(options.memory),
       .iso = iso,
       .limit = std::chrono::seconds(options.limit),
       .room = room},
      [&](absl::string_view bytes) {
        told.reader.Add(std::string_view(bytes.data(), bytes.size()));
        absl::StrAppend(&told.log, bytes);
        const ReportCounts& counts = told.reader.report().counts;
        progress.Show(SecondsSince(start), [&] {
          return absl::StrFormat(
              "%s  %d cases  agrees %d  departs %d  skipped %d  harness %d",
              options.run, counts.cases, counts.agrees, counts.departs,
              counts.skipped, counts.harness);
        });
      });
  if (!end.ok()) return end.status();
  told.reader.Finish();
  told.end = *end;
  return absl::OkStatus();
}

// Boots it once more, for the smallest cases alone.
void AskAgain(const ImageOptions& options, const std::string& room,
              MachineReport& report) {
  const std::vector<GivenCase> cases = CasesToAskAgain(report);
  if (cases.empty() || Interrupt::Came()) return;
  const std::string iso = room + "/again.iso";
  BootOptions boot;
  boot.seconds = 0;
  boot.without = options.boot.without;
  boot.with = options.boot.with;
  boot.dialect = options.boot.dialect;
  Told told;
  absl::Status s = WriteBootFile(iso, ModuleBytes(cases), boot);
  if (s.ok()) s = Start(options, iso, room, told);
  if (!s.ok() || !told.reader.report().ended) return;
  TakeAgain(told.reader.report(), report);
}

int RunHere(const ImageOptions& options, const std::string& iso,
            const std::string& room) {
  const Clock::time_point start = Clock::now();
  Told told;
  if (absl::Status s = Start(options, iso, room, told); !s.ok()) {
    return ReportOutputError(s);
  }
  if (!options.save_log.empty()) {
    if (absl::Status s = WriteFile(options.save_log, told.log); !s.ok()) {
      return ReportOutputError(s);
    }
  }
  const ImageReport& answers = told.reader.report();
  if (Interrupt::Came()) {
    absl::FPrintF(stderr, "eptdiff image: %s\n",
                  Interrupt::Words(SecondsSince(start)));
  } else if (!told.end.in_time) {
    absl::FPrintF(stderr, "eptdiff image: %s did not end within %s\n",
                  options.run, Counted(options.limit, "second"));
  }
  const bool too_early =
      told.end.in_time && !answers.ended && answers.refused.empty();
  if (too_early && !told.end.said.empty()) {
    absl::FPrintF(stderr, "%s ended (%s), and said last:\n%s\n", options.run,
                  told.end.how, told.end.said);
  }
  const std::string name =
      options.save_log.empty() ? options.run : options.save_log;
  const auto nothing = NothingTold(options, name, answers);
  if (nothing.has_value()) return *nothing;
  MachineReport report = ReportOfMachine(answers, name, Clock::now() + kTime);
  for (const std::string& panic : told.end.panics) {
    report.report.remarks.push_back(
        absl::StrCat("it panicked, and went on: ", panic));
  }
  AskAgain(options, room, report);
  return Tell(options, answers, report);
}

std::string NextText(const ImageOptions& options, std::size_t cases) {
  std::string text = absl::StrCat(
      options.image, ": ",
      cases == 0 ? "no cases given" : Counted(cases, "case"),
      ", then new ones for ", Counted(options.boot.seconds, "second"), "\n");
  if (absl::EndsWith(options.image, ".iso")) {
    absl::StrAppend(
        &text, "  dd if=", options.image,
        " of=/dev/STICK bs=4M conv=fsync    # all that is on it is lost\n"
        "  qemu-system-x86_64 -enable-kvm -cpu host -m 3G -cdrom ",
        options.image, " \\\n      -serial file:eptdiff.log\n");
  } else if (absl::EndsWith(options.image, ".efi")) {
    absl::StrAppend(&text, "  on a stick that has a FAT file system:\n  cp ",
                    options.image, " STICK/EFI/BOOT/BOOTX64.EFI\n  cp ",
                    options.image, ".words STICK/eptdiff.words\n",
                    cases == 0 ? ""
                               : absl::StrCat("  cp ", options.image,
                                              ".cases STICK/eptdiff.cases\n"),
                    "  what it finds will be in STICK/eptdiff.log\n");
  } else if (cases != 0) {
    absl::StrAppend(&text,
                    "  the cases are a module of their own: ", options.image,
                    ".cases\n");
  }
  return absl::StrCat(text, "  eptdiff image --log eptdiff.log\n");
}

std::string Misused(const ImageOptions& options,
                    const std::vector<std::string>& operands) {
  if (!options.log.empty() && (!options.run.empty() || !options.image.empty() ||
                               options.corpus || !operands.empty())) {
    return "--log reads what a machine has told, and makes and runs nothing";
  }
  if (!options.boot.dialect.empty() &&
      !FindDialect(options.boot.dialect).has_value()) {
    return absl::StrCat("there is no dialect \"", options.boot.dialect,
                        "\"; eptdiff dialect lists them");
  }
  if (options.run.empty()) {
    if (!options.model.empty()) return "--cpu is of --run";
    if (options.memory != 0) return "--memory is of --run";
    if (!options.save_log.empty()) return "--save-log is of --run";
    if (options.limit != 0) return "--limit is of --run";
  }
  if (options.run.empty() && options.log.empty()) {
    for (const auto& [name, value] : {std::pair("--machine", &options.machine),
                                      std::pair("--out", &options.out)}) {
      if (!value->empty()) return absl::StrCat(name, " is of --run or --log");
    }
    if (const std::string name = options.files.Named(); !name.empty()) {
      return absl::StrCat(name, " is of --run or --log");
    }
  }
  if (!options.image.empty() && !IsBootFile(options.image)) {
    return absl::StrCat(
        "--image takes a name that ends in .iso, .elf or .efi, not \"",
        options.image, "\"");
  }
  if (!options.run.empty() && !options.image.empty() &&
      !absl::EndsWith(options.image, ".iso")) {
    return "--run starts from an .iso";
  }
  return "";
}

}  // namespace

int ImageCommand(const Arguments& arguments) {
  CommandLine line("image", "[CASES...]", kAbout);
  ImageOptions options;
  line.Text("image", "FILE", &options.image,
            "what is made: a disc or stick (.iso), or a program for boot "
            "loaders (.elf) or for UEFI (.efi) with the cases beside it "
            "(eptdiff.iso)");
  line.Flag("corpus", &options.corpus,
            "also the corpus that this command was built with");
  line.Number("seconds", "N", 0, 10'000'000, &options.boot.seconds,
              "how long it asks new cases (60)");
  line.Number("seed", "N", 0, ~std::uint64_t{0}, &options.boot.seed,
              "which new cases (1)");
  line.Number("repeat", "N", 1, 1'000'000'000, &options.boot.repeat,
              "how often each case is asked (1)");
  line.Choice("only", {"ept", "linear", "caches"}, &options.boot.only,
              "new cases of this kind (of all)");
  line.Text("dialect", "NAME", &options.boot.dialect,
            "answers are judged by this dialect, and not by the SDM: what is "
            "known of a machine is then no finding");
  line.Text("words", "TEXT", &options.boot.words,
            "further words for the image's command line "
            "(oracle/processor/image/README.md)");
  line.Choice("run", MachineNames(), &options.run,
              "start it here, in this machine");
  line.Text("cpu", "MODEL", &options.model,
            "of --run: the processor, as the machine names its own");
  line.Number("memory", "N", 32, 65536, &options.memory,
              "of --run: MBytes of memory (3072: with less than 2048, cases "
              "with pages of 1 GByte are skipped)");
  line.Number("limit", "N", 1, 10'000'000, &options.limit,
              "of --run: seconds after which the machine is ended (those for "
              "new cases, and 300)");
  line.Text("save-log", "FILE", &options.save_log,
            "of --run: what the serial line said");
  line.Text("log", "FILE", &options.log,
            "what a machine told over its serial line");
  line.Text("machine", "NAME.json", &options.machine,
            "the machine and what it does, for corpus/machines");
  line.Text("out", "DIR", &options.out, "the smallest cases, a file for each");
  options.files.AddOptions(line);
  line.Colour(&options.colour);
  line.Example("--corpus --image eptdiff.iso");
  line.Example("--run bochs-3.0 --seconds 60 --out cases");
  line.Example("--log serial.log --json report.json --out cases");
  if (const auto exit = line.Parse(arguments, 0, SIZE_MAX)) return *exit;
  if (const std::string mistake = Misused(options, line.operands());
      !mistake.empty()) {
    return line.Mistake(mistake);
  }
  for (const std::string& file :
       {options.image, options.save_log, options.machine}) {
    if (absl::Status s = CheckFileCanBeWritten(file); !s.ok()) {
      return ReportOutputError(s);
    }
  }
  if (absl::Status s = options.files.CheckCanBeWritten(); !s.ok()) {
    return ReportOutputError(s);
  }
  if (absl::Status s = CheckDirectoryCanBeMade(options.out); !s.ok()) {
    return ReportOutputError(s);
  }
  if (!options.log.empty()) return ReadLog(options);

  const Interrupt interrupt;
  const auto cases = CasesFor(options, line.operands());
  if (!cases.ok()) return ReportInputError(cases.status());
  const std::string module = cases->empty() ? "" : ModuleBytes(*cases);
  if (options.run.empty()) {
    if (options.image.empty()) options.image = "eptdiff.iso";
    absl::Status s = WriteBootFile(options.image, module, options.boot);
    if (!s.ok()) return ReportOutputError(s);
    std::fputs(NextText(options, cases->size()).c_str(), stdout);
    return kExitAgree;
  }

  options.boot.without = NotSurvivedBy(options.run);
  options.boot.with = SurvivedBy(options.run);
  if (options.limit == 0) {
    options.limit = options.boot.seconds + kTimeForTheRest;
  }
  std::string room = (fs::temp_directory_path() / "eptdiff-XXXXXX").string();
  if (mkdtemp(room.data()) == nullptr) {
    return ReportOutputError(
        absl::ErrnoToStatus(errno, absl::StrCat("cannot make ", room)));
  }
  const absl::Cleanup remove = [&] {
    std::error_code ignored;
    fs::remove_all(room, ignored);
  };
  const std::string iso =
      options.image.empty() ? room + "/eptdiff.iso" : options.image;
  if (absl::Status s = WriteBootFile(iso, module, options.boot); !s.ok()) {
    return ReportOutputError(s);
  }
  return RunHere(options, iso, room);
}

}  // namespace eptdiff
