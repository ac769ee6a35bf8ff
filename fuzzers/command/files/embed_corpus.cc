// Writes the corpus as an array of bytes for the compiler: of each case its
// length, in two bytes, the lower first, and its encoding
// (fuzzers/encoding/encoding.h).
//
// Usage: embed_corpus DIRECTORY OUTPUT
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "fuzzers/command/files/case_file.h"
#include "fuzzers/command/files/corpus.h"
#include "fuzzers/encoding/encoding.h"

namespace eptdiff {
namespace {

static_assert(kMaxEncodedBytes <= 0x10000, "a length has two bytes");

absl::StatusOr<std::string> Embedded(const std::string& directory) {
  const auto files = CasesUnder(directory);
  if (!files.ok()) return files.status();
  std::string text;
  for (const std::string& file : *files) {
    const auto content = ReadCaseFile(file);
    if (!content.ok()) return content.status();
    const Case& c = content->text_case.c;
    const std::vector<std::uint8_t> bytes = EncodeCase(c);
    if (DecodeCase(bytes) != c) {
      return absl::InvalidArgumentError(
          absl::StrCat(file, ": not canonical, or beyond a limit"));
    }
    absl::StrAppend(&text, bytes.size() & 0xff, ",", bytes.size() >> 8);
    for (const std::uint8_t byte : bytes) absl::StrAppend(&text, ",", byte);
    absl::StrAppend(&text, ",\n");
  }
  return text;
}

int Main(const std::string& directory, const std::string& output) {
  const absl::StatusOr<std::string> text = Embedded(directory);
  const absl::Status status =
      text.ok() ? WriteFile(output, *text) : text.status();
  if (status.ok()) return 0;
  std::fprintf(stderr, "embed_corpus: %s\n", status.ToString().c_str());
  return 1;
}

}  // namespace
}  // namespace eptdiff

int main(int argc, char** argv) {
  if (argc == 3) return eptdiff::Main(argv[1], argv[2]);
  std::fprintf(stderr, "Usage: embed_corpus DIRECTORY OUTPUT\n");
  return 2;
}
