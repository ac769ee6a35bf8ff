// Alterations by number, and sets of them: what a search handles.
// Thread-safety: pure functions.
#ifndef EPTDIFF_ORACLE_DIAGNOSIS_COMBINATION_H_
#define EPTDIFF_ORACLE_DIAGNOSIS_COMBINATION_H_

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "oracle/reference/dialect.h"

namespace eptdiff {

// The most alterations that AllAlterations() may have; DialectOf() holds it.
inline constexpr std::size_t kMaxAlterations = 1024;

// Some alterations, by their place in AllAlterations().
using AlterationSet = std::bitset<kMaxAlterations>;

// The same in ascending order: an explanation, or a part of one. The order
// matters where two fill the same slot: the later one has the last word.
using Combination = std::vector<std::uint16_t>;

// The SDM with these alterations.
Dialect DialectOf(const Combination& combination);

// With one more, and with one less; `number` must be absent, or present.
Combination With(const Combination& combination, std::uint16_t number);
Combination Without(const Combination& combination, std::uint16_t number);

// Whether any alteration of the combination is in the set.
bool Meet(const Combination& combination, const AlterationSet& set);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_DIAGNOSIS_COMBINATION_H_
