// What Bochs does otherwise than the SDM, as far as this reference models it:
// release 3.0, and the development tree as of August 2026. Each departure has a
// minimised case in corpus/deviations/ that the SDM, and the dialect without
// it, reject.
#ifndef EPTDIFF_ORACLE_REFERENCE_DIALECTS_BOCHS_DIALECT_H_
#define EPTDIFF_ORACLE_REFERENCE_DIALECTS_BOCHS_DIALECT_H_

#include <array>
#include <string_view>

namespace eptdiff {

inline constexpr std::array<std::string_view, 2> kBochsDialects = {
    "bochs-3.0", "bochs-2026-08"};

struct BochsDeparture {
  std::string_view alteration;
  std::string_view dialect = {};  // that alone has it; empty: all have it
};

// In the order in which they apply.
inline constexpr BochsDeparture kBochsDepartures[] = {
    {"WALK-2/off"},
    {"CFG-8/bit-12-unchecked"},
    {"CFG-9/bit-12-unchecked"},
    {"QUAL-0/structure-access-writes-only"},
    {"QUAL-6/fetch-only"},
    {"QUAL-13/user-execute-permission"},
    {"PML-1/without-need"},
    {"SPP-1/readable-pages-only"},
    {"SPP-6/first-byte-only"},
    {"VE-4/index-of-eight-bytes"},
    {"VIO-8/walk-updates-unchecked"},
    {"GW-9/smap-implicit-with-ac"},
    {"GW-10/by-access", "bochs-3.0"},
    {"GW-10/by-upper-entries", "bochs-2026-08"},
    {"INFO-1/gla-of-compatibility-mode"},
    {"GW-21/implicit-second-page"},
    {"CACHE-5/virtualization-exception-ends-nothing"},
    {"CACHE-12/of-fetches-ends-nothing"},
    {"CACHE-12/one-part-of-a-large-page"},
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_DIALECTS_BOCHS_DIALECT_H_
