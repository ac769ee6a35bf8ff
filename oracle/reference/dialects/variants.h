// The named variants: alterations that answer a slot otherwise than the SDM.
// They stand beside the dialects that use them, in files by family.
#ifndef EPTDIFF_ORACLE_REFERENCE_DIALECTS_VARIANTS_H_
#define EPTDIFF_ORACLE_REFERENCE_DIALECTS_VARIANTS_H_

#include <span>

#include "oracle/reference/dialect.h"

namespace eptdiff {

std::span<const Alteration> EntryVariants();          // EPTP, CTL
std::span<const Alteration> GuestStateVariants();     // GST
std::span<const Alteration> RegisterVariants();       // VMF, REG
std::span<const Alteration> WalkVariants();           // WALK
std::span<const Alteration> ConfigurationVariants();  // CFG
std::span<const Alteration> ViolationVariants();      // VIO, PRI
std::span<const Alteration> QualificationVariants();  // QUAL, INFO
std::span<const Alteration> FlagVariants();           // AD, PML, ALIAS
std::span<const Alteration> MemoryTypeVariants();     // MT
std::span<const Alteration> SubPageVariants();        // SPP
std::span<const Alteration> VeVariants();             // VE
std::span<const Alteration> ApicVariants();           // APIC
std::span<const Alteration> CacheVariants();          // CACHE
std::span<const Alteration> GuestVariants();          // GW: formats
std::span<const Alteration> GuestWalkVariants();      // GW: the walk
std::span<const Alteration> MaskingVariants();        // GW-23
std::span<const Alteration> GuestRightVariants();     // GW-7 to GW-11
std::span<const Alteration> GuestErrorVariants();     // GW-8, GW-18: error code
std::span<const Alteration> LinearVariants();  // VIO-13, PRI-2, and EPT's rules
                                               // for linear accesses
std::span<const Alteration> SavedStateVariants();  // HAND
std::span<const Alteration> BochsGuestVariants();  // of several families
std::span<const Alteration> ClassicVariants();     // of several families

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_DIALECTS_VARIANTS_H_
