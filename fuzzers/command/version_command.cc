#include <cstdio>

#include "absl/strings/str_format.h"
#include "fuzzers/command/options/command_line.h"
#include "fuzzers/command/options/exit_code.h"
#include "fuzzers/command/subcommands.h"
#include "fuzzers/encoding/encoding.h"
#include "oracle/rules.h"

namespace eptdiff {

int VersionCommand(const Arguments& arguments) {
  CommandLine line("version", "", "Says which eptdiff this is.");
  if (const auto exit = line.Parse(arguments, 0, 0)) return *exit;
  absl::PrintF("eptdiff %s\nbyte encoding %d, %d rules\n", EPTDIFF_VERSION,
               kEncodingVersion, kRuleCount);
  return kExitAgree;
}

}  // namespace eptdiff
