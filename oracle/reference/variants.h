// The named variants: alterations that answer a slot otherwise than the SDM.
// They stand beside the dialects that use them, in files by family.
#ifndef EPTDIFF_ORACLE_REFERENCE_VARIANTS_H_
#define EPTDIFF_ORACLE_REFERENCE_VARIANTS_H_

#include <span>

#include "oracle/reference/dialect.h"

namespace eptdiff {

std::span<const Alteration> EntryVariants();          // EPTP, CTL
std::span<const Alteration> WalkVariants();           // WALK
std::span<const Alteration> ConfigurationVariants();  // CFG
std::span<const Alteration> ViolationVariants();      // VIO, PRI
std::span<const Alteration> QualificationVariants();  // QUAL, INFO
std::span<const Alteration> FlagVariants();           // AD, PML, ALIAS
std::span<const Alteration> MemoryTypeVariants();     // MT
std::span<const Alteration> SubPageVariants();        // SPP
std::span<const Alteration> VeVariants();             // VE
std::span<const Alteration> GuestVariants();          // GW: formats
std::span<const Alteration> GuestWalkVariants();      // GW: the walk

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_VARIANTS_H_
