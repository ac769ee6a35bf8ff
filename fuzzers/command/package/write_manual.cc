// eptdiff_write_manual EPTDIFF VERSION FOLDER: the manual pages of a built
// eptdiff, from what its --help prints.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "fuzzers/command/package/man_page.h"

namespace eptdiff {
namespace {

// What the command prints; "" if it fails.
std::string OutputOf(const std::string& command) {
  std::FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return "";
  std::string output;
  char bytes[4096];
  for (std::size_t n; (n = std::fread(bytes, 1, sizeof bytes, pipe)) > 0;) {
    output.append(bytes, n);
  }
  return pclose(pipe) == 0 ? output : "";
}

bool Write(const std::string& folder, const ManPageHead& head,
           const std::string& help) {
  std::ofstream file(absl::StrCat(folder, "/", head.name, ".1"));
  file << ManPage(head, help);
  file.close();
  if (!help.empty() && file) return true;
  std::fprintf(stderr, "eptdiff_write_manual: no page for %s\n",
               head.name.c_str());
  return false;
}

// One page for the command and one for each subcommand, and no others.
int Run(const std::string& eptdiff, const std::string& version,
        const std::string& folder) {
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const std::string help = OutputOf(absl::StrCat("'", eptdiff, "' --help"));
  ManPageHead all = {.name = "eptdiff",
                     .summary = "differential tests of Intel EPT",
                     .version = version,
                     .see_also = {}};
  bool written = true;
  for (const HelpRow& row : RowsOf(help)) {
    const std::string name = absl::StrCat("eptdiff-", row.lead);
    all.see_also.push_back(name);
    written &=
        Write(folder, {name, row.text, version, {"eptdiff"}},
              OutputOf(absl::StrCat("'", eptdiff, "' ", row.lead, " --help")));
  }
  written &= Write(folder, all, help);
  return written ? 0 : 1;
}

}  // namespace
}  // namespace eptdiff

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  return eptdiff::Run(argv[1], argv[2], argv[3]);
}
