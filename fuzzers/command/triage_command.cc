#include <cstdio>
#include <string>

#include "absl/strings/str_format.h"
#include "fuzzers/command/files/writable.h"
#include "fuzzers/command/fuzz/triage.h"
#include "fuzzers/command/options/command_line.h"
#include "fuzzers/command/options/exit_code.h"
#include "fuzzers/command/options/report_error.h"
#include "fuzzers/command/panel/oracles.h"
#include "fuzzers/command/subcommands.h"

namespace eptdiff {
namespace {

constexpr char kAbout[] =
    "Reads libFuzzer's artifacts in DIR (crash-*, timeout-*, ..., and as "
    "ClusterFuzz names its testcases), groups them by signature, minimises one "
    "for each, and writes it with its explanation "
    "as\nOUT/<signature>.textproto. Signatures that have one cause, as "
    "experiments find\nout, have one file, which names them.\nExit: 0 none "
    "reproduces, 1 a "
    "disagreement, 2 bad input.";

}  // namespace

int TriageCommand(const Arguments& arguments) {
  CommandLine line("triage", "DIR", kAbout);
  OracleOptions options;
  options.AddTo(line);
  std::string out = "corpus/regressions";
  line.Text("out", "OUT", &out,
            "where the cases are written (corpus/regressions)");
  line.Example("build/fuzz/artifacts --out build/regressions");
  if (const auto exit = line.Parse(arguments, 1, 1)) return *exit;
  if (const auto panel = options.MakePanel(); !panel.ok()) {
    return line.Mistake(panel.status().message());
  }
  if (absl::Status s = CheckDirectoryCanBeMade(out); !s.ok()) {
    return ReportOutputError(s);
  }
  const auto artifacts = ArtifactsIn(line.operands()[0]);
  if (!artifacts.ok()) return ReportInputError(artifacts.status());
  const auto result = Triage(*artifacts, options, out);
  if (!result.ok()) return ReportOutputError(result.status());
  std::fputs(TriageText(*result).c_str(), stdout);
  absl::PrintF("%d artifacts: %d signatures, %d crashes, %d do not reproduce\n",
               artifacts->size(), result->signatures.size(),
               result->crashes.size(), result->unreproduced.size());
  return result->signatures.empty() && result->crashes.empty() ? kExitAgree
                                                               : kExitDisagree;
}

}  // namespace eptdiff
