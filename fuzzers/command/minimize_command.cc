#include <algorithm>
#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "fuzzers/command/distill/smallest.h"
#include "fuzzers/command/files/case_file.h"
#include "fuzzers/command/memory_types/memory_type_panel.h"
#include "fuzzers/command/options/command_line.h"
#include "fuzzers/command/options/exit_code.h"
#include "fuzzers/command/options/report_error.h"
#include "fuzzers/command/panel/oracles.h"
#include "fuzzers/command/subcommands.h"
#include "fuzzers/text/case_text.h"

namespace eptdiff {
namespace {

constexpr char kAbout[] =
    "Reduces a case while the same oracle disagrees in the same way, and "
    "writes it as\ntextproto with its explanation. Of a .mtrr file, while the "
    "code that --target\nnames does.\n"
    "Exit: 0 done, 2 bad input, or a case on which nobody disagrees.";

int Write(const std::string& text, const std::string& out) {
  if (out.empty() || out == "-") {
    std::fputs(text.c_str(), stdout);
    return kExitAgree;
  }
  const absl::Status status = WriteFile(out, text);
  return status.ok() ? kExitAgree : ReportOutputError(status);
}

int MinimizeMemoryTypes(const CommandLine& line, const std::string& target,
                        const std::string& signature, const std::string& out) {
  const std::string& file = line.operands()[0];
  const auto panel = MemoryTypePanel::Make(target);
  if (!panel.ok()) return line.Mistake(panel.status().message());
  const auto c = ReadMemoryTypeCase(file);
  if (!c.ok()) return ReportInputError(c.status());
  const auto small = (*panel)->Minimize(*c, signature);
  if (!small.ok()) {
    return ReportInputError(absl::FailedPreconditionError(
        absl::StrCat(file, ": ", small.status().message())));
  }
  absl::FPrintF(stderr, "%s\n", small->signature);
  return Write(FormatMemoryTypeCase(*small), out);
}

}  // namespace

int MinimizeCommand(const Arguments& arguments) {
  CommandLine line("minimize", "FILE", kAbout);
  OracleOptions options;
  options.AddTo(line);
  options.AddTargetTo(line);
  std::string out;
  std::string signature;
  line.Text("o", "OUT", &out, "the file to write (standard output)");
  line.Text("signature", "TEXT", &signature,
            "the finding to keep, of several (the first)");
  line.Example("--dialect sdm -o small.textproto found.textproto");
  if (const auto exit = line.Parse(arguments, 1, 1)) return *exit;
  const std::string& file = line.operands()[0];
  if (IsMemoryTypeFile(file)) {
    return MinimizeMemoryTypes(line, options.target, signature, out);
  }
  const auto panel = options.MakePanel();
  if (!panel.ok()) return line.Mistake(panel.status().message());

  const auto content = ReadCaseFile(file);
  if (!content.ok()) return ReportInputError(content.status());
  const Case& c = content->text_case.c;
  const std::vector<std::string> signatures = (*panel)->Findings(c);
  if (signatures.empty()) {
    return ReportInputError(absl::FailedPreconditionError(absl::StrCat(
        file, ": nobody disagrees on it, so there is nothing to keep; see ",
        "`eptdiff run`")));
  }
  if (signature.empty()) signature = signatures[0];
  if (std::find(signatures.begin(), signatures.end(), signature) ==
      signatures.end()) {
    return ReportInputError(absl::FailedPreconditionError(
        absl::StrCat(file, " does not show ", signature, "; it shows ",
                     absl::StrJoin(signatures, ", "))));
  }
  const Case small = Smallest(**panel, c, signature);
  const std::string text = FormatCase(Documented(**panel, small, signature));
  absl::FPrintF(stderr, "%s: %d records -> %d\n", signature,
                c.memory.size() + c.steps.size(),
                small.memory.size() + small.steps.size());
  return Write(text, out);
}

}  // namespace eptdiff
