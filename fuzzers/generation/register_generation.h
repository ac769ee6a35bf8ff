// Steps that change what the next access meets: a write to a register of the
// guest, VM entry again with another field, VMFUNC of any leaf. Their values
// lie near what the case begins with, so that most of them complete.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_GENERATION_REGISTER_GENERATION_H_
#define EPTDIFF_FUZZERS_GENERATION_REGISTER_GENERATION_H_

#include <cstdint>

#include "fuzzers/entries/random.h"
#include "oracle/case.h"

namespace eptdiff {

Step GenerateRegisterWrite(Random& random, const Case& c);
Step GenerateEntryAgain(Random& random, const Case& c);
Step GenerateVmfunc(Random& random);

// Another value for a step of the first two kinds.
std::uint64_t GenerateWrittenValue(Random& random, const Case& c,
                                   const Step& step);

// Adds such a step, or INVLPG or INVPCID, and to some cases the control by
// which MOV to CR3 or these exit.
void AddChange(Random& random, Case& c);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_GENERATION_REGISTER_GENERATION_H_
