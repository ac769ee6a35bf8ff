// What Bochs does otherwise than the SDM, as far as this reference models it:
// the walkers of release 3.0 and of the development tree as of August 2026,
// which are compiled in and asked by themselves; and the whole of 3.0, as the
// machine that an image boots in (oracle/processor/). Each departure has a
// minimised case in corpus/deviations/ that the SDM, and the dialect without
// it, reject.
#ifndef EPTDIFF_ORACLE_REFERENCE_DIALECTS_BOCHS_DIALECT_H_
#define EPTDIFF_ORACLE_REFERENCE_DIALECTS_BOCHS_DIALECT_H_

#include <array>
#include <string_view>

namespace eptdiff {

// A machine's dialect has what its walker does otherwise, and what is done
// outside of the walker: VM entry, VM exits, APIC accesses.
inline constexpr std::array<std::string_view, 3> kBochsDialects = {
    "bochs-3.0", "bochs-2026-08", "bochs-3.0-machine"};

// Who has it: a bit for each of kBochsDialects.
enum BochsTree : unsigned {
  kBochs30 = 1 << 0,
  kBochs2026 = 1 << 1,
  kBochs30Machine = 1 << 2,
  kBochsAll = kBochs30 | kBochs2026 | kBochs30Machine,
};

struct BochsDeparture {
  std::string_view alteration;
  unsigned trees;
};

// In the order in which they apply.
inline constexpr BochsDeparture kBochsDepartures[] = {
    {"GST-5/pg-unchecked", kBochs30Machine},
    {"WALK-2/off", kBochsAll},
    {"CFG-8/bit-12-unchecked", kBochsAll},
    {"CFG-9/bit-12-unchecked", kBochsAll},
    {"QUAL-0/structure-access-writes-only", kBochsAll},
    {"QUAL-6/fetch-only", kBochsAll},
    {"QUAL-13/user-execute-permission", kBochsAll},
    {"PML-1/without-need", kBochsAll},
    {"SPP-1/readable-pages-only", kBochsAll},
    {"SPP-6/first-byte-only", kBochsAll},
    {"VE-4/index-of-eight-bytes", kBochsAll},
    {"VE-4/index-of-vmfunc", kBochs30Machine},
    {"VIO-8/walk-updates-unchecked", kBochsAll},
    {"APIC-5/read-modify-write-as-read", kBochs30Machine},
    {"APIC-5/guest-physical-as-linear", kBochs30Machine},
    {"GW-9/smap-implicit-with-ac", kBochsAll},
    {"GW-10/by-access", kBochs30 | kBochs30Machine},
    {"GW-10/by-upper-entries", kBochs2026},
    {"INFO-1/gla-of-compatibility-mode", kBochsAll},
    {"GW-21/implicit-second-page", kBochsAll},
    {"GW-22/implicit-with-ac", kBochs30Machine},
    {"GW-22/data-in-64-bit-mode-only", kBochs30Machine},
    {"GW-22/fetch-in-64-bit-mode-only", kBochs30Machine},
    {"HAND-7/in-delivery-too", kBochs30Machine},
    {"CACHE-5/virtualization-exception-ends-nothing", kBochsAll},
    {"CACHE-12/of-fetches-ends-nothing", kBochsAll},
    {"CACHE-12/one-part-of-a-large-page", kBochsAll},
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_DIALECTS_BOCHS_DIALECT_H_
