// What no step of a case can ask, whatever the machine: a step that does is an
// error of the caller, and nobody learns anything from it.
// Thread-safety: a pure function.
#ifndef EPTDIFF_FUZZERS_ENTRIES_ASKABLE_H_
#define EPTDIFF_FUZZERS_ENTRIES_ASKABLE_H_

#include "oracle/case.h"

namespace eptdiff {

// Keeps addresses within what the processor and the mode have, and asynchronous
// accesses to where there are any.
void MakeAskable(Case& c);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_ENTRIES_ASKABLE_H_
