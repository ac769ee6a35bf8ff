// A shape in text: its tables with what becomes of them, and its steps.
//
//   EPTP 0x101e
//   └─ PML4E 0x1000: 0x2007 rwx
//      └─ PDPTE 0x2000: 0x3007 rwx
//         └─ PDE 0x3000: 0x4007 rwx
//            ├─ PTE 0x4008: 0x9037 rwx WB ──▶ 0x9000, until step 2
//            └─ PTE 0x4008: 0xa037 rwx WB ──▶ 0xa000, from step 2
//
//    │ 1  processor 0  read of 0x1234: completes at 0x9234
//    │ 2  memory       0x4008: 0x9037 ──▶ 0xa037
//    ▼ 3  processor 0  read of 0x1234: ?
//
// What leads to the address of the last step is drawn, as it was before each
// step. For people: nothing is computed from it.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_CONFORMANCE_CACHES_DRAWING_H_
#define EPTDIFF_FUZZERS_COMMAND_CONFORMANCE_CACHES_DRAWING_H_

#include <string>
#include <vector>

#include "oracle/case.h"
#include "oracle/machine_state.h"
#include "oracle/outcome.h"

namespace eptdiff {

// `before` are the states before each step of `c`, `answers` those of all but
// the last.
std::string TablesDrawing(const Case& c,
                          const std::vector<MachineState>& before);
std::string StepsDrawing(const Case& c, const std::vector<MachineState>& before,
                         const std::vector<Outcome>& answers);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_CONFORMANCE_CACHES_DRAWING_H_
