// Variants of GW-1 to GW-6 and GW-17: the formats of the guest's entries.
#include "oracle/reference/dialects/variants.h"
#include "oracle/reference/rules/situation.h"

namespace eptdiff {
namespace {

using sdm::Bit;
using sdm::Bits;
using sdm::Field;

bool Is32Bit(const Situation& s) { return s.linear.mode == GuestMode::k32Bit; }
bool IsPae(const Situation& s) { return s.linear.mode == GuestMode::kPae; }
bool PageSize(const Situation& s) { return Bit(s.entry, 7); }

// A PDE that maps 4 MBytes.
bool IsLarge32(const Situation& s) {
  return Is32Bit(s) && s.level == 2 && PageSize(s) && s.Cr4(4);
}

// A PDE that maps 2 MBytes, or a PDPTE that maps 1 GByte.
bool Is2MByte(const Situation& s) {
  return !Is32Bit(s) && s.level == 2 && PageSize(s);
}
bool Is1GByte(const Situation& s) {
  return s.FourOrFiveLevel() && s.level == 3 && PageSize(s);
}

// An entry that maps a page of any size.
bool MapsPage(const Situation& s) {
  return s.level == 1 || IsLarge32(s) || Is2MByte(s) || Is1GByte(s);
}

std::uint64_t Mode(GuestMode mode) { return static_cast<std::uint64_t>(mode); }

constexpr Alteration kVariants[] = {
    {"GW-1/always-paging", Slot::kGw1Mode,
     [](const Situation& s, std::uint64_t value) {
       return value != Mode(GuestMode::kNone) ? value
              : !s.Cr4(5)                     ? Mode(GuestMode::k32Bit)
                                              : Mode(GuestMode::k4Level);
     },
     "the guest's tables are walked although CR0.PG is 0"},
    {"GW-1/pae-as-4-level", Slot::kGw1Mode,
     [](const Situation&, std::uint64_t value) {
       return value == Mode(GuestMode::kPae) ? Mode(GuestMode::k4Level) : value;
     },
     "CR4.PAE alone makes 4-level paging, whatever IA32_EFER.LMA is"},
    {"GW-1/long-mode-ignored", Slot::kGw1Mode,
     [](const Situation&, std::uint64_t value) {
       return value > Mode(GuestMode::kPae) ? Mode(GuestMode::kPae) : value;
     },
     "IA32_EFER.LMA is ignored: IA-32e mode uses PAE paging"},
    {"GW-1/la57-ignored", Slot::kGw1Mode,
     [](const Situation&, std::uint64_t value) {
       return value == Mode(GuestMode::k5Level) ? Mode(GuestMode::k4Level)
                                                : value;
     },
     "CR4.LA57 is ignored: 5-level paging is walked as 4-level"},
    {"GW-1/32-bit-as-pae", Slot::kGw1Mode,
     [](const Situation&, std::uint64_t value) {
       return value == Mode(GuestMode::k32Bit) ? Mode(GuestMode::kPae) : value;
     },
     "CR4.PAE is taken as 1: 32-bit paging is walked as PAE paging"},

    {"GW-1/9-bits-with-32-bit", Slot::kGw1Index,
     [](const Situation& s, std::uint64_t value) {
       return Is32Bit(s) ? Bits(value, 10, 0) : value;
     },
     "with 32-bit paging an index has 9 bits in place of 10"},
    {"GW-1/8-bytes-with-32-bit", Slot::kGw1Index,
     [](const Situation& s, std::uint64_t value) {
       return Is32Bit(s) ? 2 * value : value;
     },
     "the entries of 32-bit paging are taken to have 8 bytes"},
    {"GW-1/upper-half-lost", Slot::kGw1Index,
     [](const Situation& s, std::uint64_t value) {
       return s.level == 4 ? Bits(value, 10, 0) : value;
     },
     "bit 47 of the linear address does not select a PML4E"},
    {"GW-1/sign-in-index", Slot::kGw1Index,
     [](const Situation& s, std::uint64_t value) {
       const bool top = s.linear.mode == GuestMode::k4Level && s.level == 4;
       return top ? 8 * Bits(s.linear.gla.value, 63, 39) : value;
     },
     "the sign of a canonical address, bits 63:48, goes into the index of the "
     "PML4E"},
    {"GW-1/pml5-index-0", Slot::kGw1Index,
     [](const Situation& s, std::uint64_t value) {
       return s.level == 5 ? 0 : value;
     },
     "the first PML5E is used for every linear address"},

    {"GW-1/no-2-mbyte-pages", Slot::kGw1Leaf,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.level == 1;
     },
     "PS in a PDE of 8 bytes is ignored: it references a page table"},
    {"GW-1/2-mbyte-needs-pse", Slot::kGw1Leaf,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && (s.level == 1 || s.Cr4(4));
     },
     "2-MByte pages need CR4.PSE"},

    {"GW-1/tables-below-4-gbytes", Slot::kGw1Table,
     [](const Situation&, std::uint64_t value) { return Bits(value, 31, 0); },
     "bits 51:32 of the address of a page table are lost"},
    {"GW-1/tables-of-40-bits", Slot::kGw1Table,
     [](const Situation&, std::uint64_t value) { return Bits(value, 39, 0); },
     "bits 51:40 of the address of a page table are lost"},

    {"GW-1/pages-below-4-gbytes", Slot::kGw1Frame,
     [](const Situation&, std::uint64_t value) { return Bits(value, 31, 0); },
     "bits 51:32 of the address of a page are lost"},
    {"GW-1/pages-of-40-bits", Slot::kGw1Frame,
     [](const Situation&, std::uint64_t value) { return Bits(value, 39, 0); },
     "bits 51:40 of the address of a page are lost"},
    {"GW-1/4-kbyte-offset", Slot::kGw1Frame,
     [](const Situation& s, std::uint64_t value) {
       const int low = 12 + 9 * (s.level - 1);
       return s.level == 1
                  ? value
                  : Field(value, 51, low) | Bits(s.linear.gla.value, 11, 0);
     },
     "the offset in a large page has 12 bits"},
    {"GW-1/pat-in-address", Slot::kGw1Frame,
     [](const Situation& s, std::uint64_t value) {
       return s.level == 1 ? value : value | Field(s.entry, 12, 12);
     },
     "PAT, bit 12 of an entry that maps a large page, goes into the address"},
    {"GW-1/high-bits-in-address", Slot::kGw1Frame,
     [](const Situation& s, std::uint64_t value) {
       return value | Field(s.entry, 63, 52);
     },
     "bits 63:52 of an entry (XD, protection key) go into the address"},

    {"GW-2/cr3-bits-51-12", Slot::kGw2Root,
     [](const Situation& s, std::uint64_t) {
       return Field(s.state->guest.cr3, 51, 12);
     },
     "bits 63:32 of CR3 count with 32-bit paging"},
    {"GW-2/cr3-bits-31-5", Slot::kGw2Root,
     [](const Situation& s, std::uint64_t) {
       return Field(s.state->guest.cr3, 31, 5);
     },
     "bits 11:5 of CR3, ignored with 32-bit paging, count as with PAE paging"},
    {"GW-2/pse-ignored", Slot::kGw2Leaf,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (Is32Bit(s) && s.level == 2 && PageSize(s));
     },
     "PS in a PDE maps 4 MBytes although CR4.PSE is 0"},
    {"GW-2/no-4-mbyte-pages", Slot::kGw2Leaf,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return false; },
     "PS in a PDE of 4 bytes is ignored although CR4.PSE is 1"},
    {"GW-2/page-size-without-pse", Slot::kGw2Reserved,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (Is32Bit(s) && s.level == 2 && !s.Cr4(4) && PageSize(s));
     },
     "PS in a PDE is treated as reserved while CR4.PSE is 0"},
    {"GW-2/no-pse-36", Slot::kGw2Reserved,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (IsLarge32(s) && Bits(s.entry, 21, 13) != 0);
     },
     "bits 21:13 of a PDE for 4 MBytes are reserved in spite of PSE-36"},
    {"GW-2/pse-36-always", Slot::kGw2Reserved,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       const int m = s.N() < 40 ? s.N() : 40;
       return value && Bits(s.entry, 21, m - 19) != 0;
     },
     "bits 39:32 of the address of a 4-MByte page are allowed without PSE-36"},
    {"GW-2/36-bits-always", Slot::kGw2Reserved,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       if (!s.state->processor.pse36 || !IsLarge32(s)) return value;
       return Bits(s.entry, 21, 17) != 0;
     },
     "with PSE-36 a 4-MByte page has an address of 36 bits, whatever the "
     "physical-address width"},
    {"GW-2/40-bits-always", Slot::kGw2Reserved,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && (!s.state->processor.pse36 || Bit(s.entry, 21));
     },
     "a 4-MByte page may lie beyond the physical-address width"},
    {"GW-2/bit-21-unchecked", Slot::kGw2Reserved,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       const int m = s.N() < 40 ? s.N() : 40;
       const int low = s.state->processor.pse36 ? m - 19 : 13;
       return value && Field(s.entry, 20, 0) >> low != 0;
     },
     "bit 21 of a PDE for 4 MBytes is not checked"},
    {"GW-2/pat-reserved", Slot::kGw2Reserved,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (IsLarge32(s) && Bit(s.entry, 12));
     },
     "PAT, bit 12 of a PDE for 4 MBytes, is treated as reserved"},
    {"GW-2/high-bits-lost", Slot::kGw2Frame,
     [](const Situation&, std::uint64_t value) { return Bits(value, 31, 0); },
     "bits 39:32 of the address of a 4-MByte page are lost"},
    {"GW-2/high-bits-in-place", Slot::kGw2Frame,
     [](const Situation& s, std::uint64_t value) {
       return Bits(value, 31, 0) | Field(s.entry, 20, 13);
     },
     "bits 20:13 of a PDE for 4 MBytes are taken as address bits 20:13"},
    {"GW-2/2-mbyte-offset", Slot::kGw2Frame,
     [](const Situation& s, std::uint64_t value) {
       return (value & ~(std::uint64_t{1} << 21)) | Field(s.entry, 21, 21);
     },
     "the offset in a 4-MByte page has 21 bits, as with PAE paging"},

    {"GW-3/register-0", Slot::kGw3Register,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "PDPTE register 0 is used for every linear address"},
    {"GW-3/bit-31-lost", Slot::kGw3Register,
     [](const Situation&, std::uint64_t value) { return Bits(value, 0, 0); },
     "bit 31 of the linear address does not select a PDPTE register"},
    {"GW-3/absent-if-zero", Slot::kGw3Absent,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.entry == 0;
     },
     "a PDPTE register is taken as present unless all of it is 0"},
    {"GW-3/rights", Slot::kGw3Rights,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return true; },
     "bits 2:1 of a PDPTE register count as U/S and R/W"},
    {"GW-3/directories-below-4-gbytes", Slot::kGw3Directory,
     [](const Situation&, std::uint64_t value) { return Bits(value, 31, 0); },
     "bits 51:32 of a PDPTE register are lost"},
    {"GW-3/directories-of-40-bits", Slot::kGw3Directory,
     [](const Situation&, std::uint64_t value) { return Bits(value, 39, 0); },
     "bits 51:40 of a PDPTE register are lost"},

    {"GW-4/cr3-bits-31-12", Slot::kGw4Root,
     [](const Situation&, std::uint64_t value) { return Bits(value, 31, 0); },
     "bits 51:32 of CR3 are lost"},
    {"GW-4/pcid-in-address", Slot::kGw4Root,
     [](const Situation& s, std::uint64_t value) {
       return value | Field(s.state->guest.cr3, 11, 5);
     },
     "bits 11:5 of CR3, a part of the PCID, go into the address"},
    {"GW-4/no-1-gbyte-pages", Slot::kGw4Leaf,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return false; },
     "PS in a PDPTE is ignored: it references a page directory"},
    {"GW-4/1-gbyte-needs-pse", Slot::kGw4Leaf,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.Cr4(4);
     },
     "1-GByte pages need CR4.PSE"},
    {"GW-4/1-gbyte-reserved", Slot::kGw4Reserved,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Is1GByte(s);
     },
     "PS in a PDPTE is reserved although the processor has 1-GByte pages"},

    {"GW-5/pae-bits-62-52-unchecked", Slot::kGw5Address,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && (!IsPae(s) || Bits(s.entry, 51, s.N()) != 0);
     },
     "bits 62:52 of an entry are not checked with PAE paging"},
    {"GW-5/bits-62-52", Slot::kGw5Address,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (s.FourOrFiveLevel() && Bits(s.entry, 62, 52) != 0);
     },
     "bits 62:52 of an entry are reserved in IA-32e mode, as with PAE paging"},
    {"GW-5/52-bits-always", Slot::kGw5Address,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && IsPae(s) && Bits(s.entry, 62, 52) != 0;
     },
     "an address may have 52 bits, whatever the physical-address width"},
    {"GW-5/narrowed-by-key-identifiers", Slot::kGw5Address,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (s.linear.mode != GuestMode::k32Bit &&
                        Bits(s.entry, 51, s.M()) != 0);
     },
     "guest-physical addresses are as wide as key identifiers leave physical "
     "ones"},
    {"GW-5/bit-n-unchecked", Slot::kGw5Address,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && Bits(s.entry, IsPae(s) ? 62 : 51, s.N() + 1) != 0;
     },
     "bit N of an entry is not checked"},
    {"GW-5/tables-unchecked", Slot::kGw5Address,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && MapsPage(s);
     },
     "bits 51:N are checked in entries that map a page alone"},
    {"GW-5/pages-unchecked", Slot::kGw5Address,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && !MapsPage(s);
     },
     "bits 51:N are not checked in entries that map a page"},
    {"GW-5/pml4e-page-size", Slot::kGw5PageSize,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.level != 4;
     },
     "PS in a PML4E is ignored"},
    {"GW-5/pml5e-page-size", Slot::kGw5PageSize,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.level != 5;
     },
     "PS in a PML5E is ignored"},
    {"GW-5/pat-reserved", Slot::kGw5Leaf,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || ((Is2MByte(s) || Is1GByte(s)) && Bit(s.entry, 12));
     },
     "PAT, bit 12 of an entry that maps 2 MBytes or 1 GByte, is reserved"},
    {"GW-5/1-gbyte-bits-20-13", Slot::kGw5Leaf,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && Bits(s.entry, 20, 13) != 0;
     },
     "bits 29:21 of an entry that maps 1 GByte are not checked"},
    {"GW-5/1-gbyte-unchecked", Slot::kGw5Leaf,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.level == 2;
     },
     "bits 29:13 of an entry that maps 1 GByte are not checked"},
    {"GW-5/2-mbyte-unchecked", Slot::kGw5Leaf,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.level == 3;
     },
     "bits 20:13 of an entry that maps 2 MBytes are not checked"},
    {"GW-5/xd-in-tables-unchecked", Slot::kGw5ExecuteDisable,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && MapsPage(s);
     },
     "with IA32_EFER.NXE = 0 bit 63 is reserved in entries that map a page "
     "alone"},
    {"GW-5/pae-xd-unchecked", Slot::kGw5ExecuteDisable,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && !IsPae(s);
     },
     "with IA32_EFER.NXE = 0 bit 63 is ignored with PAE paging"},
    {"GW-5/xd-always-reserved", Slot::kGw5ExecuteDisable,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return !Is32Bit(s) && Bit(s.entry, 63);
     },
     "bit 63 is reserved although IA32_EFER.NXE is 1"},
    {"GW-5/bit-8-of-pml4e", Slot::kGw5Ignored,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.level >= 4 && Bit(s.entry, 8);
     },
     "bit 8 of a PML4E or PML5E is treated as reserved"},
    {"GW-5/bit-8-of-pdpte", Slot::kGw5Ignored,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.FourOrFiveLevel() && s.level == 3 && !MapsPage(s) &&
              Bit(s.entry, 8);
     },
     "in IA-32e mode bit 8 of a PDPTE that references a table is treated as "
     "reserved"},
    {"GW-5/bits-11-9", Slot::kGw5Ignored,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bits(s.entry, 11, 9) != 0;
     },
     "bits 11:9, which are software's, are treated as reserved"},
    {"GW-5/bits-58-52", Slot::kGw5Ignored,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.FourOrFiveLevel() && Bits(s.entry, 58, 52) != 0;
     },
     "bits 58:52, which are software's, are treated as reserved"},
    {"GW-5/key-without-pke", Slot::kGw5Ignored,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.FourOrFiveLevel() && !s.Cr4(22) && Bits(s.entry, 62, 59) != 0;
     },
     "a protection key is treated as reserved while CR4.PKE is 0"},
    {"GW-5/dirty-in-tables", Slot::kGw5Ignored,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return !MapsPage(s) && Bit(s.entry, 6);
     },
     "bit 6 of an entry that references a table is treated as reserved"},

    {"GW-6/any-right", Slot::kGw6Present,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bits(s.entry, 2, 0) != 0;
     },
     "a guest entry is present if any of bits 2:0 is set, as in EPT"},
    {"GW-6/not-zero", Slot::kGw6Present,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.entry != 0;
     },
     "a guest entry is present unless all of it is 0"},
    {"GW-6/no-rsvd", Slot::kGw6Error,
     [](const Situation&, std::uint64_t value) { return Bits(value, 0, 0); },
     "RSVD is 0 in the error code of a page fault for a reserved bit"},
    {"GW-6/rsvd-without-p", Slot::kGw6Error,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return value == 9 ? 8 : value;
     },
     "P is 0 in the error code of a page fault for a reserved bit"},
    {"GW-6/p-always", Slot::kGw6Error,
     [](const Situation&, std::uint64_t value) { return value | 1; },
     "P is 1 in every page-fault error code"},
    {"GW-6/rights-without-p", Slot::kGw6Error,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return value == 1 ? 0 : value;
     },
     "P is 0 in the error code of a page fault for access rights"},

    {"GW-17/page-aligned", Slot::kGw17Address,
     [](const Situation& s, std::uint64_t) { return Field(s.operand, 31, 12); },
     "the PDPTE registers are loaded from CR3 bits 31:12: bits 11:5 are lost"},
    {"GW-17/bits-51-5", Slot::kGw17Address,
     [](const Situation& s, std::uint64_t) { return Field(s.operand, 51, 5); },
     "bits 63:32 of CR3 go into the address of the PDPTEs"},
    {"GW-17/bits-2-1-only", Slot::kGw17Reserved,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && Bits(s.entry, 2, 1) != 0;
     },
     "bits 8:5 and 63:N of a PDPTE are not checked"},
    {"GW-17/high-bits-unchecked", Slot::kGw17Reserved,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && (Bits(s.entry, 2, 1) != 0 || Bits(s.entry, 8, 5) != 0);
     },
     "bits 63:N of a PDPTE are not checked"},
    {"GW-17/narrowed-by-key-identifiers", Slot::kGw17Reserved,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (Bit(s.entry, 0) && Bits(s.entry, 63, s.M()) != 0);
     },
     "a PDPTE, a guest-physical address, is checked against the width of "
     "physical addresses"},
    {"GW-17/absent-too", Slot::kGw17Reserved,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bits(s.entry, 2, 1) != 0 || Bits(s.entry, 8, 5) != 0 ||
              Bits(s.entry, 63, s.N()) != 0;
     },
     "reserved bits are checked in PDPTEs that are not present, too"},
    {"GW-17/pwt-pcd-reserved", Slot::kGw17Reserved,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (Bit(s.entry, 0) && Bits(s.entry, 4, 3) != 0);
     },
     "bits 4:3 of a PDPTE, which are PCD and PWT, are treated as reserved"},
};

}  // namespace

std::span<const Alteration> GuestVariants() { return kVariants; }

}  // namespace eptdiff
