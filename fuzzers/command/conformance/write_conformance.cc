// Writes corpus/conformance: the cases of conformance.h, a file for each.
//
// Usage: eptdiff_write_conformance DIRECTORY
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>

#include "absl/status/status.h"
#include "fuzzers/command/conformance/conformance.h"
#include "fuzzers/command/files/case_file.h"
#include "fuzzers/text/case_text.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "Usage: eptdiff_write_conformance DIRECTORY\n");
    return 2;
  }
  for (const auto& known : eptdiff::AllConformanceCases()) {
    const std::filesystem::path path =
        std::filesystem::path(argv[1]) / (known.name + ".textproto");
    std::error_code ignored;  // writing will say
    std::filesystem::create_directories(path.parent_path(), ignored);
    const absl::Status written =
        eptdiff::WriteFile(path.string(), eptdiff::FormatCase(known.text_case));
    if (written.ok()) continue;
    std::fprintf(stderr, "eptdiff_write_conformance: %s\n",
                 std::string(written.message()).c_str());
    return 4;
  }
  return 0;
}
