// The files of a corpus, in either notation.
// Thread-safety: these functions may be called from several threads.
#ifndef EPTDIFF_FUZZERS_COMMAND_FILES_CORPUS_H_
#define EPTDIFF_FUZZERS_COMMAND_FILES_CORPUS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace eptdiff {

// The cases under `directory`, at any depth, in alphabetical order: .textproto
// files, and those without an ending, as libFuzzer names its own.
// kFailedPrecondition if it is no directory or cannot be read.
absl::StatusOr<std::vector<std::string>> CasesUnder(
    const std::string& directory);

// Likewise those about memory types: .mtrr files (memory_type_text.h).
absl::StatusOr<std::vector<std::string>> MemoryTypeCasesUnder(
    const std::string& directory);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_FILES_CORPUS_H_
