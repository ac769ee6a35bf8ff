// Variants of GW.
#include "oracle/reference/situation.h"
#include "oracle/reference/variants.h"

namespace eptdiff {
namespace {

using sdm::Bit;
using sdm::Bits;
using sdm::Field;

constexpr Alteration kVariants[] = {
    {"GW-17/page-aligned", Slot::kGw17Address,
     [](const Situation& s, std::uint64_t) {
       return Field(s.state->guest.cr3, 31, 12);
     },
     "the PDPTE registers are loaded from CR3 bits 31:12: bits 11:5 are lost"},
    {"GW-17/bits-51-5", Slot::kGw17Address,
     [](const Situation& s, std::uint64_t) {
       return Field(s.state->guest.cr3, 51, 5);
     },
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
