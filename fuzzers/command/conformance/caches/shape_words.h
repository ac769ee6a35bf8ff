// Steps and answers in a few words, for the pages of shapes.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_CONFORMANCE_CACHES_SHAPE_WORDS_H_
#define EPTDIFF_FUZZERS_COMMAND_CONFORMANCE_CACHES_SHAPE_WORDS_H_

#include <string>

#include "oracle/case.h"
#include "oracle/machine_state.h"
#include "oracle/oracle.h"
#include "oracle/outcome.h"

namespace eptdiff {

// "read of 0x1234"; "0x4008: 0x9037 ──▶ 0xa037" of a store.
std::string ShapeStepWords(const MachineState& before, const Step& step);

// "completes at 0x9234, 0x4008 becomes 0x9337"; "EPT violation, qualification
// 0x581". In the fields that its oracle fills in.
std::string AnswerWords(const MachineState& before, const Outcome& outcome,
                        FieldSet fields = kAllFields);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_CONFORMANCE_CACHES_SHAPE_WORDS_H_
