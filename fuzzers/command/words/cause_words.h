// What an experiment found out, in a sentence: what the target does, when, and
// what follows. Bits, fields and levels are named as the SDM names them.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_WORDS_CAUSE_WORDS_H_
#define EPTDIFF_FUZZERS_COMMAND_WORDS_CAUSE_WORDS_H_

#include <span>
#include <string>
#include <vector>

#include "fuzzers/experiment/cause.h"

namespace eptdiff {

// "takes bit 12 of a PDE that maps a page for 0, if and only if the access is a
// fetch: an access completes that the SDM has end in VM exit 49 (EPT
// misconfiguration)".
// `likewise`: the same mistake, under other conditions, or in the other
// dimension.
std::string CauseWords(const Cause& cause,
                       std::span<const Cause> likewise = {});

// The experiment's table: a line for each thing that the condition says.
std::vector<std::string> ExperimentWords(const Cause& cause);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_WORDS_CAUSE_WORDS_H_
