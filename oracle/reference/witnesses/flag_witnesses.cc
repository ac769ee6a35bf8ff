// Cases of AD, PML and ALIAS.
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kBit61 = std::uint64_t{1} << 61;

// The accessed flags of the three table entries get set, and the PTE of
// address 1xxxH becomes this.
Answer WithFlags(Answer answer, std::uint64_t pte) {
  return answer.Writes(0x1000, 0x2107)
      .Writes(0x2000, 0x3107)
      .Writes(0x3000, 0x4107)
      .Writes(0x4008, pte);
}

// With accessed flags set in all table entries.
CaseBuilder Accessed() {
  return Walk4().AccessedDirty().Pml4e(0x2107).Pdpte(0x3107).Pde(0x4107);
}

std::vector<NamedCase> FlagCases() {
  return {
      {"ad-1-read",
       "AD-1",
       {"AD-1/leaf-only", "AD-1/table-entries-only", "AD-1/never",
        "AD-2/reads-too", "AD-4/legacy-positions", "AD-4/exchanged",
        "AD-5/never", "AD-1/writes-only", "AD-4/dirty-with-accessed"},
       Walk4().AccessedDirty().Read(0x1234).Build(),
       WithFlags(Completes(0x9234), 0x9137)},
      {"ad-1-five-levels",
       "AD-1",
       {"AD-1/leaf-only"},
       Walk5().AccessedDirty().Read(0x1234).Build(),
       WithFlags(Completes(0x9234), 0x9137).Writes(0x5000, 0x1107)},
      {"ad-2-write",
       "AD-2",
       {"AD-2/never", "AD-4/dirty-lost", "AD-4/dirty-without-accessed"},
       Walk4().AccessedDirty().Write(0x1234).Build(),
       WithFlags(Completes(0x9234), 0x9337)},
      {"ad-2-write-to-large-page",
       "AD-2",
       {"AD-2/4-kbyte-pages-only"},
       Walk4().AccessedDirty().Pde(0xa0'00b7).Write(0x134'5678).Build(),
       Completes(0xb4'5678)
           .Size(21)
           .Writes(0x1000, 0x2107)
           .Writes(0x2000, 0x3107)
           .Writes(0x3048, 0xa0'03b7)},
      {"ad-3-structure-read",
       "AD-3",
       {"AD-3/updates-only", "AD-3/never"},
       Walk4().AccessedDirty().StructureRead(0x1008).Build(),
       WithFlags(Completes(0x9008), 0x9337)},
      {"ad-3-structure-update",
       "AD-3",
       {"AD-3/never"},
       Walk4().AccessedDirty().StructureUpdate(0x1008).Build(),
       WithFlags(Completes(0x9008), 0x9337)},
      {"ad-3-pdpte-load",
       "AD-3",
       {"AD-3/pdpte-load-too"},
       Walk4().AccessedDirty().PdpteLoad(0x1000).Build(),
       WithFlags(Happens(), 0x9137)},
      {"ad-4-ignored-bits-stay",
       "AD-4",
       {"AD-4/high-bits-lost"},
       Walk4().AccessedDirty().Pte(0x7ff0'0000'0000'9037).Write(0x1234).Build(),
       WithFlags(Completes(0x9234), 0x7ff0'0000'0000'9337)},
      {"ad-4-dirty-stays",
       "AD-4",
       {"AD-4/dirty-cleared"},
       Walk4().AccessedDirty().Pte(0x9237).Read(0x1234).Build(),
       WithFlags(Completes(0x9234), 0x9337)},
      {"ad-4-all-set",
       "AD-4",
       {},
       Accessed().Pte(0x9337).Write(0x1234).Build(),
       Completes(0x9234)},
      {"ad-5-off",
       "AD-5",
       {"AD-5/always"},
       Walk4().Write(0x1234).Build(),
       Completes(0x9234)},
      {"ad-6-not-set",
       "AD-6",
       {"AD-6/always", "AD-6/never"},
       Walk4().AccessedDirty().Pte(0x9034).Read(0x1234).Build(),
       Violation(0x5a1, 0x1234)},
      {"ad-6-set",
       "AD-6",
       {"AD-6/always", "AD-6/never"},
       Walk4().AccessedDirty().Pte(0x9035).Write(0x1234).Build(),
       WithFlags(Violation(0x5aa, 0x1234), 0x9135)},
  };
}

std::vector<NamedCase> LogFullCases() {
  return {
      {"pml-1-index-512",
       "PML-1",
       {"PML-1/off", "PML-1/index-512-accepted", "PML-1/wrapped-index-only",
        "PML-1/accessed-on-the-way", "PML-1/accessed-all"},
       Walk4().AccessedDirty().Pml(512).Write(0x1234).Build(),
       LogFull()},
      {"pml-1-accessed-flag",
       "PML-1",
       {"PML-1/off", "PML-1/dirty-only"},
       Walk4().AccessedDirty().Pml(0xffff).Read(0x1234).Build(),
       LogFull()},
      {"pml-1-no-flag-to-set",
       "PML-1",
       {"PML-1/without-need"},
       Accessed().Pml(0xffff).Pte(0x9337).Write(0x1234).Build(),
       Completes(0x9234)},
      {"pml-1-index-0",
       "PML-1",
       {"PML-1/index-0-full"},
       Walk4().AccessedDirty().Pml(0).Write(0x1234).Build(),
       WithFlags(Completes(0x9234), 0x9337)
           .Writes(0x8000, 0x1000)
           .PmlIndex(0xffff)},
      {"pml-5-load-is-log-full",
       "PML-5",
       {"PML-1/off"},
       Walk4().AccessedDirty().Pml(0xffff).PdpteLoad(0x1000).Build(),
       LogFull()},
  };
}

std::vector<NamedCase> LogCases() {
  return {
      {"pml-2-write",
       "PML-2",
       {"PML-2/next-slot", "PML-2/from-the-start", "PML-2/unaligned",
        "PML-2/linear-address", "PML-2/host-address", "PML-2/flags-in-entry",
        "PML-2/index-incremented", "PML-2/index-kept"},
       Walk4().AccessedDirty().Pml(5).Write(0x1234).Build(),
       WithFlags(Completes(0x9234), 0x9337).Writes(0x8028, 0x1000).PmlIndex(4)},
      {"pml-2-last-slot",
       "PML-2",
       {"PML-2/index-modulo-512", "PML-2/index-saturates"},
       Accessed().Pml(0).Pte(0x9137).Write(0x1234).Build(),
       Completes(0x9234)
           .Writes(0x4008, 0x9337)
           .Writes(0x8000, 0x1000)
           .PmlIndex(0xffff)},
      {"pml-2-structure-read",
       "PML-2",
       {"AD-3/updates-only"},
       Accessed().Pml(5).Pte(0x9137).StructureRead(0x1008).Build(),
       Completes(0x9008)
           .Writes(0x4008, 0x9337)
           .Writes(0x8028, 0x1000)
           .PmlIndex(4)},
      {"pml-2-dirty-already",
       "PML-2",
       {},
       Walk4().AccessedDirty().Pml(5).Pte(0x9237).Write(0x1234).Build(),
       WithFlags(Completes(0x9234), 0x9337)},
      {"pml-3-read",
       "PML-3",
       {"PML-3/accessed-too"},
       Walk4().AccessedDirty().Pml(5).Read(0x1234).Build(),
       WithFlags(Completes(0x9234), 0x9137)},
      {"pml-4-large-page",
       "PML-4",
       {"PML-4/large-page"},
       Accessed().Pml(5).Pde(0xa0'01b7).Write(0x134'5678).Build(),
       Completes(0xb4'5678)
           .Size(21)
           .Writes(0x3048, 0xa0'03b7)
           .Writes(0x8028, 0x134'5000)
           .PmlIndex(4)},
      {"pml-4-sub-page-write",
       "PML-4",
       {"PML-2/unaligned"},
       Accessed()
           .Pml(5)
           .SubPage()
           .Pte(kBit61 | 0x9135)
           .Vector(0x100)
           .Write(0x1234)
           .Build(),
       Completes(0x9234)
           .Writes(0x4008, kBit61 | 0x9335)
           .Writes(0x8028, 0x1000)
           .PmlIndex(4)},
      {"pml-5-load-does-not-log",
       "PML-5",
       {"PML-5/load-logs"},
       Walk4().AccessedDirty().Pml(5).PdpteLoad(0x1000).Build(),
       WithFlags(Happens(), 0x9137)},
      // The log entry lands on the PTE that the access has read.
      {"alias-1-log-over-pte",
       "ALIAS-1",
       {"ALIAS-1/ordered"},
       Accessed()
           .Pml(1)
           .With([](Case& c) { c.controls.pml_address = 0x4000; })
           .Write(0x1234)
           .Build(),
       Happens()},
  };
}

}  // namespace

std::vector<NamedCase> FlagWitnesses() {
  std::vector<NamedCase> cases = FlagCases();
  for (auto more : {LogFullCases(), LogCases()}) {
    cases.insert(cases.end(), more.begin(), more.end());
  }
  return cases;
}

}  // namespace eptdiff
