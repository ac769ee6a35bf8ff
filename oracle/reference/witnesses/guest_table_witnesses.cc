// Cases of GW-13 and GW-14: which of several faults wins, and the memory types
// of accesses to the guest's tables and to the page.
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

constexpr MemoryType kUc = MemoryType::kUncacheable;
constexpr MemoryType kWc = MemoryType::kWriteCombining;
constexpr MemoryType kWt = MemoryType::kWriteThrough;
constexpr MemoryType kWb = MemoryType::kWriteBack;

auto Cr3(std::uint64_t cr3) {
  return [=](Case& c) { c.guest.cr3 = cr3; };
}
// IA32_PAT: WB, WT, UC-, UC, and with the PAT bit UC, WC, WP, WB.
void OtherPat(Case& c) { c.guest.pat = 0x0605'0100'0007'0406; }

std::vector<NamedCase> OrderCases() {
  return {
      {"gw-13-pml4-not-mapped",
       "GW-13",
       {},
       Guest4().EptPte(0x14000, 0).Read(kGla).Build(),
       Violation(0x81, 0x14550).At(kGla)},
      {"gw-13-pd-not-mapped",
       "GW-13",
       {},
       Guest4().EptPte(0x12000, 0).Write(kGla).Build(),
       Violation(0x81, 0x12550).At(kGla)},
      {"gw-13-pml5-not-readable",
       "GW-13",
       {},
       Guest5().EptPte(0x15000, 0x25034).Read(kGla).Build(),
       Violation(0xa1, 0x15000).At(kGla)},
      {"gw-13-pt-misconfigured",
       "GW-13",
       {},
       Guest4().EptPte(0x11000, 0x21032).Read(kGla).Build(),
       Misconfiguration(0x11aa8)},
      {"gw-13-pae-pd-not-mapped",
       "GW-13",
       {},
       GuestPae().EptPte(0x12000, 0).Read(kGla32).Build(),
       Violation(0x81, 0x12550).At(kGla32)},
      {"gw-13-32-bit-pt-not-mapped",
       "GW-13",
       {},
       Guest32().EptPte(0x11000, 0).Fetch(kGla32).Build(),
       Violation(0x81, 0x11554).At(kGla32)},
      // A page fault on an entry precedes every deeper access.
      {"gw-13-absent-above-not-mapped",
       "GW-13",
       {},
       Guest4().GuestPdpte(0x12026).EptPte(0x12000, 0).Read(kGla).Build(),
       PageFault(0)},
      {"gw-13-reserved-above-not-mapped",
       "GW-13",
       {},
       Guest4().GuestPml4e(0x130a7).EptPte(0x13000, 0).Read(kGla).Build(),
       PageFault(9)},
      {"gw-13-absent-page",
       "GW-13",
       {},
       Guest4().GuestPte(0x10066).EptPte(0x10000, 0).Read(kGla).Build(),
       PageFault(0)},
      {"gw-13-not-mapped-above-absent",
       "GW-13",
       {},
       Guest4().EptPte(0x13000, 0).GuestPde(0).Read(kGla).Build(),
       Violation(0x81, 0x13aa8).At(kGla)},
      // Rights are judged once the entry that maps the page is known.
      {"gw-13-absent-below-read-only",
       "GW-13",
       {"GW-13/rights-per-level"},
       Guest4().GuestPml4e(0x13025).GuestPte(0).Write(kGla).Build(),
       PageFault(2)},
      {"gw-13-32-bit-absent-below-read-only",
       "GW-13",
       {"GW-13/rights-per-level"},
       Guest32().GuestPde(0x11025).GuestPte(0).Write(kGla32).Build(),
       PageFault(2, kGla32)},
      {"gw-13-pae-absent-below-supervisor",
       "GW-13",
       {"GW-13/rights-per-level"},
       GuestPae().GuestPde(0x11023).GuestPte(0).Cpl3().Read(kGla32).Build(),
       PageFault(4, kGla32)},
      {"gw-13-not-mapped-below-supervisor",
       "GW-13",
       {"GW-13/rights-per-level"},
       Guest5()
           .GuestPml5e(0x14023)
           .EptPte(0x11000, 0)
           .Cpl3()
           .Read(kGla)
           .Build(),
       Violation(0x81, 0x11aa8).At(kGla)},
      {"gw-13-reserved-below-execute-disable",
       "GW-13",
       {"GW-13/rights-per-level"},
       Guest4()
           .GuestPdpte(0x8000'0000'0001'2027)
           .GuestPde(0x20e7)
           .Fetch(kGla)
           .Build(),
       PageFault(0x19)},
  };
}

std::vector<NamedCase> MemoryTypeCases() {
  return {
      // CR3: PWT; PML4E: PCD, PWT; PDPTE: PCD; PDE: PWT; PTE: PAT, PWT.
      {"gw-14-4-level",
       "GW-14",
       {"GW-14/root-index-0", "GW-14/tables-index-0", "GW-14/tables-as-root",
        "GW-14/pat-ignored", "GW-14/all-levels", "GW-14/bit-12-of-ptes",
        "MT-2/pcd-pwt-exchanged"},
       Guest4()
           .With(OtherPat)
           .With(Cr3(0x14008))
           .GuestPml4e(0x1303f)
           .GuestPdpte(0x12037)
           .GuestPde(0x1102f)
           .GuestPte(0x100ef)
           .Read(kGla)
           .Build(),
       Reaches(0x20234, 4).GuestTypes({kWt, kUc, kUc, kWt}).Type(kWc)},
      {"gw-14-5-level",
       "GW-14",
       {"GW-14/root-index-0", "GW-14/tables-index-0", "GW-14/tables-as-root"},
       Guest5()
           .With(Cr3(0x15010))
           .GuestPml5e(0x1402f)
           .GuestPde(0x1102f)
           .Read(kGla)
           .Build(),
       Reaches(0x20234, 5).GuestTypes({kUc, kWt, kWb, kWb, kWt})},
      {"gw-14-pae",
       "GW-14",
       {"GW-14/tables-index-0", "GW-14/tables-as-root"},
       GuestPae()
           .With([](Case& c) { c.guest.pdpte.fill(0x12009); })
           .GuestPde(0x11037)
           .GuestPte(0x1006f)
           .Read(kGla32)
           .Build(),
       Reaches(0x20234, 2).GuestTypes({kWt, kUc}).Type(kWt)},
      // CR3 holds no PCD and PWT of a table with PAE paging.
      {"gw-14-pae-cr3",
       "GW-14",
       {"GW-14/tables-as-root"},
       GuestPae().With(Cr3(0x13018)).Read(kGla32).Build(),
       Reaches(0x20234, 2)},
      {"gw-14-32-bit",
       "GW-14",
       {"GW-14/root-index-0", "GW-14/tables-index-0", "GW-14/pat-ignored"},
       Guest32()
           .With(OtherPat)
           .With(Cr3(0x12018))
           .GuestPde(0x1102f)
           .GuestPte(0x100e7)
           .Read(kGla32)
           .Build(),
       Reaches(0x20234, 2).GuestTypes({kUc, kWt}).Type(kUc)},
      {"gw-14-bit-12-of-pte",
       "GW-14",
       {"GW-14/bit-12-of-ptes"},
       Guest4().With(OtherPat).GuestPte(0x17067).Read(kGla).Build(),
       Reaches(0x27234, 4)},
      {"gw-14-2-mbyte-page",
       "GW-14",
       {"GW-14/bit-7-of-large-pages"},
       Guest4()
           .With(OtherPat)
           .GuestPde(0x20'00e7)
           .Word(0x3008, 0x40'00b7)
           .Read(kGla)
           .Build(),
       Reaches(0x55'5234, 3).Size(21)},
      {"gw-14-2-mbyte-page-with-pat",
       "GW-14",
       {"GW-14/pat-ignored"},
       Guest4()
           .With(OtherPat)
           .GuestPde(0x20'10ef)
           .Word(0x3008, 0x40'00b7)
           .Read(kGla)
           .Build(),
       Reaches(0x55'5234, 3).Size(21).Type(kWc)},
      {"gw-14-1-gbyte-page-with-pat",
       "GW-14",
       {"GW-14/pat-ignored"},
       Guest4()
           .With(OtherPat)
           .GuestPdpte(0x4000'10ef)
           .Word(0x2008, 0x8000'00b7)
           .Read(kGla)
           .Build(),
       Reaches(0x9555'5234, 2).Size(30).Type(kWc)},
      {"gw-14-4-mbyte-page-with-pat",
       "GW-14",
       {"GW-14/pat-ignored"},
       Guest32()
           .With(OtherPat)
           .GuestPde(0x40'10ef)
           .Word(0x3010, 0x60'00b7)
           .Read(kGla32)
           .Build(),
       Reaches(0x75'5234, 1).Size(21).Type(kWc)},
      // EPT's type and its "ignore PAT" are those of the table's own page.
      {"gw-14-ept-type-of-table",
       "GW-14",
       {},
       Guest4()
           .GuestPdpte(0x1202f)
           .GuestPde(0x1102f)
           .EptPte(0x13000, 0x23027)
           .EptPte(0x12000, 0x22077)
           .Read(kGla)
           .Build(),
       Reaches(0x20234, 4).GuestTypes({kWb, kWt, kWb, kWt})},
      {"gw-14-cache-disable",
       "GW-14",
       {"MT-3/cache-disable-ignored"},
       Guest32()
           .With([](Case& c) { c.guest.cr0 |= 1 << 30; })
           .Read(kGla32)
           .Build(),
       Reaches(0x20234, 2).GuestTypes({kUc, kUc}).Type(kUc).StructureType(kUc)},
      // PCD and PWT are bits of the PCID.
      {"gw-14-pcide",
       "GW-14",
       {"GW-14/pcide-ignored"},
       Guest4().Cr4(1 << 17).With(Cr3(0x14018)).Read(kGla).Build(),
       Reaches(0x20234, 4)},
  };
}

}  // namespace

std::vector<NamedCase> GuestTableWitnesses() {
  std::vector<NamedCase> all = OrderCases();
  for (NamedCase& named : MemoryTypeCases()) all.push_back(std::move(named));
  return all;
}

}  // namespace eptdiff
