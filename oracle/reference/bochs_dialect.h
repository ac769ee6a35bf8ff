// What Bochs 3.0 does otherwise than the SDM, as far as this reference models
// it. Each departure has a minimised case in corpus/deviations/bochs-3.0/ that
// the SDM, and this dialect without it, reject.
#ifndef EPTDIFF_ORACLE_REFERENCE_BOCHS_DIALECT_H_
#define EPTDIFF_ORACLE_REFERENCE_BOCHS_DIALECT_H_

#include <string_view>

namespace eptdiff {

// Names of alterations, in the order in which they apply.
inline constexpr std::string_view kBochs30Departures[] = {
    "WALK-2/off",
    "CFG-8/bit-12-unchecked",
    "CFG-9/bit-12-unchecked",
    "QUAL-0/structure-access-writes-only",
    "QUAL-6/fetch-only",
    "QUAL-13/user-execute-permission",
    "PML-1/without-need",
    "SPP-6/first-byte-only",
    "VE-4/index-of-eight-bytes",
    "VIO-8/walk-updates-unchecked",
    "GW-9/smap-implicit-with-ac",
    "GW-10/by-access",
    "INFO-1/gla-of-compatibility-mode",
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_BOCHS_DIALECT_H_
