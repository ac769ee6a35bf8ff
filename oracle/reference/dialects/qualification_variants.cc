// Variants of QUAL and INFO.
#include "oracle/reference/dialects/variants.h"
#include "oracle/reference/rules/situation.h"

namespace eptdiff {
namespace {

using sdm::Bit;
using sdm::Bits;
using sdm::Field;

// The AND of bit `position` over the entries used, as the SDM has it.
std::uint64_t Allowed(const Situation& s, int position) {
  return !s.not_present && !s.beyond_width && s.InAllEntries(position);
}

// The AND over the entries above the PTE.
std::uint64_t AllowedAbovePte(const Situation& s, int position) {
  if (s.not_present || s.beyond_width) return 0;
  for (const PathEntry& used : s.path) {
    if (used.level != 1 && !Bit(used.value, position)) return 0;
  }
  return 1;
}

// The bit of the leaf, where one was reached.
std::uint64_t OfLeaf(const Situation& s, int position) {
  return s.reached_leaf && Bit(s.path.back().value, position);
}

// The AND over the entries that were present, cut short or not.
std::uint64_t OfPresentEntries(const Situation& s, int position) {
  return !s.path.empty() && s.InAllEntries(position);
}

constexpr Alteration kVariants[] = {
    {"QUAL-0/structure-access-writes-only", Slot::kQual0,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return s.IsStructureAccess() && s.AccessedDirtyEnabled() ? 0 : value;
     },
     "under EPTP bit 6, an access to a guest paging structure sets "
     "qualification bit 1 without bit 0"},
    {"QUAL-0/fetch-too", Slot::kQual0,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return s.fetches ? 1 : value;
     },
     "an instruction fetch sets qualification bit 0"},
    {"QUAL-1/structure-access-reads-only", Slot::kQual1,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return s.IsStructureAccess() && s.AccessedDirtyEnabled() ? 0 : value;
     },
     "under EPTP bit 6, an access to a guest paging structure sets "
     "qualification bit 0 without bit 1"},
    {"QUAL-1/writable-page", Slot::kQual1,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Allowed(s, 1);
     },
     "qualification bit 1 says whether the page is writable, not whether the "
     "access writes"},
    {"QUAL-2/never", Slot::kQual2,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "qualification bit 2 is not set for an instruction fetch"},
    {"QUAL-3/pte-ignored", Slot::kQual3,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return AllowedAbovePte(s, 0);
     },
     "qualification bit 3 does not count bit 0 of a PTE"},
    {"QUAL-3/leaf-only", Slot::kQual3,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return OfLeaf(s, 0);
     },
     "qualification bit 3 is bit 0 of the leaf alone"},
    {"QUAL-3/above-not-present", Slot::kQual3,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return OfPresentEntries(s, 0);
     },
     "qualification bit 3 is not cleared if an entry is not present"},
    {"QUAL-3/executable", Slot::kQual3,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Allowed(s, 2);
     },
     "qualification bits 3 and 5 are exchanged, as bit 3 shows"},
    {"QUAL-4/pte-ignored", Slot::kQual4,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return AllowedAbovePte(s, 1);
     },
     "qualification bit 4 does not count bit 1 of a PTE"},
    {"QUAL-4/leaf-only", Slot::kQual4,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return OfLeaf(s, 1);
     },
     "qualification bit 4 is bit 1 of the leaf alone"},
    {"QUAL-4/above-not-present", Slot::kQual4,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return OfPresentEntries(s, 1);
     },
     "qualification bit 4 is not cleared if an entry is not present"},
    {"QUAL-4/readable", Slot::kQual4,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Allowed(s, 0);
     },
     "qualification bit 4 says whether the page is readable"},
    {"QUAL-4/paging-write-counts", Slot::kQual4,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (s.EptPagingWrite() && OfLeaf(s, 58));
     },
     "bit 58 of the leaf counts as write permission in qualification bit 4"},
    {"QUAL-5/pte-ignored", Slot::kQual5,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return AllowedAbovePte(s, 2);
     },
     "qualification bit 5 does not count bit 2 of a PTE"},
    {"QUAL-5/leaf-only", Slot::kQual5,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return OfLeaf(s, 2);
     },
     "qualification bit 5 is bit 2 of the leaf alone"},
    {"QUAL-5/above-not-present", Slot::kQual5,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return OfPresentEntries(s, 2);
     },
     "qualification bit 5 is not cleared if an entry is not present"},
    {"QUAL-5/readable", Slot::kQual5,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Allowed(s, 0);
     },
     "qualification bits 3 and 5 are exchanged, as bit 5 shows"},
    {"QUAL-5/bit-10-for-user", Slot::kQual5,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return s.Mbec() && s.user_mode ? Allowed(s, 10) : value;
     },
     "with MBEC, qualification bit 5 is the AND of bit 10 for a user-mode "
     "linear address"},
    {"QUAL-6/fetch-only", Slot::kQual6,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return s.Mbec() && !s.fetches ? 0 : value;
     },
     "with MBEC, qualification bit 6 is given for fetches alone"},
    {"QUAL-6/never", Slot::kQual6,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return s.Mbec() ? 0 : value;
     },
     "with MBEC, qualification bit 6 is not given"},
    {"QUAL-6/leaf-only", Slot::kQual6,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return s.Mbec() ? OfLeaf(s, 10) : value;
     },
     "with MBEC, qualification bit 6 is bit 10 of the leaf alone"},
    {"QUAL-6/bit-2", Slot::kQual6,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return s.Mbec() ? Allowed(s, 2) : value;
     },
     "with MBEC, qualification bit 6 is the AND of bit 2, as bit 5 is"},
    {"QUAL-7/always", Slot::kQual7,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 1; },
     "qualification bit 7 is set for a load of the PDPTE registers and for "
     "trace-address pre-translation, too"},
    {"QUAL-7/pebs-too", Slot::kQual7,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || s.IsPebs();
     },
     "qualification bit 7 is set for architectural PEBS"},
    {"QUAL-7/translation-only", Slot::kQual7,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && !s.IsStructureAccess();
     },
     "qualification bit 7 is clear for accesses to guest paging structures"},
    {"QUAL-8/with-bit-7", Slot::kQual8,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || s.IsStructureAccess();
     },
     "qualification bit 8 is set for accesses to guest paging structures, too"},
    {"QUAL-8/inverted", Slot::kQual8,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return s.access.purpose == Purpose::kPdpteLoad ? value : !value;
     },
     "qualification bit 8 is set for guest paging structures and clear for the "
     "translation of a linear address"},
    {"QUAL-9/by-cpl", Slot::kQual9,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value == kUndefinedBit ? value : s.state->guest.cpl == 3;
     },
     "qualification bit 9 is taken from the CPL, not from the page"},
    {"QUAL-9/with-mbec-only", Slot::kQual9,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value == kUndefinedBit || s.Mbec() ? value : 0;
     },
     "qualification bit 9 depends on MBEC, not on advanced VM-exit "
     "information for EPT violations"},
    {"QUAL-9/paging-off-ignored", Slot::kQual9,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value == kUndefinedBit ? value : s.access.page.user;
     },
     "qualification bit 9 is not set with CR0.PG = 0"},
    {"QUAL-10/inverted", Slot::kQual10,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return value == kUndefinedBit ? value : !value;
     },
     "qualification bit 10 is set for a read-only page"},
    {"QUAL-10/with-mbec-only", Slot::kQual10,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value == kUndefinedBit || s.Mbec() ? value : 0;
     },
     "qualification bit 10 depends on MBEC, not on advanced VM-exit "
     "information for EPT violations"},
    {"QUAL-10/ept-permission", Slot::kQual10,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value == kUndefinedBit ? value : Allowed(s, 1);
     },
     "qualification bit 10 is taken from EPT, not from the guest's paging"},
    {"QUAL-11/inverted", Slot::kQual11,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return value == kUndefinedBit ? value : !value;
     },
     "qualification bit 11 is set for an executable page"},
    {"QUAL-11/nxe-ignored", Slot::kQual11,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value == kUndefinedBit ? value : s.access.page.execute_disable;
     },
     "qualification bit 11 is set although EFER.NXE or CR4.PAE is 0"},
    {"QUAL-12/never", Slot::kQual12,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return value == kUndefinedBit ? value : 0;
     },
     "NMI unblocking due to IRET is not reported"},
    {"QUAL-12/virtual-nmis-only", Slot::kQual12,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return Bit(s.state->controls.pin_based, 5) ? value : value & ~1u;
     },
     "NMI unblocking due to IRET is reported only with \"virtual NMIs\""},
    {"QUAL-13/user-execute-permission", Slot::kQual13,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value | (s.Mbec() && !s.fetches && Allowed(s, 10));
     },
     "with MBEC, the AND of bit 10 over the entries used is reported in "
     "qualification bit 13 when the access is no fetch"},
    {"QUAL-13/with-control-only", Slot::kQual13,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.SupervisorShadowStackControl();
     },
     "qualification bit 13 is set only if EPTP bit 7 is 1"},
    {"QUAL-14/never", Slot::kQual14,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return value == kUndefinedBit ? value : 0;
     },
     "qualification bit 14 is not given"},
    {"QUAL-14/shadow-stack-only", Slot::kQual14,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value == kUndefinedBit || s.sss_access ? value : 0;
     },
     "qualification bit 14 is given for supervisor shadow-stack accesses "
     "alone"},
    {"QUAL-15/bit-57", Slot::kQual15,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || OfLeaf(s, 57);
     },
     "qualification bit 15 is bit 57 of the leaf, whether or not guest-paging "
     "verification caused the EPT violation"},
    {"QUAL-16/never", Slot::kQual16,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "qualification bit 16 is not set for an asynchronous access"},
    {"QUAL-16/not-of-pebs", Slot::kQual16,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return s.IsPebs() ? 0 : value;
     },
     "qualification bit 16 is not set for architectural PEBS"},
    {"INFO-1/gpa-of-page", Slot::kInfo1Gpa,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return Field(value, 63, 12);
     },
     "the reported guest-physical address is that of the page: bits 11:0 are "
     "clear"},
    {"INFO-1/gpa-of-page-with-paging", Slot::kInfo1Gpa,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return s.TranslatedByPaging() ? Field(value, 63, 12) : value;
     },
     "with guest paging, the reported guest-physical address is that of the "
     "page: bits 11:0 are clear"},
    {"INFO-1/gla-of-page", Slot::kInfo1Gla,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return Field(value, 63, 12);
     },
     "the reported guest-linear address is that of the page: bits 11:0 are "
     "clear"},
    {"INFO-1/gla-64-bits", Slot::kInfo1Gla,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.access.gla.value;
     },
     "bits 63:32 of the guest-linear address are not cleared outside 64-bit "
     "mode"},
    {"INFO-1/gla-32-bits", Slot::kInfo1Gla,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return Bits(value, 31, 0);
     },
     "the guest-linear address is truncated to 32 bits in 64-bit mode, too"},
    {"INFO-2/inverted", Slot::kInfo2,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return !value;
     },
     "an SPP-related event sets qualification bit 11 for a misconfiguration, "
     "not for a miss"},
    {"INFO-2/never", Slot::kInfo2,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "an SPP-related event leaves qualification bit 11 clear"},
    {"INFO-2/asynchronous-never", Slot::kInfo2Asynchronous,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "log-full and SPP-related events of asynchronous accesses leave "
     "qualification bit 16 clear"},
    {"INFO-2/not-of-pebs", Slot::kInfo2Asynchronous,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return s.IsPebs() ? 0 : value;
     },
     "log-full events of architectural PEBS leave qualification bit 16 clear"},
    {"INFO-2/asynchronous-not-in-page-walk", Slot::kInfo2Asynchronous,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && !s.IsStructureAccess();
     },
     "a log-full event in the page walk of an asynchronous access leaves "
     "qualification bit 16 clear"},
    {"INFO-2/misconfiguration-as-violation", Slot::kInfo2Misconfiguration,
     [](const Situation&, std::uint64_t) -> std::uint64_t {
       return ~std::uint64_t{0};
     },
     "an EPT misconfiguration reports the exit qualification of an EPT "
     "violation; it has to be 0"},
    {"INFO-2/misconfiguration-with-access", Slot::kInfo2Misconfiguration,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0x187; },
     "an EPT misconfiguration reports the access in bits 2:0, 7 and 8 of the "
     "exit qualification; it has to be 0"},
};

}  // namespace

std::span<const Alteration> QualificationVariants() { return kVariants; }

}  // namespace eptdiff
