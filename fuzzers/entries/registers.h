// What the registers and controls of a case mean, to those who make questions;
// those who answer have their own. Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_ENTRIES_REGISTERS_H_
#define EPTDIFF_FUZZERS_ENTRIES_REGISTERS_H_

#include <cstdint>

#include "oracle/case.h"

namespace eptdiff {

bool PagingIsOn(const Case& c);
bool UsesPae(const Case& c);      // CR0.PG = 1, CR4.PAE = 1, not IA-32e mode
bool Is64BitMode(const Case& c);  // IA-32e mode and CS.L
bool HasSecondary(const Case& c, std::uint32_t control);
bool HasTertiary(const Case& c, std::uint64_t control);
int EptLevels(const Case& c);  // 5 or, for anything else, 4
// How wide physical addresses are; key identifiers take from it.
unsigned PhysicalWidth(const Case& c);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_ENTRIES_REGISTERS_H_
