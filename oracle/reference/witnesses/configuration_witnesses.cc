// Cases of CFG.
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kBit58 = std::uint64_t{1} << 58;

std::vector<NamedCase> RightsCases() {
  const auto misconfiguration = Misconfiguration(0x1234);
  return {
      {"cfg-1-write-only",
       "CFG-1",
       {"CFG-1/off"},
       Walk4().Pte(0x9032).Write(0x1234).Build(),
       misconfiguration},
      {"cfg-1-write-execute",
       "CFG-1",
       {"CFG-1/off", "CFG-1/not-with-execute"},
       Walk4().Pte(0x9036).Fetch(0x1234).Build(),
       misconfiguration},
      {"cfg-1-table-entry",
       "CFG-1",
       {"CFG-1/leaf-only"},
       Walk4().Pde(0x4002).Write(0x1234).Build(),
       misconfiguration},
      {"cfg-2-execute-only",
       "CFG-2",
       {"CFG-2/off"},
       Walk4().Without(0).Pte(0x9034).Fetch(0x1234).Build(),
       misconfiguration},
      {"cfg-2-table-entry",
       "CFG-2",
       {"CFG-2/leaf-only"},
       Walk4().Without(0).Pde(0x4004).Fetch(0x1234).Build(),
       misconfiguration},
      {"cfg-3-user-execute-only",
       "CFG-3",
       {"CFG-3/off"},
       Walk4().Without(0).Mbec().Pte(0x9430).Fetch(0x1234).User().Build(),
       misconfiguration},
      {"cfg-4-paging-write-without-read",
       "CFG-4",
       {"CFG-4/off"},
       Walk4().PagingWrite().Pte(kBit58 | 0x9034).Fetch(0x1234).Build(),
       misconfiguration},
      {"cfg-4-table-entry",
       "CFG-4",
       {"CFG-4/table-entries-too"},
       Walk4().PagingWrite().Pde(kBit58 | 0x4004).Fetch(0x1234).Build(),
       Completes(0x9234)},
      {"cfg-4-control-off",
       "CFG-4",
       {"CFG-4/without-control"},
       Walk4().Pte(kBit58 | 0x9034).Fetch(0x1234).Build(),
       Completes(0x9234)},
  };
}

std::vector<NamedCase> ReservedBitCases() {
  const auto misconfiguration = Misconfiguration(0x1234);
  return {
      {"cfg-5-pml4e-bit-7",
       "CFG-5",
       {"CFG-5/off", "CFG-5/bit-7-unchecked"},
       Walk4().Pml4e(0x2087).Read(0x1234).Build(),
       misconfiguration},
      {"cfg-5-pml5e-bit-3",
       "CFG-5",
       {"CFG-5/off", "CFG-5/pml4e-only"},
       Walk5().Pml5e(0x100f).Read(0x1234).Build(),
       misconfiguration},
      {"cfg-6-pdpte-bit-6",
       "CFG-6",
       {"CFG-6/off", "CFG-6/bits-5-3-only"},
       Walk4().Pdpte(0x3047).Read(0x1234).Build(),
       misconfiguration},
      {"cfg-6-pde-bit-3",
       "CFG-6",
       {"CFG-6/off", "CFG-6/bit-6-only", "CFG-6/pdpte-only"},
       Walk4().Pde(0x400f).Read(0x1234).Build(),
       misconfiguration},
      {"cfg-7-1-gbyte-unsupported",
       "CFG-7",
       {"CFG-7/off", "CFG-7/2-mbyte-capability-for-both",
        "CFG-7/1-gbyte-capability-ignored"},
       Walk4().Without(17).Pdpte(0x4000'00b7).Read(0x1234).Build(),
       misconfiguration},
      {"cfg-7-2-mbyte-unsupported",
       "CFG-7",
       {"CFG-7/off"},
       Walk4().Without(16).Pde(0xa0'00b7).Read(0x1234).Build(),
       misconfiguration},
      {"cfg-8-bit-12",
       "CFG-8",
       {"CFG-8/off", "CFG-8/bit-12-unchecked"},
       Walk4().Pdpte(0x4000'10b7).Read(0x1234).Build(),
       misconfiguration},
      {"cfg-8-bit-29",
       "CFG-8",
       {"CFG-8/off", "CFG-8/bits-28-12", "CFG-8/bits-20-12"},
       Walk4().Pdpte(0x6000'00b7).Read(0x1234).Build(),
       misconfiguration},
      {"cfg-9-bit-12",
       "CFG-9",
       {"CFG-9/off", "CFG-9/bit-12-unchecked"},
       Walk4().Pde(0xa0'10b7).Read(0x1234).Build(),
       misconfiguration},
      {"cfg-9-bit-20",
       "CFG-9",
       {"CFG-9/off", "CFG-9/bits-19-12"},
       Walk4().Pde(0xb0'00b7).Read(0x1234).Build(),
       misconfiguration},
      {"cfg-10-leaf-bit-n",
       "CFG-10",
       {"CFG-10/off", "CFG-10/bit-n-unchecked", "CFG-10/bits-51-48",
        "CFG-10/table-entries-only"},
       Walk4().N(40).Pte(0x0100'0000'9037).Read(0x1234).Build(),
       misconfiguration},
      {"cfg-10-table-entry-bit-51",
       "CFG-10",
       {"CFG-10/off", "CFG-10/leaf-only"},
       Walk4().Pde(0x0008'0000'0000'4007).Read(0x1234).Build(),
       misconfiguration},
      {"cfg-10-key-identifier",
       "CFG-10",
       {"CFG-10/off", "CFG-10/key-identifiers-too", "CFG-10/bits-51-48"},
       Walk4().Keyids(6).Pte(0x0200'0000'9037).Read(0x1234).Build(),
       misconfiguration},
      {"cfg-10-leaf-bit-n-1",
       "CFG-10",
       {"CFG-10/bit-n-1-reserved"},
       Walk4().N(40).Pte(0x0080'0000'9037).Read(0x1234).Build(),
       Completes(0x0080'0000'9234)},
  };
}

std::vector<NamedCase> MemoryTypeCases() {
  const auto misconfiguration = Misconfiguration(0x1234);
  return {
      {"cfg-11-type-7",
       "CFG-11",
       {"CFG-11/off", "CFG-11/type-7-accepted"},
       Walk4().Pte(0x903f).Read(0x1234).Build(),
       misconfiguration},
      {"cfg-11-type-2",
       "CFG-11",
       {"CFG-11/off", "CFG-11/type-7-only"},
       Walk4().Pte(0x9017).Read(0x1234).Build(),
       misconfiguration},
      {"cfg-11-1-gbyte-type-3",
       "CFG-11",
       {"CFG-11/off", "CFG-11/not-in-1-gbyte-leaf"},
       Walk4().Pdpte(0x4000'009f).Read(0x1234).Build(),
       misconfiguration},
      {"cfg-11-2-mbyte-type-3",
       "CFG-11",
       {"CFG-11/off"},
       Walk4().Pde(0xa0'009f).Read(0x1234).Build(),
       misconfiguration},
      {"cfg-11-type-wc",
       "CFG-11",
       {"CFG-11/uc-and-wb-only"},
       Walk4().Pte(0x900f).Read(0x1234).Build(),
       Completes(0x9234).Type(MemoryType::kWriteCombining)},
  };
}

}  // namespace

std::vector<NamedCase> ConfigurationWitnesses() {
  std::vector<NamedCase> cases = RightsCases();
  for (auto more : {ReservedBitCases(), MemoryTypeCases()}) {
    cases.insert(cases.end(), more.begin(), more.end());
  }
  return cases;
}

}  // namespace eptdiff
