// Cases of GW-17.
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kBit46 = std::uint64_t{1} << 46;

// The first of four PDPTEs at guest-physical address 1020H.
CaseBuilder Load(std::uint64_t pdpte) {
  return Walk4().Word(0x9020, pdpte).PdpteLoad(0x1020);
}

}  // namespace

std::vector<NamedCase> GuestWitnesses() {
  return {
      // PWT and PCD; reserved bits of a PDPTE that is not present.
      {"gw-17-load",
       "GW-17",
       {"GW-17/page-aligned", "GW-17/absent-too", "GW-17/pwt-pcd-reserved"},
       Load(0x7001).Word(0x9028, 0x8019).Word(0x9030, 0x1fe).Build(),
       Happens().Pdptes({0x7001, 0x8019, 0x1fe, 0})},
      {"gw-17-cr3-bit-32",
       "GW-17",
       {"GW-17/bits-51-5"},
       Walk4().Word(0x9020, 0x7001).PdpteLoad(0x1'0000'1020).Build(),
       Happens().Pdptes({0x7001, 0, 0, 0})},
      {"gw-17-bit-1",
       "GW-17",
       {"GW-17/reserved-off"},
       Load(0x7003).Build(),
       GeneralProtection()},
      {"gw-17-bit-5",
       "GW-17",
       {"GW-17/reserved-off", "GW-17/bits-2-1-only"},
       Load(0x7001).Word(0x9038, 0x7021).Build(),
       GeneralProtection()},
      {"gw-17-bit-n",
       "GW-17",
       {"GW-17/reserved-off", "GW-17/high-bits-unchecked"},
       Load(kBit46 | 0x7001).Build(),
       GeneralProtection()},
      {"gw-17-above-physical-addresses",
       "GW-17",
       {"GW-17/narrowed-by-key-identifiers"},
       Load(kBit46 >> 1 | 0x7001)
           .Keyids(6)
           .Word(0x9028, 0)
           .Word(0x9030, 0)
           .Word(0x9038, 0)
           .Build(),
       Happens().Pdptes({kBit46 >> 1 | 0x7001, 0, 0, 0})},
      // The flags of the EPT entries are set although nothing is loaded.
      {"gw-17-flags-stay",
       "GW-17",
       {"AD-5/never"},
       Load(0x7003).AccessedDirty().Build(),
       GeneralProtection()
           .Writes(0x1000, 0x2107)
           .Writes(0x2000, 0x3107)
           .Writes(0x3000, 0x4107)
           .Writes(0x4008, 0x9137)},
  };
}

}  // namespace eptdiff
