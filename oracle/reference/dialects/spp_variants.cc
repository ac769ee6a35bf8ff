// Variants of SPP.
#include "oracle/reference/dialects/variants.h"
#include "oracle/reference/rules/situation.h"

namespace eptdiff {
namespace {

using sdm::Bit;
using sdm::Bits;

constexpr Alteration kVariants[] = {
    {"SPP-1/never", Slot::kSpp1,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "sub-page write permissions are not consulted"},
    {"SPP-1/without-bit-61", Slot::kSpp1,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.SubPageWritePermissions() && s.writes && s.level == 1;
     },
     "every 4-KByte page has sub-page write permissions, whatever bit 61 says"},
    {"SPP-1/without-control", Slot::kSpp1,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.writes && s.level == 1 && Bit(s.entry, 61);
     },
     "bit 61 counts although \"sub-page write permissions for EPT\" is 0"},
    {"SPP-1/large-pages-too", Slot::kSpp1,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.SubPageWritePermissions() && s.writes && Bit(s.entry, 61);
     },
     "large pages have sub-page write permissions, too"},
    {"SPP-1/table-entries-must-allow", Slot::kSpp1,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       for (const PathEntry& used : s.path) {
         if (!used.leaf && !Bit(used.value, 1)) return 0;
       }
       return value;
     },
     "sub-page write permissions apply only if the leaf alone forbids writes"},
    {"SPP-1/readable-pages-only", Slot::kSpp1,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.InAllEntries(0);
     },
     "sub-page write permissions apply only to pages that may be read"},
    {"SPP-2/structure-updates-eligible", Slot::kSpp2,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.access.purpose != Purpose::kStructureUpdate;
     },
     "sub-page write permissions apply to updates of accessed and dirty flags "
     "in guest paging structures"},
    {"SPP-2/transactions-eligible", Slot::kSpp2,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.IsStructureAccess();
     },
     "sub-page write permissions apply in transactional regions"},
    {"SPP-2/pebs-eligible", Slot::kSpp2,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && !s.IsPebs();
     },
     "sub-page write permissions apply to architectural PEBS"},
    {"SPP-3/one-level-up", Slot::kSpp3Index,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.access.gpa.value >> (12 + 9 * s.level) & 511;
     },
     "the SPP tables are indexed one level too high (SPPL4 by bits 56:48)"},
    {"SPP-3/eight-bits", Slot::kSpp3Index,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return value & 255;
     },
     "the index into an SPP table has 8 bits"},
    {"SPP-3/bit-s", Slot::kSpp3Bit,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.operand;
     },
     "bit S of the vector decides on sub-page S, not bit 2S"},
    {"SPP-3/odd-bit", Slot::kSpp3Bit,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return 2 * s.operand + 1;
     },
     "bit 2S+1 of the vector decides on sub-page S, not bit 2S"},
    {"SPP-3/256-byte-sub-pages", Slot::kSpp3Bit,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return 2 * (s.operand / 2);
     },
     "sub-pages have 256 bytes"},
    {"SPP-4/zero-vector", Slot::kSpp4,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (s.level == 1 && s.entry == 0);
     },
     "a vector of 0 is an SPP miss"},
    {"SPP-4/not-zero", Slot::kSpp4,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.entry == 0;
     },
     "an SPP table entry is valid unless all of it is 0"},
    {"SPP-5/high-bits-only", Slot::kSpp5Entry,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && Bits(s.entry, 63, s.M()) != 0;
     },
     "bits 11:1 of an SPP table entry are not checked"},
    {"SPP-5/bits-11-1-only", Slot::kSpp5Entry,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && Bits(s.entry, 11, 1) != 0;
     },
     "bits 63:N of an SPP table entry are not checked"},
    {"SPP-5/key-identifiers-too", Slot::kSpp5Entry,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bit(s.entry, 0) &&
              (Bits(s.entry, 11, 1) != 0 || Bits(s.entry, 63, s.N()) != 0);
     },
     "an SPP table entry may hold a key identifier"},
    {"SPP-5/bits-51-n", Slot::kSpp5Entry,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bit(s.entry, 0) &&
              (Bits(s.entry, 11, 1) != 0 || Bits(s.entry, 51, s.M()) != 0);
     },
     "bits 63:52 of an SPP table entry are ignored, as in EPT entries"},
    {"SPP-5/addressed-sub-page-only", Slot::kSpp5Vector,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       const auto sub_page = static_cast<int>(Bits(s.access.gpa.value, 11, 7));
       return Bit(s.entry, 2 * sub_page + 1);
     },
     "of the odd bits of a vector only that beside the addressed sub-page's is "
     "checked"},
    {"SPP-6/first-byte-only", Slot::kSpp6,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bits(s.access.gpa.value, 11, 7);
     },
     "only the sub-page of the first byte is judged"},
    {"SPP-6/two-sub-pages-at-most", Slot::kSpp6,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       const std::uint64_t second = Bits(s.access.gpa.value, 11, 7) + 1;
       return value < second ? value : second;
     },
     "of a write only the first two sub-pages are judged"},
    {"SPP-7/inverted", Slot::kSpp7,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.operand != 0;
     },
     "a set bit of the vector forbids writes"},
    {"SPP-8/table-47-bits", Slot::kSpp8,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return Bits(value, 47, 0);
     },
     "bits 51:48 of an SPP table's address are lost"},
    {"SPP-8/table-32-bits", Slot::kSpp8,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return Bits(value, 31, 0);
     },
     "an SPP table's address is truncated to 32 bits"},
};

}  // namespace

std::span<const Alteration> SubPageVariants() { return kVariants; }

}  // namespace eptdiff
