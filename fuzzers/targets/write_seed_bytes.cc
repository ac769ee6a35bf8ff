// Writes the hand-written cases of the rules
// (oracle/reference/witnesses/witnesses.h) and of builders
// (oracle/builder/judge/table_witnesses.h, example_witnesses.h) as the fuzz
// targets' bytes: one file for each, named like it. The standard library is all
// that it needs; the corpus itself is text, which takes more.
//
// Usage: write_seed_bytes DIRECTORY
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "fuzzers/encoding/canonical.h"
#include "fuzzers/encoding/encoding.h"
#include "oracle/builder/judge/example_witnesses.h"
#include "oracle/builder/judge/table_witnesses.h"
#include "oracle/case.h"
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

bool WriteBytes(const std::string& path,
                const std::vector<std::uint8_t>& bytes) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return false;
  const bool written =
      std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  return std::fclose(file) == 0 && written;
}

bool Write(const std::string& directory, std::string_view name, Case c) {
  Canonicalise(c);
  const std::string path = directory + "/" + std::string(name);
  if (WriteBytes(path, EncodeCase(c))) return true;
  std::perror(path.c_str());
  return false;
}

bool WriteAll(const std::string& directory) {
  for (const NamedCase& witness : Witnesses()) {
    if (!Write(directory, witness.name, witness.c)) return false;
  }
  for (const TableWitness& witness : TableWitnesses()) {
    if (!Write(directory, witness.name, witness.c)) return false;
  }
  for (const auto& witnesses : {LogWitnesses(), ViewWitnesses()}) {
    for (const ExampleWitness& witness : witnesses) {
      if (!Write(directory, witness.name, witness.c)) return false;
    }
  }
  return true;
}

}  // namespace
}  // namespace eptdiff

int main(int argc, char** argv) {
  if (argc == 2) return eptdiff::WriteAll(argv[1]) ? 0 : 1;
  std::fprintf(stderr, "Usage: write_seed_bytes DIRECTORY\n");
  return 2;
}
