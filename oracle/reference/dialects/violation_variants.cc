// Variants of VIO and PRI.
#include "oracle/reference/dialects/variants.h"
#include "oracle/reference/rules/situation.h"

namespace eptdiff {
namespace {

using sdm::Bit;

// Bit `position` of the leaf, or of the last entry that was used.
bool InLeaf(const Situation& s, int position) {
  return !s.path.empty() && Bit(s.path.back().value, position);
}

// Whether an entry above the PTE lacks bit `position`.
bool LackingAbovePte(const Situation& s, int position) {
  for (const PathEntry& used : s.path) {
    if (used.level != 1 && !Bit(used.value, position)) return true;
  }
  return false;
}

bool TableEntriesAllowWrites(const Situation& s) {
  for (const PathEntry& used : s.path) {
    if (!used.leaf && !Bit(used.value, 1)) return false;
  }
  return true;
}

constexpr Alteration kVariants[] = {
    {"VIO-2/pte-ignored", Slot::kVio2,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && LackingAbovePte(s, 0);
     },
     "read permission is not looked for in a PTE"},
    {"VIO-2/leaf-only", Slot::kVio2,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && !InLeaf(s, 0);
     },
     "read permission is judged by the leaf alone"},
    {"VIO-3/pte-ignored", Slot::kVio3,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && LackingAbovePte(s, 1);
     },
     "write permission is not looked for in a PTE"},
    {"VIO-3/leaf-only", Slot::kVio3,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && !InLeaf(s, 1);
     },
     "write permission is judged by the leaf alone"},
    {"VIO-3/needs-dirty-flag", Slot::kVio3,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (s.writes && s.AccessedDirtyEnabled() && !InLeaf(s, 9));
     },
     "a write to a page whose dirty flag is clear is an EPT violation: the "
     "flag "
     "is left to software"},
    {"VIO-4/pte-ignored", Slot::kVio4,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && LackingAbovePte(s, 2);
     },
     "without MBEC, execute permission is not looked for in a PTE"},
    {"VIO-4/leaf-only", Slot::kVio4,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && !InLeaf(s, 2);
     },
     "without MBEC, execute permission is judged by the leaf alone"},
    {"VIO-4/needs-read", Slot::kVio4,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (s.fetches && !s.Mbec() && !s.InAllEntries(0));
     },
     "an instruction fetch needs read permission, too"},
    {"VIO-5/leaf-only", Slot::kVio5,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && !InLeaf(s, 2);
     },
     "with MBEC, supervisor execute permission is judged by the leaf alone"},
    {"VIO-5/either-bit", Slot::kVio5,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && !s.InAllEntries(10);
     },
     "with MBEC, bit 10 allows supervisor-mode fetches, too"},
    {"VIO-6/leaf-only", Slot::kVio6,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && !InLeaf(s, 10);
     },
     "with MBEC, user execute permission is judged by the leaf alone"},
    {"VIO-6/bit-2", Slot::kVio6,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.fetches && s.Mbec() && s.user_mode && !s.InAllEntries(2);
     },
     "with MBEC, user-mode fetches are judged by bit 2 (bit 10 is not used)"},
    {"VIO-6/both-bits", Slot::kVio6,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value ||
              (s.fetches && s.Mbec() && s.user_mode && !s.InAllEntries(2));
     },
     "with MBEC, a user-mode fetch needs bits 2 and 10"},
    {"VIO-7/by-cpl", Slot::kVio7,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.state->guest.cpl == 3;
     },
     "whether a linear address is user-mode is taken from the CPL, not from "
     "its guest translation"},
    {"VIO-7/supervisor-without-paging", Slot::kVio7,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return s.TranslatedByPaging() && value;
     },
     "with CR0.PG = 0 linear addresses are supervisor-mode"},
    {"VIO-8/update-is-no-write", Slot::kVio8,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "setting accessed and dirty flags in guest paging structures needs no "
     "write permission"},
    {"VIO-9/read-is-no-write", Slot::kVio9,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "with EPTP bit 6, reading a guest paging-structure entry needs no write "
     "permission"},
    {"VIO-9/always-a-write", Slot::kVio9,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 1; },
     "reading a guest paging-structure entry needs write permission although "
     "EPTP bit 6 is 0"},
    {"VIO-10/load-is-a-write", Slot::kVio10,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.AccessedDirtyEnabled();
     },
     "with EPTP bit 6, a load of the PDPTE registers needs write permission"},
    {"VIO-11/never-allowed", Slot::kVio11,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "bit 58 does not allow paging writes"},
    {"VIO-11/leaf-suffices", Slot::kVio11,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.EptPagingWrite() && s.paging_write && InLeaf(s, 58);
     },
     "bit 58 of the leaf allows a paging write although bit 1 is clear in an "
     "entry that references a table"},
    {"VIO-11/any-write", Slot::kVio11,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (s.EptPagingWrite() && InLeaf(s, 58));
     },
     "bit 58 of the leaf allows every write, not paging writes alone"},
    {"VIO-11/without-control", Slot::kVio11,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (s.paging_write && InLeaf(s, 58));
     },
     "bit 58 allows paging writes although \"EPT paging-write control\" is 0"},
    {"VIO-12/leaf-write-needed", Slot::kVio12,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (s.writes && !InLeaf(s, 1));
     },
     "a supervisor shadow-stack write needs bit 1 of the leaf, too"},
    {"VIO-12/table-entries-unchecked", Slot::kVio12,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return !s.InAllEntries(0) || !InLeaf(s, 60);
     },
     "supervisor shadow-stack accesses do not need bit 1 in entries that "
     "reference a table"},
    {"VIO-12/bit-60-unchecked", Slot::kVio12,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return !s.InAllEntries(0) || !TableEntriesAllowWrites(s);
     },
     "supervisor shadow-stack accesses do not need bit 60 in the leaf"},
    {"VIO-12/judged-as-data", Slot::kVio12,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return (s.reads && !s.InAllEntries(0)) ||
              (s.writes && !s.InAllEntries(1));
     },
     "supervisor shadow-stack accesses are judged as other reads and writes "
     "although EPTP bit 7 is 1"},
    {"VIO-14/first-page-only", Slot::kVio14,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 1; },
     "of an access across two pages only the first page is judged"},
    {"VIO-15/read-only", Slot::kVio15Write,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "a read-modify-write is judged as a read alone"},
    {"VIO-15/write-only", Slot::kVio15Read,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "a read-modify-write is judged as a write alone"},
    {"PRI-1/log-first", Slot::kPri1,
     [](const Situation&, std::uint64_t) {
       return static_cast<std::uint64_t>(AccessOrder::kLogFirst);
     },
     "the PML index is looked at before permissions: log-full hides an EPT "
     "violation"},
    {"PRI-1/log-before-spp", Slot::kPri1,
     [](const Situation&, std::uint64_t) {
       return static_cast<std::uint64_t>(AccessOrder::kLogBeforeSpp);
     },
     "the PML index is looked at before the sub-page permission table"},
};

}  // namespace

std::span<const Alteration> ViolationVariants() { return kVariants; }

}  // namespace eptdiff
