// What Bochs does otherwise than the SDM, as far as this reference models it:
// the walkers of release 3.0 and of the development tree as of August 2026,
// which are compiled in and asked by themselves; and the whole of 3.0, and of
// 2.7 as Debian 12 has it, as machines that an image boots in
// (oracle/processor/). Each departure has a
// minimised case in corpus/deviations/ that the SDM, and the dialect without
// it, reject.
#ifndef EPTDIFF_ORACLE_REFERENCE_DIALECTS_BOCHS_DIALECT_H_
#define EPTDIFF_ORACLE_REFERENCE_DIALECTS_BOCHS_DIALECT_H_

#include <array>
#include <string_view>

namespace eptdiff {

// A machine's dialect has what its walker does otherwise, and what is done
// outside of the walker: VM entry, VM exits, APIC accesses.
inline constexpr std::array<std::string_view, 4> kBochsDialects = {
    "bochs-3.0", "bochs-2026-08", "bochs-3.0-machine", "bochs-2.7-machine"};

// Who has it: a bit for each of kBochsDialects.
enum BochsTree : unsigned {
  kBochs30 = 1 << 0,
  kBochs2026 = 1 << 1,
  kBochs30Machine = 1 << 2,
  kBochs27Machine = 1 << 3,
  kBochsMachines = kBochs30Machine | kBochs27Machine,
  kBochsAll = kBochs30 | kBochs2026 | kBochsMachines,
};

struct BochsDeparture {
  std::string_view alteration;
  unsigned trees;
};

// In the order in which they apply.
inline constexpr BochsDeparture kBochsDepartures[] = {
    {"GST-5/pg-unchecked", kBochsMachines},
    {"WALK-2/off", kBochsAll},
    {"CFG-8/bit-12-unchecked", kBochsAll},
    {"CFG-9/bit-12-unchecked", kBochsAll},
    {"QUAL-0/structure-access-writes-only", kBochsAll},
    {"QUAL-6/fetch-only", kBochsAll},
    {"QUAL-13/user-execute-permission", kBochsAll},
    {"PML-1/without-need", kBochsAll},
    {"PML-2/unaligned", kBochs27Machine},
    {"SPP-1/readable-pages-only", kBochsAll},
    {"SPP-6/first-byte-only", kBochsAll},
    {"VE-4/index-of-eight-bytes", kBochsAll},
    {"VE-4/index-of-vmfunc", kBochsMachines},
    {"VIO-8/walk-updates-unchecked", kBochsAll},
    {"APIC-5/read-modify-write-as-read", kBochsMachines},
    {"APIC-5/guest-physical-as-linear", kBochsMachines},
    {"GW-9/smap-implicit-with-ac", kBochsAll},
    {"GW-10/by-access", kBochs30 | kBochsMachines},
    {"GW-10/by-upper-entries", kBochs2026},
    {"INFO-1/gla-of-compatibility-mode", kBochsAll},
    {"GW-21/implicit-second-page", kBochsAll},
    {"GW-22/implicit-with-ac", kBochsMachines},
    {"GW-22/data-in-64-bit-mode-only", kBochsMachines},
    {"GW-22/fetch-in-64-bit-mode-only", kBochsMachines},
    {"REG-12/by-any-mov-to-cr0", kBochs30Machine},
    {"REG-12/by-what-flushes", kBochs30Machine},
    {"REG-15/off", kBochs30Machine},
    {"HAND-7/in-delivery-too", kBochs30Machine},
    {"HAND-7/in-delivery-alone", kBochs27Machine},
    {"CACHE-5/virtualization-exception-ends-nothing", kBochsAll},
    {"CACHE-12/of-fetches-ends-nothing", kBochsAll},
    {"CACHE-12/one-part-of-a-large-page", kBochsAll},
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_DIALECTS_BOCHS_DIALECT_H_
