// Variants of WALK.
#include "oracle/reference/dialects/variants.h"
#include "oracle/reference/rules/situation.h"

namespace eptdiff {
namespace {

using sdm::Bit;
using sdm::Bits;
using sdm::Field;

// The lowest bit of the index at a level.
int IndexShift(const Situation& s) { return 12 + 9 * (s.level - 1); }

// Whether an ignored bit of a present entry is set; nothing else is misread.
std::uint64_t AlsoReserved(std::uint64_t value, bool set) {
  return value || set;
}

constexpr Alteration kVariants[] = {
    {"WALK-1/one-bit-high", Slot::kWalk1,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.access.gpa.value >> (IndexShift(s) + 1) & 511;
     },
     "the table index is taken one bit too high (PT: bits 21:13)"},
    {"WALK-1/one-bit-low", Slot::kWalk1,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.access.gpa.value >> (IndexShift(s) - 1) & 511;
     },
     "the table index is taken one bit too low (PT: bits 19:11)"},
    {"WALK-1/ten-bits", Slot::kWalk1,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.access.gpa.value >> IndexShift(s) & 1023;
     },
     "the table index has 10 bits, as in 32-bit paging"},
    {"WALK-1/eight-bits", Slot::kWalk1,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.access.gpa.value >> IndexShift(s) & 255;
     },
     "the table index has 8 bits"},
    {"WALK-2/five-levels-too", Slot::kWalk2,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bits(s.access.gpa.value, 51, 48) != 0;
     },
     "guest-physical address bits 51:48 are refused in 5-level EPT, too"},
    {"WALK-2/physical-address-width", Slot::kWalk2,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || Bits(s.access.gpa.value, 51, s.M()) != 0;
     },
     "a guest-physical address beyond the physical-address width is refused"},
    {"WALK-3/bit-0", Slot::kWalk3,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bit(s.entry, 0);
     },
     "an entry is present if bit 0 is set, as in ordinary paging"},
    {"WALK-3/not-zero", Slot::kWalk3,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.entry != 0;
     },
     "an entry is not present only if all of it is 0"},
    {"WALK-3/bit-10-too", Slot::kWalk3,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || Bit(s.entry, 10);
     },
     "bit 10 makes an entry present although MBEC is off"},
    {"WALK-4/bit-10-ignored", Slot::kWalk4,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bits(s.entry, 2, 0) != 0;
     },
     "with MBEC, bit 10 alone does not make an entry present"},
    {"WALK-5/no-1-gbyte-pages", Slot::kWalk5,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return s.level != 3 && value;
     },
     "bit 7 of a PDPTE is ignored: the entry references a table"},
    {"WALK-5/no-2-mbyte-pages", Slot::kWalk5,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return s.level != 2 && value;
     },
     "bit 7 of a PDE is ignored: the entry references a table"},
    {"WALK-5/reserved-bits-too", Slot::kWalk5,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value ||
              ((s.level == 3 || s.level == 2) && Bits(s.entry, 6, 3) != 0);
     },
     "a PDPTE or PDE with any of bits 6:3 set maps a page, although bit 7 is "
     "clear"},
    {"WALK-6/offset-truncated", Slot::kWalk6,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return Field(value, 51, IndexShift(s)) | Bits(s.access.gpa.value, 11, 0);
     },
     "only bits 11:0 of the guest-physical address go into the host-physical "
     "one, under a large page, too"},
    {"WALK-6/2-mbyte-offset", Slot::kWalk6,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return s.level == 3 ? Field(value, 51, 30) | Bits(value, 20, 0) : value;
     },
     "under a 1-GByte page only bits 20:0 of the guest-physical address are "
     "kept"},
    {"WALK-6/frame-47-bits", Slot::kWalk6,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return Bits(value, 47, 0);
     },
     "bits 51:48 of the page's address are lost"},
    {"WALK-6/frame-32-bits", Slot::kWalk6,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return Bits(value, 31, 0);
     },
     "the page's address is truncated to 32 bits"},
    {"WALK-6/high-bits-kept", Slot::kWalk6,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value | Field(s.entry, 63, 52);
     },
     "bits 63:52 of the leaf go into the host-physical address"},
    {"WALK-7/pte-bit-7-reserved", Slot::kWalk7,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return AlsoReserved(value, s.level == 1 && Bit(s.entry, 7));
     },
     "bit 7 of a PTE is treated as reserved"},
    {"WALK-7/table-bit-8-reserved", Slot::kWalk7,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return AlsoReserved(value, !s.leaf && Bit(s.entry, 8));
     },
     "bit 8 of an entry that references a table is treated as reserved"},
    {"WALK-7/table-bit-9-reserved", Slot::kWalk7,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return AlsoReserved(value, !s.leaf && Bit(s.entry, 9));
     },
     "bit 9 of an entry that references a table is treated as reserved"},
    {"WALK-7/bits-9-8-reserved-without-flags", Slot::kWalk7,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return AlsoReserved(value, s.leaf && !s.AccessedDirtyEnabled() &&
                                      Bits(s.entry, 9, 8) != 0);
     },
     "bits 9:8 of a leaf are treated as reserved while EPTP bit 6 is 0"},
    {"WALK-7/bit-10-reserved-without-mbec", Slot::kWalk7,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return AlsoReserved(value, !s.Mbec() && Bit(s.entry, 10));
     },
     "bit 10 is treated as reserved while MBEC is off"},
    {"WALK-7/bit-11-reserved", Slot::kWalk7,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return AlsoReserved(value, Bit(s.entry, 11));
     },
     "bit 11 is treated as reserved"},
    {"WALK-7/bits-56-52-reserved", Slot::kWalk7,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return AlsoReserved(value, Bits(s.entry, 56, 52) != 0);
     },
     "bits 56:52 are treated as reserved"},
    {"WALK-7/bits-62-57-reserved", Slot::kWalk7,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return AlsoReserved(value, Bits(s.entry, 62, 57) != 0);
     },
     "bits 62:57 are treated as reserved"},
    {"WALK-7/table-bits-62-57-reserved", Slot::kWalk7,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return AlsoReserved(value, !s.leaf && Bits(s.entry, 62, 57) != 0);
     },
     "bits 62:57 of an entry that references a table are treated as reserved"},
    {"WALK-7/bit-63-reserved-without-ve", Slot::kWalk7,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return AlsoReserved(value, !s.EptViolationVe() && Bit(s.entry, 63));
     },
     "bit 63 is treated as reserved while \"EPT-violation #VE\" is 0"},
    {"WALK-7/table-bit-63-reserved", Slot::kWalk7,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return AlsoReserved(value, !s.leaf && Bit(s.entry, 63));
     },
     "bit 63 of an entry that references a table is treated as reserved"},
    {"WALK-8/permissions-per-level", Slot::kWalk8,
     [](const Situation&, std::uint64_t) {
       return static_cast<std::uint64_t>(WalkOrder::kPermissionsPerLevel);
     },
     "permissions are judged at each level, before the entries below it are "
     "read: an EPT violation hides what lower entries would cause"},
    {"WALK-8/misconfigured-first", Slot::kWalk8,
     [](const Situation&, std::uint64_t) {
       return static_cast<std::uint64_t>(WalkOrder::kMisconfiguredFirst);
     },
     "reserved bits are judged before presence: an entry that is not present "
     "can be misconfigured"},
    {"WALK-9/table-47-bits", Slot::kWalk9,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return Bits(value, 47, 0);
     },
     "bits 51:48 of a table's address are lost"},
    {"WALK-9/table-32-bits", Slot::kWalk9,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return Bits(value, 31, 0);
     },
     "a table's address is truncated to 32 bits"},
    {"WALK-9/high-bits-kept", Slot::kWalk9,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value | Field(s.operand, 63, 52);
     },
     "bits 63:52 of an entry go into the address of the table that it "
     "references"},
};

}  // namespace

std::span<const Alteration> WalkVariants() { return kVariants; }

}  // namespace eptdiff
