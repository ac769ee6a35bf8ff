// Writes the hand-written cases of the rules
// (oracle/reference/witnesses/witnesses.h) as the seed corpus: one textproto
// for each, named like it, in a folder for each family of rules.
//
// Usage: eptdiff_write_seeds DIRECTORY
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>

#include "absl/status/status.h"
#include "fuzzers/command/files/case_file.h"
#include "fuzzers/command/files/seeds.h"
#include "fuzzers/text/case_text.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "Usage: eptdiff_write_seeds DIRECTORY\n");
    return 2;
  }
  for (const eptdiff::Seed& seed : eptdiff::Seeds()) {
    const std::filesystem::path path =
        std::filesystem::path(argv[1]) / eptdiff::PathOf(seed);
    std::error_code unmade;  // writing will say why
    std::filesystem::create_directories(path.parent_path(), unmade);
    const absl::Status written =
        eptdiff::WriteFile(path.string(), eptdiff::FormatCase(seed.text_case));
    if (written.ok()) continue;
    std::fprintf(stderr, "eptdiff_write_seeds: %s\n",
                 std::string(written.message()).c_str());
    return 4;
  }
  return 0;
}
