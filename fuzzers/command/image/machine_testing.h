// Logs of machines that never were, for tests: somebody who answers is put in a
// machine's place, and what it would have told is written as an image does.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_IMAGE_MACHINE_TESTING_H_
#define EPTDIFF_FUZZERS_COMMAND_IMAGE_MACHINE_TESTING_H_

#include <cstdint>
#include <string>
#include <vector>

#include "fuzzers/command/image/boot_files.h"
#include "oracle/oracle.h"

namespace eptdiff {

// What a machine would tell that answers as `oracle`, having been given
// `cases`, and moved them to its memory.
std::string LogOf(Oracle& oracle, const std::vector<GivenCase>& cases);

// The witnesses of all rules.
std::vector<GivenCase> WitnessCases();

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_IMAGE_MACHINE_TESTING_H_
