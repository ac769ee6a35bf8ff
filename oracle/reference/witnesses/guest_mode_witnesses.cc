// Cases of GW-1 to GW-4: each mode of guest paging, its tables and its pages.
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

// Addresses with other index bits than those of kGla and kGla32.
constexpr std::uint64_t kUpperHalf = 0xffff'd555'5555'5234;
constexpr std::uint64_t kPml5Index = 0x00aa'5555'5555'5234;
constexpr std::uint64_t kUpper32 = 0xaaaa'a234;
// Bit 12 is clear: not hidden where an address gets it from elsewhere.
constexpr std::uint64_t kEven = 0x5555'5555'4234;
constexpr std::uint64_t kEven32 = 0x5555'4234;

constexpr std::uint64_t kBit46 = std::uint64_t{1} << 46;

auto Cr3(std::uint64_t cr3) {
  return [=](Case& c) { c.guest.cr3 = cr3; };
}
auto Register(unsigned i, std::uint64_t pdpte) {
  return [=](Case& c) {
    c.guest.pdpte = {};
    c.guest.pdpte[i] = pdpte;
  };
}
void NoPse(Case& c) { c.guest.cr4 = 0; }
void NoPse36(Case& c) { c.processor.pse36 = false; }
void No1GByte(Case& c) { c.processor.page_1gb = false; }

// EPT maps guest-physical addresses with large pages of its own:
// 20 0000H to 40 0000H, ...
CaseBuilder Low(CaseBuilder builder) { return builder.Word(0x3008, 0x40'00b7); }
// 40 0000H to 80'0000H to 60 0000H, ...
CaseBuilder Low32(CaseBuilder builder) {
  return builder.Word(0x3010, 0x60'00b7).Word(0x3018, 0x80'00b7);
}
// 4000 0000H (1 GByte) to 8000 0000H, ...
CaseBuilder Giant(CaseBuilder builder) {
  return builder.Word(0x2008, 0x8000'00b7);
}
// 1 0000 0000H (4 GBytes) and 8 0000 0000H to 1 4000 0000H, ...
CaseBuilder Pse36(CaseBuilder builder) {
  return builder.Word(0x2020, 0x1'4000'00b7).Word(0x2100, 0x1'4000'00b7);
}
// 100 0000 0000H (1 TByte) to 4000 0000H.
CaseBuilder High(CaseBuilder builder) {
  return builder.Word(0x1010, 0xe007).Word(0xe000, 0x4000'00b7);
}

std::vector<NamedCase> FourKByteCases() {
  return {
      {"gw-1-no-paging",
       "GW-1",
       {"GW-1/always-paging"},
       Walk4()
           .With([](Case& c) {
             c.guest.cr0 = 1;  // PE
             c.guest.cr4 = 0;
             c.guest.cs_l = false;
             c.guest.efer = 0;
           })
           .Linear(AccessKind::kRead, 0x1234)
           .Build(),
       Completes(0x9234)},
      // 3A 3.3: without paging linear addresses have 32 bits, too.
      {"gw-1-no-paging-at-4-gbytes",
       "GW-1",
       {},
       Walk4()
           .With([](Case& c) {
             c.guest.cr0 = 1;  // PE
             c.guest.cr4 = 0;
             c.guest.cs_l = false;
             c.guest.efer = 0;
           })
           .Linear(AccessKind::kRead, 0xffff'fffe, 4)
           .Word(0x2000, 0xb007)
           .Word(0xb000, 0xc007)
           .Word(0xc000, 0xd037)
           .Build(),
       Completes(0x9ffe).And(0xd000)},
      {"gw-1-32-bit",
       "GW-1",
       {"GW-1/32-bit-as-pae", "GW-1/8-bytes-with-32-bit"},
       Guest32().Read(kGla32).Build(),
       Reaches(0x20234, 2)},
      {"gw-1-32-bit-indices",
       "GW-1",
       {"GW-1/9-bits-with-32-bit"},
       Guest32().Read(kUpper32).Build(),
       Reaches(0x20234, 2)},
      {"gw-1-pae",
       "GW-1",
       {"GW-1/pae-as-4-level"},
       GuestPae().Read(kGla32).Build(),
       Reaches(0x20234, 2)},
      {"gw-1-4-level",
       "GW-1",
       {"GW-1/long-mode-ignored"},
       Guest4().Read(kGla).Build(),
       Reaches(0x20234, 4)},
      {"gw-1-upper-half",
       "GW-1",
       {"GW-1/upper-half-lost", "GW-1/sign-in-index"},
       Guest4().Read(kUpperHalf).Build(),
       Reaches(0x20234, 4)},
      {"gw-1-5-level",
       "GW-1",
       {"GW-1/la57-ignored"},
       Guest5().Read(kGla).Build(),
       Reaches(0x20234, 5)},
      {"gw-1-pml5-index",
       "GW-1",
       {"GW-1/pml5-index-0"},
       Guest5().Read(kPml5Index).Build(),
       Reaches(0x20234, 5)},
      // The page table at 1 TByte maps another page than the one below it.
      {"gw-1-table-above-1-tbyte",
       "GW-1",
       {"GW-1/tables-below-4-gbytes", "GW-1/tables-of-40-bits"},
       High(Guest4())
           .GuestPde(0x100'0001'1027)
           .Word(0x4001'1aa8, 0x16067)
           .Read(kGla)
           .Build(),
       Reaches(0x26234, 4)},
      {"gw-1-pae-table-above-1-tbyte",
       "GW-1",
       {"GW-1/tables-below-4-gbytes", "GW-1/tables-of-40-bits"},
       High(GuestPae())
           .GuestPde(0x100'0001'1027)
           .Word(0x4001'1aa8, 0x16067)
           .Read(kGla32)
           .Build(),
       Reaches(0x26234, 2)},
      {"gw-1-page-above-1-tbyte",
       "GW-1",
       {"GW-1/pages-below-4-gbytes", "GW-1/pages-of-40-bits"},
       High(Guest4()).GuestPte(0x100'0001'0067).Read(kGla).Build(),
       Reaches(0x4001'0234, 4).Size(30)},
      {"gw-1-pae-page-above-1-tbyte",
       "GW-1",
       {"GW-1/pages-below-4-gbytes", "GW-1/pages-of-40-bits"},
       High(GuestPae()).GuestPte(0x100'0001'0067).Read(kGla32).Build(),
       Reaches(0x4001'0234, 2).Size(30)},
      // A protection key and XD, and EPT does not map the page.
      {"gw-1-no-page-in-ept",
       "GW-1",
       {"GW-1/high-bits-in-address"},
       Guest4()
           .GuestPte(0xf800'0000'0001'0067)
           .EptPte(0x10000, 0)
           .Read(kGla)
           .Build(),
       Violation(0xf81, 0x10234)},
  };
}

std::vector<NamedCase> LargePageCases() {
  const Answer in_2_mbytes = Reaches(0x55'5234, 3).Size(21);
  const Answer in_1_gbyte = Reaches(0x9555'5234, 2).Size(30);
  return {
      {"gw-1-2-mbyte-page",
       "GW-1",
       {"GW-1/no-2-mbyte-pages", "GW-1/2-mbyte-needs-pse",
        "GW-1/4-kbyte-offset"},
       Low(Guest4()).GuestPde(0x20'00e7).Read(kGla).Build(),
       in_2_mbytes},
      {"gw-1-pae-2-mbyte-page",
       "GW-1",
       {"GW-1/no-2-mbyte-pages", "GW-1/2-mbyte-needs-pse",
        "GW-1/4-kbyte-offset"},
       Low(GuestPae()).GuestPde(0x20'00e7).Read(kGla32).Build(),
       Reaches(0x55'5234, 1).Size(21)},
      {"gw-1-5-level-2-mbyte-page",
       "GW-1",
       {"GW-1/no-2-mbyte-pages"},
       Low(Guest5()).GuestPde(0x20'00e7).Read(kGla).Build(),
       Reaches(0x55'5234, 4).Size(21)},
      {"gw-1-2-mbyte-page-with-pat",
       "GW-1",
       {"GW-1/pat-in-address", "GW-5/pat-reserved"},
       Low(Guest4()).GuestPde(0x20'10e7).Read(kEven).Build(),
       Reaches(0x55'4234, 3).Size(21)},
      {"gw-1-pae-2-mbyte-page-with-pat",
       "GW-1",
       {"GW-1/pat-in-address", "GW-5/pat-reserved"},
       Low(GuestPae()).GuestPde(0x20'10e7).Read(kEven32).Build(),
       Reaches(0x55'4234, 1).Size(21)},
      {"gw-4-1-gbyte-page",
       "GW-4",
       {"GW-4/no-1-gbyte-pages", "GW-4/1-gbyte-needs-pse",
        "GW-4/1-gbyte-reserved", "GW-1/4-kbyte-offset"},
       Giant(Guest4()).GuestPdpte(0x4000'00e7).Read(kGla).Build(),
       in_1_gbyte},
      {"gw-4-5-level-1-gbyte-page",
       "GW-4",
       {"GW-4/no-1-gbyte-pages", "GW-4/1-gbyte-reserved"},
       Giant(Guest5()).GuestPdpte(0x4000'00e7).Read(kGla).Build(),
       Reaches(0x9555'5234, 3).Size(30)},
      {"gw-4-1-gbyte-page-with-pat",
       "GW-4",
       {"GW-1/pat-in-address", "GW-5/pat-reserved"},
       Giant(Guest4()).GuestPdpte(0x4000'10e7).Read(kEven).Build(),
       Reaches(0x9555'4234, 2).Size(30)},
      {"gw-4-1-gbyte-unsupported",
       "GW-4",
       {"GW-4/reserved-off"},
       Giant(Guest4())
           .With(No1GByte)
           .GuestPdpte(0x4000'00e7)
           .Read(kGla)
           .Build(),
       PageFault(9)},
      {"gw-4-5-level-1-gbyte-unsupported",
       "GW-4",
       {"GW-4/reserved-off"},
       Giant(Guest5())
           .With(No1GByte)
           .GuestPdpte(0x4000'00e7)
           .Read(kGla)
           .Build(),
       PageFault(9)},
  };
}

std::vector<NamedCase> ThirtyTwoBitCases() {
  const Answer reserved = PageFault(9, kGla32);
  return {
      {"gw-2-cr3",
       "GW-2",
       {"GW-2/cr3-bits-51-12", "GW-2/cr3-bits-31-5"},
       Guest32().With(Cr3(0x1'0001'2fe0)).Read(kGla32).Build(),
       Reaches(0x20234, 2)},
      // A PDE with PS and with bits that PSE would have reserved.
      {"gw-2-pse-off",
       "GW-2",
       {"GW-2/pse-ignored", "GW-2/page-size-without-pse"},
       Guest32().With(NoPse).GuestPde(0x110a7).Read(kGla32).Build(),
       Reaches(0x20234, 2)},
      {"gw-2-4-mbyte-page",
       "GW-2",
       {"GW-2/no-4-mbyte-pages", "GW-2/2-mbyte-offset"},
       Low32(Guest32()).GuestPde(0x40'00e7).Read(kUpper32).Build(),
       Reaches(0x8a'a234, 1).Size(21)},
      {"gw-2-4-mbyte-page-without-pse-36",
       "GW-2",
       {},
       Low32(Guest32())
           .With(NoPse36)
           .GuestPde(0x40'00e7)
           .Read(kUpper32)
           .Build(),
       Reaches(0x8a'a234, 1).Size(21)},
      {"gw-2-4-mbyte-page-with-pat",
       "GW-2",
       {"GW-2/pat-reserved"},
       Low32(Guest32()).GuestPde(0x40'10e7).Read(kEven32).Build(),
       Reaches(0x75'4234, 1).Size(21)},
      // Bit 13 is bit 32 of the address.
      {"gw-2-pse-36",
       "GW-2",
       {"GW-2/no-pse-36", "GW-2/high-bits-lost", "GW-2/high-bits-in-place"},
       Pse36(Guest32()).GuestPde(0x40'20e7).Read(kGla32).Build(),
       Reaches(0x1'4055'5234, 1).Size(30)},
      {"gw-2-without-pse-36",
       "GW-2",
       {"GW-2/reserved-off", "GW-2/pse-36-always"},
       Pse36(Guest32()).With(NoPse36).GuestPde(0x40'20e7).Read(kGla32).Build(),
       reserved},
      {"gw-2-bit-21",
       "GW-2",
       {"GW-2/reserved-off", "GW-2/bit-21-unchecked"},
       Guest32().GuestPde(0x60'00e7).Read(kGla32).Build(),
       reserved},
      // MAXPHYADDR 36: bit 16 is address bit 35, bit 17 would be bit 36.
      {"gw-2-bit-35",
       "GW-2",
       {"GW-2/no-pse-36"},
       Pse36(Guest32()).N(36).GuestPde(0x41'00e7).Read(kGla32).Build(),
       Reaches(0x1'4055'5234, 1).Size(30)},
      // MAXPHYADDR 46: bit 17 is address bit 36.
      {"gw-2-bit-36",
       "GW-2",
       {"GW-2/no-pse-36", "GW-2/36-bits-always"},
       Guest32().GuestPde(0x42'00e7).Read(kGla32).Build(),
       Violation(0x781, 0x10'0055'5234).At(kGla32)},
      {"gw-2-beyond-width",
       "GW-2",
       {"GW-2/reserved-off", "GW-2/40-bits-always"},
       Guest32().N(36).GuestPde(0x42'00e7).Read(kGla32).Build(),
       reserved},
  };
}

std::vector<NamedCase> RegisterCases() {
  return {
      {"gw-3-register-2",
       "GW-3",
       {"GW-3/register-0", "GW-3/bit-31-lost"},
       GuestPae().With(Register(2, 0x12001)).Read(kUpper32).Build(),
       Reaches(0x20234, 2)},
      {"gw-3-absent",
       "GW-3",
       {"GW-3/absent-off", "GW-3/absent-if-zero"},
       GuestPae().With(Register(1, 0x12000)).Read(kGla32).Build(),
       PageFault(0, kGla32)},
      // They are checked when they are loaded, not when they are used.
      // No walk ever meets such a register.
      {"gw-3-reserved-bits",
       "GST-10",
       {"GST-10/off"},
       GuestPae().With(Register(1, 0x121e7)).Build(),
       GuestStateFails(2)},
      {"gw-3-user",
       "GW-3",
       {"GW-3/rights"},
       GuestPae().Cpl3().Write(kGla32).Build(),
       Reaches(0x20234, 2)},
      {"gw-3-directory-above-1-tbyte",
       "GW-3",
       {"GW-3/directories-below-4-gbytes", "GW-3/directories-of-40-bits"},
       High(GuestPae())
           .With(Register(1, 0x100'0001'2001))
           .Word(0x4001'2550, 0x16027)
           .Word(0x26aa8, 0x16067)
           .Read(kGla32)
           .Build(),
       Reaches(0x26234, 2)},
      {"gw-3-directory-above-4-gbytes",
       "GW-3",
       {"GW-3/directories-below-4-gbytes"},
       GuestPae()
           .Word(0x2020, 0x4000'00b7)
           .With(Register(1, 0x1'0001'2001))
           .Word(0x4001'2550, 0x16027)
           .Word(0x26aa8, 0x16067)
           .Read(kGla32)
           .Build(),
       Reaches(0x26234, 2)},
      // The PML4 table at 1 TByte is empty.
      {"gw-4-cr3-above-1-tbyte",
       "GW-4",
       {"GW-4/cr3-bits-31-12"},
       High(Guest4()).With(Cr3(0x100'0001'4000)).Read(kGla).Build(),
       PageFault(0)},
      {"gw-4-5-level-cr3-above-1-tbyte",
       "GW-4",
       {"GW-4/cr3-bits-31-12"},
       High(Guest5()).With(Cr3(0x100'0001'5000)).Read(kGla).Build(),
       PageFault(0)},
      {"gw-4-cr3-bit-n",
       "GST-7",
       {"GST-7/off"},
       Guest4().With(Cr3(kBit46 | 0x14000)).Build(),
       GuestStateFails()},
      {"gw-4-pcid",
       "GW-4",
       {"GW-4/pcid-in-address", "GW-14/pcide-ignored"},
       Guest4().Cr4(1 << 17).With(Cr3(0x14fff)).Read(kGla).Build(),
       Reaches(0x20234, 4)},
  };
}

}  // namespace

std::vector<NamedCase> GuestModeWitnesses() {
  std::vector<NamedCase> all = FourKByteCases();
  for (auto more : {LargePageCases, ThirtyTwoBitCases, RegisterCases}) {
    for (NamedCase& named : more()) all.push_back(std::move(named));
  }
  return all;
}

}  // namespace eptdiff
