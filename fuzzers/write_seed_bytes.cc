// Writes the hand-written cases of the rules (oracle/reference/witnesses.h) as
// the fuzz targets' bytes: one file for each, named like it. The standard
// library is all that it needs; the corpus itself is text, which takes more.
//
// Usage: write_seed_bytes DIRECTORY
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "fuzzers/canonical.h"
#include "fuzzers/encoding.h"
#include "oracle/reference/witnesses.h"

namespace eptdiff {
namespace {

bool Write(const std::string& path, const std::vector<std::uint8_t>& bytes) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return false;
  const bool written =
      std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  return std::fclose(file) == 0 && written;
}

int WriteAll(const std::string& directory) {
  for (const NamedCase& witness : Witnesses()) {
    Case c = witness.c;
    Canonicalise(c);
    const std::string path = directory + "/" + std::string(witness.name);
    if (Write(path, EncodeCase(c))) continue;
    std::perror(path.c_str());
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace eptdiff

int main(int argc, char** argv) {
  if (argc == 2) return eptdiff::WriteAll(argv[1]);
  std::fprintf(stderr, "Usage: write_seed_bytes DIRECTORY\n");
  return 2;
}
