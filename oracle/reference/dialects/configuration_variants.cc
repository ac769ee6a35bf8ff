// Variants of CFG.
#include "oracle/reference/dialects/variants.h"
#include "oracle/reference/rules/situation.h"

namespace eptdiff {
namespace {

using sdm::Bit;
using sdm::Bits;

bool Is1GbyteLeaf(const Situation& s) { return s.level == 3 && s.leaf; }
bool Is2MbyteLeaf(const Situation& s) { return s.level == 2 && s.leaf; }

constexpr Alteration kVariants[] = {
    {"CFG-1/not-with-execute", Slot::kCfg1,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && !Bit(s.entry, 2);
     },
     "write without read is a misconfiguration only if execute is clear, too "
     "(010b, but not 110b)"},
    {"CFG-1/leaf-only", Slot::kCfg1,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.leaf;
     },
     "write without read is a misconfiguration in leaves alone"},
    {"CFG-2/always-refused", Slot::kCfg2,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return !Bit(s.entry, 0) && Bit(s.entry, 2);
     },
     "execute-only is a misconfiguration although the processor supports it"},
    {"CFG-2/leaf-only", Slot::kCfg2,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.leaf;
     },
     "execute without read is a misconfiguration in leaves alone"},
    {"CFG-3/always-refused", Slot::kCfg3,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.Mbec() && !Bit(s.entry, 0) && Bit(s.entry, 10);
     },
     "with MBEC, user execute without read is a misconfiguration although the "
     "processor supports execute-only translations"},
    {"CFG-4/table-entries-too", Slot::kCfg4,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.EptPagingWrite() && !Bit(s.entry, 0) && Bit(s.entry, 58);
     },
     "bit 58 without bit 0 is a misconfiguration in entries that reference a "
     "table, too"},
    {"CFG-4/without-control", Slot::kCfg4,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.leaf && !Bit(s.entry, 0) && Bit(s.entry, 58);
     },
     "bit 58 without bit 0 is a misconfiguration although \"EPT paging-write "
     "control\" is 0"},
    {"CFG-5/bit-7-unchecked", Slot::kCfg5,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.level >= 4 && Bits(s.entry, 6, 3) != 0;
     },
     "bit 7 of a PML4E or PML5E is not checked"},
    {"CFG-5/pml4e-only", Slot::kCfg5,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.level == 4;
     },
     "bits 7:3 of a PML5E are not checked"},
    {"CFG-6/bit-6-only", Slot::kCfg6,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && Bit(s.entry, 6);
     },
     "bits 5:3 of a PDPTE or PDE that references a table are not checked"},
    {"CFG-6/bits-5-3-only", Slot::kCfg6,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && Bits(s.entry, 5, 3) != 0;
     },
     "bit 6 of a PDPTE or PDE that references a table is not checked"},
    {"CFG-6/pdpte-only", Slot::kCfg6,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.level == 3;
     },
     "bits 6:3 of a PDE that references a table are not checked"},
    {"CFG-7/2-mbyte-capability-for-both", Slot::kCfg7,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return (s.level == 3 || s.level == 2) && Bit(s.entry, 7) &&
              !s.Capability(16);
     },
     "1-GByte pages are allowed wherever 2-MByte pages are"},
    {"CFG-7/never-1-gbyte", Slot::kCfg7,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (s.level == 3 && Bit(s.entry, 7));
     },
     "a 1-GByte page is a misconfiguration even where the processor has them"},
    {"CFG-8/bit-12-unchecked", Slot::kCfg8,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && Bits(s.entry, 29, 13) != 0;
     },
     "bit 12 of a 1-GByte leaf is not checked"},
    {"CFG-8/bits-28-12", Slot::kCfg8,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && Bits(s.entry, 28, 12) != 0;
     },
     "bit 29 of a 1-GByte leaf is not checked"},
    {"CFG-8/bits-30-12", Slot::kCfg8,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Is1GbyteLeaf(s) && Bits(s.entry, 30, 12) != 0;
     },
     "bit 30 of a 1-GByte leaf, an address bit, is treated as reserved"},
    {"CFG-8/bits-20-12", Slot::kCfg8,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && Bits(s.entry, 20, 12) != 0;
     },
     "a 1-GByte leaf is checked as if it mapped 2 MBytes: bits 29:21 are not"},
    {"CFG-9/bit-12-unchecked", Slot::kCfg9,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && Bits(s.entry, 20, 13) != 0;
     },
     "bit 12 of a 2-MByte leaf is not checked"},
    {"CFG-9/bits-19-12", Slot::kCfg9,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && Bits(s.entry, 19, 12) != 0;
     },
     "bit 20 of a 2-MByte leaf is not checked"},
    {"CFG-9/bits-21-12", Slot::kCfg9,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Is2MbyteLeaf(s) && Bits(s.entry, 21, 12) != 0;
     },
     "bit 21 of a 2-MByte leaf, an address bit, is treated as reserved"},
    {"CFG-10/bit-n-unchecked", Slot::kCfg10,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bits(s.entry, 51, s.M() + 1) != 0;
     },
     "bit N, the lowest beyond the physical-address width, is not checked"},
    {"CFG-10/bit-n-1-reserved", Slot::kCfg10,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bits(s.entry, 51, s.M() - 1) != 0;
     },
     "bit N-1, the highest of an address, is treated as reserved"},
    {"CFG-10/bits-51-48", Slot::kCfg10,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && Bits(s.entry, 51, 48) != 0;
     },
     "only bits 51:48 are checked, whatever the physical-address width"},
    {"CFG-10/bits-63-n", Slot::kCfg10,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bits(s.entry, 63, s.M()) != 0;
     },
     "bits 63:52, too, are treated as beyond the physical-address width"},
    {"CFG-10/key-identifiers-too", Slot::kCfg10,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bits(s.entry, 51, s.N()) != 0;
     },
     "the bits of a key identifier are not treated as reserved"},
    {"CFG-10/leaf-only", Slot::kCfg10,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.leaf;
     },
     "the address in an entry that references a table is not checked against "
     "the physical-address width"},
    {"CFG-10/table-entries-only", Slot::kCfg10,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && !s.leaf;
     },
     "the address in a leaf is not checked against the physical-address width"},
    {"CFG-11/type-7-accepted", Slot::kCfg11,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && Bits(s.entry, 5, 3) != 7;
     },
     "memory type 7 (UC- in the PAT) is accepted in a leaf"},
    {"CFG-11/type-7-only", Slot::kCfg11,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && Bits(s.entry, 5, 3) == 7;
     },
     "memory types 2 and 3 are accepted in a leaf"},
    {"CFG-11/not-in-1-gbyte-leaf", Slot::kCfg11,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && !Is1GbyteLeaf(s);
     },
     "the memory type of a 1-GByte leaf is not checked"},
    {"CFG-11/uc-and-wb-only", Slot::kCfg11,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       const std::uint64_t type = Bits(s.entry, 5, 3);
       return value || (s.leaf && type != 0 && type != 6);
     },
     "every memory type but UC and WB is a misconfiguration"},
};

}  // namespace

std::span<const Alteration> ConfigurationVariants() { return kVariants; }

}  // namespace eptdiff
