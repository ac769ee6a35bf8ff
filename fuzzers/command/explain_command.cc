#include <cstdint>
#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"
#include "fuzzers/command/files/case_file.h"
#include "fuzzers/command/options/command_line.h"
#include "fuzzers/command/options/exit_code.h"
#include "fuzzers/command/options/report_error.h"
#include "fuzzers/command/panel/oracles.h"
#include "fuzzers/command/subcommands.h"
#include "fuzzers/command/words/explanation.h"
#include "fuzzers/command/words/style.h"

namespace eptdiff {
namespace {

constexpr char kAbout[] =
    "Tells each case step by step: the entries that are read, their bits in "
    "words, the\nrules that decide, what the SDM permits, and what each oracle "
    "answers.\nExit: 0, whether they agree or not; 2 bad input.";

std::string Heading(const std::string& file, const TextCase& text_case,
                    const Style& style) {
  std::string text = absl::StrCat(style.Bold(file), "\n");
  if (!text_case.explanation.empty()) {
    text += Wrapped(text_case.explanation, 2);
  }
  if (!text_case.signature.empty()) {
    absl::StrAppend(&text, "  ", text_case.signature, "\n");
  }
  return text + "\n";
}

}  // namespace

int ExplainCommand(const Arguments& arguments) {
  CommandLine line("explain", "FILE...", kAbout);
  OracleOptions options;
  options.AddTo(line);
  options.AddTargetTo(line);
  std::string colour = "auto";
  line.Choice("color", {"auto", "always", "never"}, &colour,
              "colour the output (auto: on a terminal)");
  line.Example("--target ./libmine.so cases/CASE.textproto");
  line.Example("--dialect sdm corpus/deviations/bochs-3.0/vio-8.textproto");
  if (const auto exit = line.Parse(arguments, 1, SIZE_MAX)) return *exit;
  const auto panel = options.MakePanel();
  if (!panel.ok()) return line.Mistake(panel.status().message());

  const Style style(WantsColour(colour, stdout));
  for (const std::string& file : line.operands()) {
    const auto content = ReadCaseFile(file);
    if (!content.ok()) return ReportInputError(content.status());
    const TextCase& text_case = content->text_case;
    const std::string text = absl::StrCat(
        &file == &line.operands()[0] ? "" : "\n",
        Heading(file, text_case, style), MachineText(text_case.c, style),
        Explain(**panel, text_case.c, style));
    std::fputs(text.c_str(), stdout);
  }
  return kExitAgree;
}

}  // namespace eptdiff
