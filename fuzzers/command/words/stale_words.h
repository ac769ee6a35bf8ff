// What was kept too long, in words. Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_WORDS_STALE_WORDS_H_
#define EPTDIFF_FUZZERS_COMMAND_WORDS_STALE_WORDS_H_

#include <string>

#include "oracle/case.h"
#include "oracle/judgement/stale_use.h"
#include "oracle/judgement/trial.h"
#include "oracle/oracle.h"

namespace eptdiff {

// "uses the PDE as it was before step 2; INVEPT in step 4 ended that
// (CACHE-6)".
std::string StaleUseWords(const Case& c, const StaleUse& use);

// "was 0x9037 before step 2: may still be used", or what ended that.
std::string PastValueWords(const Case& c, const PastValue& value);

// The same of the answer to `c` that `standings` tells of, which disagrees; ""
// if it is not one that is stale.
std::string StaleWords(const Case& c, const Oracle& oracle,
                       const Standings& standings);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_WORDS_STALE_WORDS_H_
