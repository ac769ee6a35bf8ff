// The seed corpus: the hand-written cases of the rules and of builders, as
// text. Thread-safety: pure function.
#ifndef EPTDIFF_FUZZERS_COMMAND_FILES_SEEDS_H_
#define EPTDIFF_FUZZERS_COMMAND_FILES_SEEDS_H_

#include <string>
#include <vector>

#include "fuzzers/text/case_text.h"

namespace eptdiff {

struct Seed {
  std::string name;  // of the case
  TextCase text_case;
};

// Where the seed lies below the folder of the seeds: in one of its rule's
// family, "cfg/cfg-8-bit-12.textproto".
std::string PathOf(const Seed& seed);

// In the order of Witnesses(), then of TableWitnesses(), LogWitnesses() and
// ViewWitnesses(); each name occurs once.
std::vector<Seed> Seeds();

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_FILES_SEEDS_H_
