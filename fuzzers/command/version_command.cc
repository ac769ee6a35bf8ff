#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fuzzers/command/options/command_line.h"
#include "fuzzers/command/options/exit_code.h"
#include "fuzzers/command/subcommands.h"
#include "fuzzers/command/version/build_version.h"
#include "fuzzers/encoding/encoding.h"
#include "fuzzers/text/view.h"
#include "oracle/editions.h"
#include "oracle/rules.h"

namespace eptdiff {

int VersionCommand(const Arguments& arguments) {
  CommandLine line("version", "",
                   "Says which eptdiff this is: of which commit, with "
                   "which Bochs, and which edition of the SDM it cites.");
  if (const auto exit = line.Parse(arguments, 0, 0)) return *exit;
  const std::string commit = kBuildCommit, bochs = kBuildBochsVersion;
  absl::PrintF(
      "eptdiff %s%s\n%s\nSDM of %s, with the numbers of %s\n"
      "byte encoding %d, %d rules\n",
      EPTDIFF_VERSION, commit.empty() ? "" : absl::StrCat(", commit ", commit),
      bochs.empty() ? "built without Bochs" : absl::StrCat("Bochs ", bochs),
      View(kCitedEdition), View(kLaterEdition), kEncodingVersion, kRuleCount);
  return kExitAgree;
}

}  // namespace eptdiff
