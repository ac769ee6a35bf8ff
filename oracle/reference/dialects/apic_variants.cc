// Of APIC: accesses to the APIC-access page.
#include "oracle/reference/dialects/variants.h"
#include "oracle/reference/rules/bits.h"
#include "oracle/reference/rules/situation.h"

namespace eptdiff {
namespace {

using sdm::Bits;

constexpr Alteration kVariants[] = {
    {"APIC-1/off", Slot::kApic1,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return false; },
     "a linear access to the APIC-access page is carried out"},
    {"APIC-1/guest-physical-address", Slot::kApic1,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.VirtualizeApicAccesses() && s.IsLinearAccess() &&
              Bits(s.access.gpa.value, 63, 12) ==
                  Bits(s.state->controls.apic_access_address, 63, 12);
     },
     "the APIC-access address is compared with guest-physical addresses"},
    {"APIC-2/off", Slot::kApic2,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return false; },
     "a guest-physical access to the APIC-access page is carried out"},
    {"APIC-2/paging-structures-only", Slot::kApic2,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.IsStructureAccess();
     },
     "of guest-physical accesses only those to guest paging structures cause "
     "APIC-access VM exits"},
    {"APIC-2/structures-accessed", Slot::kApic2Defined,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return true; },
     "structures that the processor itself looks up in the APIC-access page "
     "are "
     "accessed there"},
    {"APIC-3/before-flags", Slot::kApic3,
     [](const Situation&, std::uint64_t) -> std::uint64_t {
       return static_cast<std::uint64_t>(ApicOrder::kBeforeFlags);
     },
     "an APIC-access VM exit comes before accessed and dirty flags are set"},
    {"APIC-4/zero", Slot::kApic4,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "qualification bits 11:0 are 0"},
    {"APIC-5/writes-as-reads", Slot::kApic5,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return value == 1 ? 0 : value;
     },
     "access type 0 is reported for a write, too"},
    {"APIC-5/read-modify-write-as-read", Slot::kApic5,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value == 1 && s.access.access.kind == AccessKind::kReadModifyWrite
                  ? 0
                  : value;
     },
     "access type 0 is reported for a read-modify-write"},
    {"APIC-5/fetches-as-reads", Slot::kApic5,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return value == 2 ? 0 : value;
     },
     "access type 0 is reported for a fetch"},
    {"APIC-5/event-delivery-unseen", Slot::kApic5,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       if (value == 3) return s.writes ? 1 : 0;
       return value == 10 ? 15 : value;
     },
     "the access type does not tell event delivery"},
    {"APIC-5/guest-physical-as-linear", Slot::kApic5,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       if (value != 15) return value == 10 ? 3 : value;
       // Of an entry it is read, whatever EPT takes that for (VIO-9).
       if (s.access.purpose == Purpose::kStructureRead) return 0;
       return s.writes ? 1 : 0;
     },
     "the access type of a guest-physical access is that of a linear one"},
    {"APIC-5/trace-unseen", Slot::kApic5,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return value == 11 ? 15 : value;
     },
     "access type 15 is reported for trace output"},
    {"APIC-5/pebs-unseen", Slot::kApic5,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return s.IsPebs() ? 15 : value;
     },
     "access type 15 is reported for architectural PEBS"},
    {"APIC-6/bit-16-clear", Slot::kApic6,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return value == kUndefinedBit ? value : 0;
     },
     "qualification bit 16 is 0"},
    {"APIC-7/exits", Slot::kApic7,
     [](const Situation&, std::uint64_t) -> std::uint64_t {
       return static_cast<std::uint64_t>(ApicCaveat::kExits);
     },
     "large pages and sub-page write permissions change nothing: the access "
     "exits"},
    {"APIC-7/as-if-off", Slot::kApic7,
     [](const Situation&, std::uint64_t) -> std::uint64_t {
       return static_cast<std::uint64_t>(ApicCaveat::kAsIfOff);
     },
     "through a large page, or where sub-page write permissions apply, an "
     "access never exits"},
};

}  // namespace

std::span<const Alteration> ApicVariants() { return kVariants; }

}  // namespace eptdiff
