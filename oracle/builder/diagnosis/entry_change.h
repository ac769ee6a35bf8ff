// What a store does to an entry.
// Thread-safety: pure functions.
#ifndef EPTDIFF_ORACLE_BUILDER_DIAGNOSIS_ENTRY_CHANGE_H_
#define EPTDIFF_ORACLE_BUILDER_DIAGNOSIS_ENTRY_CHANGE_H_

#include <cstdint>

#include "oracle/builder/symptom.h"
#include "oracle/builder/table_facts.h"

namespace eptdiff {

// Bit n is the Change of value n.
using ChangeSet = std::uint32_t;
constexpr ChangeSet SetOf(Change change) {
  return ChangeSet{1} << static_cast<int>(change);
}

// What happens to an entry that a processor may have cached.
ChangeSet ChangesOf(const TableFacts& facts, std::uint64_t before,
                    std::uint64_t after, int level);

Deed DeedOf(const TableFacts& facts, std::uint64_t before, std::uint64_t after,
            int level);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_DIAGNOSIS_ENTRY_CHANGE_H_
