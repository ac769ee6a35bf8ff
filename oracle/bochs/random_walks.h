// Random cases for comparing the forms of Bochs: a few GPAs, and in each mode
// of guest paging a few GLAs, with tables that mostly lead to a leaf, and steps
// that ask about them. Deterministic: a number always gives the same case.
// Thread-safety: pure.
#ifndef EPTDIFF_ORACLE_BOCHS_RANDOM_WALKS_H_
#define EPTDIFF_ORACLE_BOCHS_RANDOM_WALKS_H_

#include <cstdint>

#include "oracle/case.h"

namespace eptdiff {

Case RandomWalks(std::uint64_t number);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BOCHS_RANDOM_WALKS_H_
