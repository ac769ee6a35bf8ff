// The corpus as it was when eptdiff was built, inside eptdiff itself: one that
// was installed or moved has it still.
// Thread-safety: pure function.
#ifndef EPTDIFF_FUZZERS_COMMAND_FILES_EMBEDDED_CORPUS_H_
#define EPTDIFF_FUZZERS_COMMAND_FILES_EMBEDDED_CORPUS_H_

#include <vector>

#include "oracle/case.h"

namespace eptdiff {

// The cases of corpus/, in the alphabetical order of their files.
std::vector<Case> EmbeddedCorpus();

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_FILES_EMBEDDED_CORPUS_H_
