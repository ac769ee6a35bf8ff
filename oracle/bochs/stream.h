// What an oracle answers to a stream of cases, as numbers that can be compared
// between programs, and as words once they differ.
#ifndef EPTDIFF_ORACLE_BOCHS_STREAM_H_
#define EPTDIFF_ORACLE_BOCHS_STREAM_H_

#include <cstdint>
#include <functional>
#include <string>

#include "oracle/case.h"
#include "oracle/machine_state.h"
#include "oracle/oracle.h"

namespace eptdiff {

// Puts `c` to `oracle`, step by step, each in the state that its answers have
// left; `see` gets each answer (after a skip there is no further one).
void Run(Oracle& oracle, const Case& c, MachineState& state,
         const std::function<void(Skip, const Outcome&)>& see);

// A number that differs if any field of an answer does.
std::uint64_t DigestOf(Skip skip, const Outcome& outcome);

// The same in words, on one line.
std::string Describe(Skip skip, const Outcome& outcome);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BOCHS_STREAM_H_
