// Small worlds of linear addresses (small_worlds.h): some entries of the
// guest's paging and of EPT, each with two values, on two logical processors,
// and every sequence of so many steps: stores, what invalidates, other VPIDs,
// PCIDs and EPTPs, and accesses. What the reference permits of each access is
// what the set of combined mappings (combined_walks.h) permits.
// Thread-safety: pure functions.
#ifndef EPTDIFF_ORACLE_EXHAUSTIVE_COMBINED_WORLDS_H_
#define EPTDIFF_ORACLE_EXHAUSTIVE_COMBINED_WORLDS_H_

#include <functional>
#include <string>

#include "oracle/exhaustive/small_worlds.h"
#include "oracle/reference/dialect.h"

namespace eptdiff {

int CombinedWorldCount();

// As CompareSmallWorld().
SmallWorldTally CompareCombinedWorld(
    int world, int steps, const Dialect& dialect,
    const std::function<void(const std::string&)>& tell);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_EXHAUSTIVE_COMBINED_WORLDS_H_
