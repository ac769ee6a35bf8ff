#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "fuzzers/command/files/case_file.h"
#include "fuzzers/command/options/command_line.h"
#include "fuzzers/command/options/exit_code.h"
#include "fuzzers/command/options/report_error.h"
#include "fuzzers/command/subcommands.h"
#include "fuzzers/encoding/encoding.h"
#include "fuzzers/text/case_text.h"

namespace eptdiff {
namespace {

constexpr char kAbout[] =
    "Writes a case in the other notation: textproto for people, bytes for "
    "libFuzzer.\nIN may be - for the standard input. Bytes carry no "
    "explanation.";

std::string ToBytes(const Case& c) {
  const std::vector<std::uint8_t> bytes = EncodeCase(c);
  return std::string(bytes.begin(), bytes.end());
}

}  // namespace

int ConvertCommand(const Arguments& arguments) {
  CommandLine line("convert", "IN", kAbout);
  std::string out;
  std::string to;
  line.Text("o", "OUT", &out, "the file to write (standard output)");
  line.Choice("to", {"text", "bytes"}, &to,
              "the notation of OUT (the one that IN has not)");
  line.Example("--to bytes -o case.bytes case.textproto");
  line.Example("case.bytes");
  if (const auto exit = line.Parse(arguments, 1, 1)) return *exit;

  const auto content = ReadCaseFile(line.operands()[0]);
  if (!content.ok()) return ReportInputError(content.status());
  if (to.empty()) {
    to = content->notation == Notation::kText ? "bytes" : "text";
  }
  const std::string written = to == "text" ? FormatCase(content->text_case)
                                           : ToBytes(content->text_case.c);
  if (out.empty() || out == "-") {
    if (to == "bytes" && isatty(STDOUT_FILENO) == 1) {
      return line.Mistake("bytes are not for a terminal: name a file with -o");
    }
    std::fwrite(written.data(), 1, written.size(), stdout);
    return kExitAgree;
  }
  const absl::Status status = WriteFile(out, written);
  return status.ok() ? kExitAgree : ReportOutputError(status);
}

}  // namespace eptdiff
