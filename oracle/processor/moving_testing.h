// Whether moving a case keeps what it means: what tests of moving.h ask.
// Thread-safety: pure functions.
#ifndef EPTDIFF_ORACLE_PROCESSOR_MOVING_TESTING_H_
#define EPTDIFF_ORACLE_PROCESSOR_MOVING_TESTING_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "oracle/case.h"
#include "oracle/processor/moving.h"

namespace eptdiff {

// Free memory of a machine with `width` (at least 32) bits of physical address:
// two gigabytes, and what is left of the first.
std::vector<FreeRange> FreeMemory(unsigned width);

// What moving `c` among `free`, for its own processor, has changed besides
// addresses: each thing that the SDM permits of the moved case, moved back, has
// to be what it permits of `c`, step by step, with and without translations
// that are kept. Empty if nothing; from where on the guest takes entries of EPT
// for its own, nothing is compared. kMayReadTables: something, but the guest
// may have done that by what was kept.
inline constexpr char kMayReadTables[] = "EPT's tables may be the guest's";
std::string WhatMovingChanges(const Case& c, Mover& mover, Unmovable& why);

// What is wrong with `moved`, which `mover` has just made: a structure, a table
// or a page that some step reaches lies outside of `free`; or the engine's
// answer is none that the SDM permits. Empty if nothing.
std::string WhatIsWrongThere(const Case& moved, const Mover& mover,
                             std::span<const FreeRange> free);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_PROCESSOR_MOVING_TESTING_H_
