// Cases of GW-5, GW-6, GW-16 and GW-21: guest entries with reserved or ignored
// bits or not present, and the page faults that follow; addresses of 32 bits.
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kBit46 = std::uint64_t{1} << 46;
constexpr std::uint64_t kBit51 = std::uint64_t{1} << 51;
constexpr std::uint64_t kBit52 = std::uint64_t{1} << 52;
constexpr std::uint64_t kBit62 = std::uint64_t{1} << 62;
constexpr std::uint64_t kXd = std::uint64_t{1} << 63;
// All that is ignored in an entry that is not present.
constexpr std::uint64_t kRest = ~std::uint64_t{1};

void NoNxe(Case& c) { c.guest.efer &= ~std::uint64_t{0x800}; }

std::vector<NamedCase> AddressCases() {
  const Answer reserved = PageFault(9);
  const Answer reserved_32 = PageFault(9, kGla32);
  return {
      {"gw-5-bit-n-of-pml4e",
       "GW-5",
       {"GW-5/address-off", "GW-5/52-bits-always", "GW-5/bit-n-unchecked",
        "GW-5/tables-unchecked", "GW-6/no-rsvd", "GW-6/rsvd-without-p"},
       Guest4().GuestPml4e(kBit46 | 0x13027).Read(kGla).Build(),
       reserved},
      {"gw-5-bit-51-of-pdpte",
       "GW-5",
       {"GW-5/address-off", "GW-5/tables-unchecked"},
       Guest4().GuestPdpte(kBit51 | 0x12027).Read(kGla).Build(),
       reserved},
      {"gw-5-bit-n-of-pte",
       "GW-5",
       {"GW-5/address-off", "GW-5/pages-unchecked", "GW-5/bit-n-unchecked"},
       Guest4().GuestPte(kBit46 | 0x10067).Read(kGla).Build(),
       reserved},
      {"gw-5-bit-n-of-2-mbyte-page",
       "GW-5",
       {"GW-5/address-off", "GW-5/pages-unchecked"},
       Guest4().GuestPde(kBit46 | 0xe7).Read(kGla).Build(),
       reserved},
      {"gw-5-bit-n-1-of-pte",
       "GW-5",
       {},
       Guest4().GuestPte(kBit46 >> 1 | 0x10067).Read(kGla).Build(),
       Violation(0x781, 0x2000'0001'0234)},
      {"gw-5-bit-51-of-pml5e",
       "GW-5",
       {"GW-5/address-off", "GW-5/tables-unchecked"},
       Guest5().GuestPml5e(kBit51 | 0x14027).Read(kGla).Build(),
       reserved},
      {"gw-5-5-level-bit-n-of-pte",
       "GW-5",
       {"GW-5/address-off", "GW-5/pages-unchecked"},
       Guest5().GuestPte(kBit46 | 0x10067).Read(kGla).Build(),
       reserved},
      {"gw-5-pae-bit-n-of-pde",
       "GW-5",
       {"GW-5/address-off", "GW-5/tables-unchecked", "GW-5/52-bits-always"},
       GuestPae().GuestPde(kBit46 | 0x11027).Read(kGla32).Build(),
       reserved_32},
      {"gw-5-pae-bit-62-of-pte",
       "GW-5",
       {"GW-5/address-off", "GW-5/pae-bits-62-52-unchecked"},
       GuestPae().GuestPte(kBit62 | 0x10067).Read(kGla32).Build(),
       reserved_32},
      {"gw-5-pae-bit-52-of-pde",
       "GW-5",
       {"GW-5/address-off", "GW-5/pae-bits-62-52-unchecked"},
       GuestPae().GuestPde(kBit52 | 0x11027).Read(kGla32).Build(),
       reserved_32},
      // Key identifiers are none of guest-physical addresses.
      {"gw-5-above-physical-addresses",
       "GW-5",
       {"GW-5/narrowed-by-key-identifiers"},
       Guest4().Keyids(6).GuestPde(0x0200'0001'1027).Read(kGla).Build(),
       Violation(0x81, 0x0200'0001'1aa8).At(kGla)},
      // With 52 bits nothing is left to be reserved in IA-32e mode ...
      {"gw-5-52-bits",
       "GW-5",
       {},
       Guest4().N(52).GuestPde(kBit51 | 0x11027).Read(kGla).Build(),
       Violation(0x81, 0x8'0000'0001'1aa8).At(kGla)},
      // ... but with PAE paging bits 62:52.
      {"gw-5-pae-52-bits",
       "GW-5",
       {"GW-5/pae-bits-62-52-unchecked"},
       GuestPae().N(52).GuestPde(kBit52 | 0x11027).Read(kGla32).Build(),
       reserved_32},
  };
}

std::vector<NamedCase> LargePageCases() {
  const Answer reserved = PageFault(9);
  const Answer reserved_32 = PageFault(9, kGla32);
  return {
      {"gw-5-page-size-in-pml4e",
       "GW-5",
       {"GW-5/pagesize-off", "GW-5/pml4e-page-size"},
       Guest4().GuestPml4e(0x130a7).Read(kGla).Build(),
       reserved},
      {"gw-5-5-level-page-size-in-pml4e",
       "GW-5",
       {"GW-5/pagesize-off", "GW-5/pml4e-page-size"},
       Guest5().GuestPml4e(0x130a7).Read(kGla).Build(),
       reserved},
      {"gw-5-page-size-in-pml5e",
       "GW-5",
       {"GW-5/pagesize-off", "GW-5/pml5e-page-size"},
       Guest5().GuestPml5e(0x140a7).Read(kGla).Build(),
       reserved},
      {"gw-5-2-mbyte-bit-13",
       "GW-5",
       {"GW-5/leaf-off", "GW-5/2-mbyte-unchecked"},
       Guest4().GuestPde(0x20e7).Read(kGla).Build(),
       reserved},
      {"gw-5-2-mbyte-bit-20",
       "GW-5",
       {"GW-5/leaf-off", "GW-5/2-mbyte-unchecked"},
       Guest5().GuestPde(0x10'00e7).Read(kGla).Build(),
       reserved},
      {"gw-5-pae-2-mbyte-bit-13",
       "GW-5",
       {"GW-5/leaf-off", "GW-5/2-mbyte-unchecked"},
       GuestPae().GuestPde(0x20e7).Read(kGla32).Build(),
       reserved_32},
      {"gw-5-1-gbyte-bit-13",
       "GW-5",
       {"GW-5/leaf-off", "GW-5/1-gbyte-unchecked"},
       Guest4().GuestPdpte(0x20e7).Read(kGla).Build(),
       reserved},
      {"gw-5-1-gbyte-bit-21",
       "GW-5",
       {"GW-5/leaf-off", "GW-5/1-gbyte-unchecked", "GW-5/1-gbyte-bits-20-13"},
       Guest4().GuestPdpte(0x20'00e7).Read(kGla).Build(),
       reserved},
      {"gw-5-5-level-1-gbyte-bit-29",
       "GW-5",
       {"GW-5/leaf-off", "GW-5/1-gbyte-unchecked", "GW-5/1-gbyte-bits-20-13"},
       Guest5().GuestPdpte(0x2000'00e7).Read(kGla).Build(),
       reserved},
  };
}

std::vector<NamedCase> ExecuteDisableCases() {
  const Answer reserved = PageFault(9);
  const Answer reserved_32 = PageFault(9, kGla32);
  return {
      {"gw-5-nxe-off-pml4e",
       "GW-5",
       {"GW-5/executedisable-off", "GW-5/xd-in-tables-unchecked"},
       Guest4().With(NoNxe).GuestPml4e(kXd | 0x13027).Read(kGla).Build(),
       reserved},
      {"gw-5-nxe-off-pte",
       "GW-5",
       {"GW-5/executedisable-off"},
       Guest4().With(NoNxe).GuestPte(kXd | 0x10067).Read(kGla).Build(),
       reserved},
      {"gw-5-5-level-nxe-off-pml5e",
       "GW-5",
       {"GW-5/executedisable-off", "GW-5/xd-in-tables-unchecked"},
       Guest5().With(NoNxe).GuestPml5e(kXd | 0x14027).Read(kGla).Build(),
       reserved},
      {"gw-5-pae-nxe-off-pte",
       "GW-5",
       {"GW-5/executedisable-off", "GW-5/pae-xd-unchecked"},
       GuestPae().With(NoNxe).GuestPte(kXd | 0x10067).Read(kGla32).Build(),
       reserved_32},
      {"gw-5-nxe-on",
       "GW-5",
       {"GW-5/xd-always-reserved"},
       Guest4().GuestPte(kXd | 0x10067).Read(kGla).Build(),
       Reaches(0x20234, 4)},
      {"gw-5-pae-nxe-on",
       "GW-5",
       {"GW-5/xd-always-reserved"},
       GuestPae().GuestPde(kXd | 0x11027).Read(kGla32).Build(),
       Reaches(0x20234, 2)},
  };
}

std::vector<NamedCase> IgnoredBitCases() {
  return {
      {"gw-5-bits-62-52-ignored",
       "GW-5",
       {"GW-5/bits-62-52", "GW-5/bits-58-52", "GW-5/key-without-pke"},
       Guest4().GuestPte(0x7ff0'0000'0001'0067).Read(kGla).Build(),
       Reaches(0x20234, 4)},
      // Bit 11 restarts nothing in ordinary paging.
      {"gw-5-bits-11-8-of-pml4e",
       "GW-5",
       {"GW-5/bit-8-of-pml4e", "GW-5/bits-11-9", "GW-5/dirty-in-tables"},
       Guest4().GuestPml4e(0x7ff0'0000'0001'3f67).Read(kGla).Build(),
       Reaches(0x20234, 4)},
      {"gw-5-bit-8-of-pdpte",
       "GW-5",
       {"GW-5/bit-8-of-pdpte"},
       Guest4().GuestPdpte(0x12127).Read(kGla).Build(),
       Reaches(0x20234, 4)},
      {"gw-5-bits-11-8-of-pml5e",
       "GW-5",
       {"GW-5/bit-8-of-pml4e", "GW-5/bits-11-9", "GW-5/dirty-in-tables"},
       Guest5().GuestPml5e(0x7ff0'0000'0001'4f67).Read(kGla).Build(),
       Reaches(0x20234, 5)},
      {"gw-5-pae-bits-11-8-of-pde",
       "GW-5",
       {"GW-5/bits-11-9", "GW-5/dirty-in-tables"},
       GuestPae().GuestPde(0x11f67).Read(kGla32).Build(),
       Reaches(0x20234, 2)},
      {"gw-5-32-bit-ignored-bits",
       "GW-5",
       {"GW-5/bits-11-9", "GW-5/dirty-in-tables"},
       Guest32().GuestPde(0x11f67).GuestPte(0x10f67).Read(kGla32).Build(),
       Reaches(0x20234, 2)},
  };
}

std::vector<NamedCase> FaultCases() {
  const Answer absent = PageFault(0);
  const Answer absent_32 = PageFault(0, kGla32);
  return {
      {"gw-6-32-bit-pde",
       "GW-6",
       {"GW-6/any-right", "GW-6/not-zero", "GW-6/p-always",
        "GW-13/reserved-first"},
       Guest32().GuestPde(0xffff'fffe).Read(kGla32).Build(),
       absent_32},
      {"gw-6-32-bit-pte",
       "GW-6",
       {"GW-6/any-right", "GW-6/not-zero", "GW-6/p-always"},
       Guest32().GuestPte(0xffff'fffe).Read(kGla32).Build(),
       absent_32},
      {"gw-6-pae-pde",
       "GW-6",
       {"GW-6/any-right", "GW-13/reserved-first"},
       GuestPae().GuestPde(kRest).Read(kGla32).Build(),
       absent_32},
      {"gw-6-pae-pte",
       "GW-6",
       {"GW-6/any-right", "GW-13/reserved-first"},
       GuestPae().GuestPte(kRest).Read(kGla32).Build(),
       absent_32},
      {"gw-6-pml4e",
       "GW-6",
       {"GW-6/any-right", "GW-13/reserved-first"},
       Guest4().GuestPml4e(kRest).Read(kGla).Build(),
       absent},
      {"gw-6-pdpte",
       "GW-6",
       {"GW-6/any-right", "GW-13/reserved-first"},
       Guest4().GuestPdpte(kRest).Read(kGla).Build(),
       absent},
      {"gw-6-pde",
       "GW-6",
       {"GW-6/any-right", "GW-13/reserved-first"},
       Guest4().GuestPde(kRest).Read(kGla).Build(),
       absent},
      {"gw-6-pte",
       "GW-6",
       {"GW-6/any-right", "GW-13/reserved-first"},
       Guest4().GuestPte(kRest).Read(kGla).Build(),
       absent},
      {"gw-6-pml5e",
       "GW-6",
       {"GW-6/any-right", "GW-13/reserved-first"},
       Guest5().GuestPml5e(kRest).Read(kGla).Build(),
       absent},
      {"gw-6-bit-8-alone",
       "GW-6",
       {"GW-6/not-zero"},
       Guest4().GuestPte(0x10100).Read(kGla).Build(),
       absent},
      {"gw-6-rights",
       "GW-6",
       {"GW-6/rights-without-p"},
       Guest4().GuestPde(0x11025).Write(kGla).Build(),
       PageFault(3)},
      // The access goes on in a page whose PTE is all 0.
      {"gw-6-second-page",
       "GW-6",
       {"GW-6/p-always", "VIO-14/first-page-only"},
       Guest4().Read(kGlaPage | 0xffc, 8).Build(),
       PageFault(0, kGlaPage + 0x1000)},
      {"gw-6-both-pages",
       "GW-6",
       {},
       Guest4().Word(0x21ab0, 0x16067).Read(kGlaPage | 0xffc, 8).Build(),
       Reaches(0x20ffc, 4).And(0x26000)},
      {"gw-16-64-bits",
       "GW-16",
       {"GW-16/32-bits-always", "GW-16/page-aligned"},
       Guest4().GuestPte(0).Read(kGla).Build(),
       absent},
      {"gw-16-57-bits",
       "GW-16",
       {"GW-16/32-bits-always"},
       Guest5().GuestPml5e(0).Read(0x00aa'5555'5555'5234).Build(),
       PageFault(0, 0x00aa'5555'5555'5234)},
      {"gw-16-compatibility-mode",
       "GW-16",
       {},
       Guest4()
           .With([](Case& c) { c.guest.cs_l = false; })
           .GuestPte(0)
           .Read(kGla32)
           .Build(),
       absent_32},
      // The second page of an access that wraps around is at address 0.
      {"gw-16-32-bit-wrap-around",
       "GW-16",
       {"GW-16/not-masked"},
       Guest32().Read(0xffff'fffe, 4).Build(),
       PageFault(0, 0)},
      {"gw-16-pae-wrap-around",
       "GW-16",
       {"GW-16/not-masked"},
       GuestPae().Read(0xffff'fffe, 4).Build(),
       PageFault(0, 0)},
  };
}

// PDPTE 3 (or 4) to PD and PT. The pages at 0 and at 4 GBytes have the PTE 0.
constexpr std::uint64_t kAtEnd = 0xffff'fffe;
CaseBuilder Compatibility() {
  return Guest4().With([](Case& c) { c.guest.cs_l = false; });
}
CaseBuilder WithPageAt0(CaseBuilder builder, std::uint64_t pdpte) {
  return builder.Word(pdpte, 0x12027)
      .Word(0x22000, 0x11027)
      .Word(0x21000, 0x16067);
}

std::vector<NamedCase> CompatibilityCases() {
  constexpr auto kImplicit = [](Step& step) {
    step.access.implicit_supervisor = true;
  };
  return {
      {"gw-21-wrap-around",
       "GW-21",
       {"GW-21/no-wrap-around"},
       WithPageAt0(Compatibility(), 0x23000).Read(kAtEnd, 4).Build(),
       Reaches(0x20ffe, 4).And(0x26000)},
      {"gw-21-4096-bytes-around-4-gbytes",
       "GW-21",
       {"GW-21/no-wrap-around"},
       WithPageAt0(Compatibility(), 0x23000).Read(0xffff'f001, 4096).Build(),
       Reaches(0x20001, 4).And(0x26000)},
      {"gw-21-wrap-around-to-a-fault",
       "GW-21",
       {"GW-21/no-wrap-around"},
       Compatibility().Write(kAtEnd, 4).Build(),
       PageFault(2, 0)},
      // The base of a descriptor table has 64 bits.
      {"gw-21-descriptor-table",
       "GW-21",
       {"GW-21/implicit-too"},
       Compatibility().Read(kGla, 8).But(kImplicit).Build(),
       Reaches(0x20234, 4)},
      {"gw-21-descriptor-table-in-two-pages",
       "GW-21",
       {"GW-21/implicit-too", "GW-21/implicit-second-page"},
       Compatibility()
           .Word(0x21ab0, 0x16067)
           .Read(kGlaPage | 0xffc, 8)
           .But(kImplicit)
           .Build(),
       Reaches(0x20ffc, 4).And(0x26000)},
      {"gw-21-descriptor-table-at-4-gbytes",
       "GW-21",
       {"GW-21/implicit-too", "GW-21/implicit-second-page"},
       WithPageAt0(Compatibility(), 0x23020)
           .Read(kAtEnd, 4)
           .But(kImplicit)
           .Build(),
       Reaches(0x20ffe, 4).And(0x26000)},
      {"gw-21-64-bit-mode",
       "GW-21",
       {"GW-21/64-bit-mode-too"},
       WithPageAt0(Guest4(), 0x23020).Read(kAtEnd, 4).Build(),
       Reaches(0x20ffe, 4).And(0x26000)},
  };
}

}  // namespace

std::vector<NamedCase> GuestEntryWitnesses() {
  std::vector<NamedCase> all = AddressCases();
  for (auto more : {LargePageCases, ExecuteDisableCases, IgnoredBitCases,
                    FaultCases, CompatibilityCases}) {
    for (NamedCase& named : more()) all.push_back(std::move(named));
  }
  return all;
}

}  // namespace eptdiff
