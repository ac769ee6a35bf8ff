// Classic mistakes of software that walks EPT: bits taken one for another,
// fields copied whole that have to be masked, capabilities and checks that were
// forgotten. Variants of several families.
#include <initializer_list>

#include "oracle/reference/dialects/variants.h"
#include "oracle/reference/rules/situation.h"

namespace eptdiff {
namespace {

using sdm::Bit;
using sdm::Bits;
using sdm::Field;

constexpr std::uint64_t kAccessed = 1 << 8;
constexpr std::uint64_t kDirty = 1 << 9;

// The AND of bit `position` over the entries used, as the SDM has it.
std::uint64_t Allowed(const Situation& s, int position) {
  return !s.not_present && !s.beyond_width && s.InAllEntries(position);
}

std::uint64_t Never(const Situation&, std::uint64_t value) {
  return value == kUndefinedBit ? value : 0;
}

std::uint64_t Negated(const Situation&, std::uint64_t value) {
  return value == kUndefinedBit ? value : !value;
}

// Bits 2:0 of the qualification describe an access that is no access to a guest
// paging structure and no read-modify-write.
bool IsPlainAccess(const Situation& s) {
  return !s.IsStructureAccess() &&
         s.access.access.kind != AccessKind::kReadModifyWrite;
}

// An address of CTL-2.
struct Checked {
  bool in_use;
  std::uint64_t address;
};
bool SomeIsNoFrame(const Situation& s, std::initializer_list<Checked> list) {
  for (const Checked& c : list) {
    const bool frame =
        Bits(c.address, 11, 0) == 0 && Bits(c.address, 63, s.M()) == 0;
    if (c.in_use && !frame) return true;
  }
  return false;
}
Checked LogAddress(const Situation& s) {
  return {s.EnablePml(), s.state->controls.pml_address};
}
Checked SppAddress(const Situation& s) {
  return {s.SubPageWritePermissions(), s.state->controls.spptp};
}
Checked ListAddress(const Situation& s) {
  return {s.EptpSwitching(), s.state->controls.eptp_list_address};
}
Checked VeAddress(const Situation& s) {
  return {s.EptViolationVe(), s.state->controls.ve_information_address};
}

Checked ApicAddress(const Situation& s) {
  return {s.VirtualizeApicAccesses(), s.state->controls.apic_access_address};
}

constexpr Alteration kVariants[] = {
    {"EPTP-1/capabilities-ignored", Slot::kEptp1,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       const std::uint64_t type = Bits(s.operand, 2, 0);
       return type != 0 && type != 6;
     },
     "the memory types UC and WB are accepted in EPTP bits 2:0 although the "
     "processor does not support them"},
    {"EPTP-2/capabilities-ignored", Slot::kEptp2,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       const std::uint64_t length = Bits(s.operand, 5, 3);
       return length != 3 && length != 4;
     },
     "page-walk lengths of 4 and 5 are accepted although the processor does "
     "not support them"},
    {"CTL-1/secondary-only", Slot::kCtl1,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && (s.EnablePml() || s.UnrestrictedGuest() || s.Mbec() ||
                        s.SubPageWritePermissions() ||
                        s.IntelPtGuestPhysical() || s.EptpSwitching());
     },
     "HLAT, EPT paging-write control and guest-paging verification are "
     "accepted without \"enable EPT\""},
    {"CTL-2/log-unchecked", Slot::kCtl2,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return SomeIsNoFrame(
           s, {SppAddress(s), ListAddress(s), VeAddress(s), ApicAddress(s)});
     },
     "the address of the page-modification log is not checked"},
    {"CTL-2/spptp-unchecked", Slot::kCtl2,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return SomeIsNoFrame(
           s, {LogAddress(s), ListAddress(s), VeAddress(s), ApicAddress(s)});
     },
     "SPPTP is not checked"},
    {"CTL-2/list-unchecked", Slot::kCtl2,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return SomeIsNoFrame(
           s, {LogAddress(s), SppAddress(s), VeAddress(s), ApicAddress(s)});
     },
     "the address of the EPTP list is not checked"},
    {"CTL-2/ve-area-unchecked", Slot::kCtl2,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return SomeIsNoFrame(
           s, {LogAddress(s), SppAddress(s), ListAddress(s), ApicAddress(s)});
     },
     "the address of the #VE information area is not checked"},
    {"CTL-2/apic-page-unchecked", Slot::kCtl2,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return SomeIsNoFrame(
           s, {LogAddress(s), SppAddress(s), ListAddress(s), VeAddress(s)});
     },
     "the APIC-access address is not checked"},
    {"WALK-2/bit-47-too", Slot::kWalk2,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (s.FourLevelEpt() && Bit(s.access.gpa.value, 47));
     },
     "with 4-level EPT, a guest-physical address with bit 47 set is refused, "
     "too"},
    {"WALK-3/bits-1-0", Slot::kWalk3,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bits(s.entry, 1, 0) != 0;
     },
     "without MBEC, an entry that allows execution alone is not present"},
    {"WALK-4/bits-1-0-and-10", Slot::kWalk4,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bits(s.entry, 1, 0) != 0 || Bit(s.entry, 10);
     },
     "with MBEC, an entry that allows supervisor execution alone is not "
     "present"},
    {"WALK-4/bit-0", Slot::kWalk4,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bit(s.entry, 0);
     },
     "with MBEC, too, an entry is present if bit 0 is set"},
    {"WALK-4/not-zero", Slot::kWalk4,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.entry != 0;
     },
     "with MBEC, too, an entry is not present only if all of it is 0"},
    {"CFG-7/1-gbyte-capability-ignored", Slot::kCfg7,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.level != 3;
     },
     "a 1-GByte page is accepted although the processor does not have them"},
    {"QUAL-11/with-mbec-only", Slot::kQual11,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value == kUndefinedBit || s.Mbec() ? value : 0;
     },
     "qualification bit 11 depends on MBEC, not on advanced VM-exit "
     "information for EPT violations"},
    {"WALK-6/identity", Slot::kWalk6,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.access.gpa.value;
     },
     "the guest-physical address is given as the host-physical one"},
    {"WALK-6/attributes-kept", Slot::kWalk6,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value | Bits(s.entry, 11, 0);
     },
     "bits 11:0 of the leaf are not masked out of the page's address"},
    {"WALK-6/page-offset-lost", Slot::kWalk6,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return Field(value, 51, 12);
     },
     "bits 11:0 of the guest-physical address are lost"},
    {"WALK-6/frame-40-bits", Slot::kWalk6,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return Bits(value, 39, 0);
     },
     "the page's address is truncated to 40 bits"},
    {"WALK-9/table-40-bits", Slot::kWalk9,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return Bits(value, 39, 0);
     },
     "a table's address is truncated to 40 bits"},
    {"VIO-2/execute-suffices", Slot::kVio2,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && !s.InAllEntries(2);
     },
     "an execute-only page can be read"},
    {"QUAL-0/exchanged", Slot::kQual0,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return IsPlainAccess(s) ? std::uint64_t{s.writes} : value;
     },
     "qualification bits 0 and 1 are exchanged, as bit 0 shows"},
    {"QUAL-0/write-too", Slot::kQual0,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return IsPlainAccess(s) && s.writes ? 1 : value;
     },
     "a write sets qualification bit 0, too"},
    {"QUAL-1/exchanged", Slot::kQual1,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return IsPlainAccess(s) ? std::uint64_t{s.reads} : value;
     },
     "qualification bits 0 and 1 are exchanged, as bit 1 shows"},
    {"QUAL-3/never", Slot::kQual3, Never, "qualification bit 3 is never set"},
    {"QUAL-3/writable", Slot::kQual3,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Allowed(s, 1);
     },
     "qualification bit 3 says whether the page is writable"},
    {"QUAL-4/never", Slot::kQual4, Never, "qualification bit 4 is never set"},
    {"QUAL-4/executable", Slot::kQual4,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Allowed(s, 2);
     },
     "qualification bit 4 says whether the page is executable"},
    {"QUAL-5/never", Slot::kQual5, Never, "qualification bit 5 is never set"},
    {"QUAL-5/writable", Slot::kQual5,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Allowed(s, 1);
     },
     "qualification bit 5 says whether the page is writable"},
    {"QUAL-7/never", Slot::kQual7, Never, "qualification bit 7 is never set"},
    {"QUAL-8/never", Slot::kQual8, Never, "qualification bit 8 is never set"},
    {"QUAL-8/negated", Slot::kQual8, Negated,
     "qualification bit 8 is the wrong way round, also where bit 7 is clear"},
    {"QUAL-9/inverted", Slot::kQual9, Negated,
     "qualification bit 9 is set for a supervisor-mode address"},
    {"QUAL-9/never", Slot::kQual9, Never, "qualification bit 9 is never set"},
    {"QUAL-10/never", Slot::kQual10, Never,
     "qualification bit 10 is never set"},
    {"QUAL-10/paging-off-ignored", Slot::kQual10,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value == kUndefinedBit || s.TranslatedByPaging() ? value : 0;
     },
     "qualification bit 10 is not set with CR0.PG = 0"},
    {"QUAL-11/never", Slot::kQual11, Never,
     "qualification bit 11 is never set"},
    {"QUAL-13/never", Slot::kQual13, Never,
     "qualification bit 13 is never set"},
    {"INFO-1/gpa-is-gla", Slot::kInfo1Gpa,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.access.gla.value;
     },
     "the guest-linear address is reported as the guest-physical one"},
    {"INFO-1/gpa-missing", Slot::kInfo1Gpa,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "the guest-physical address is reported as 0"},
    {"INFO-1/gla-missing", Slot::kInfo1Gla,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "the guest-linear address is reported as 0"},
    {"AD-1/writes-only", Slot::kAd1,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.writes;
     },
     "accessed flags are set by writes alone"},
    {"AD-4/dirty-lost", Slot::kAd4,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return (value & ~kDirty) | (s.entry & kDirty);
     },
     "the dirty flag is logged, and not set in the entry"},
    {"AD-4/dirty-with-accessed", Slot::kAd4,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return value & kAccessed ? value | kDirty : value;
     },
     "wherever the accessed flag is set, the dirty flag is, too"},
    {"AD-4/dirty-without-accessed", Slot::kAd4,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return s.operand & kDirty ? (value & ~kAccessed) | (s.entry & kAccessed)
                                 : value;
     },
     "a write sets the leaf's dirty flag and not its accessed flag"},
    {"MT-5/always-wb", Slot::kMt5,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 6; },
     "every page is taken for WB, whatever bits 5:3 of its leaf"},
    {"MT-5/legacy-bits", Slot::kMt5,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bit(s.entry, 4) ? 0 : Bit(s.entry, 3) ? 4 : 6;
     },
     "bits 4:3 of the leaf are taken as PCD and PWT"},
    {"VE-4/gpa-of-page", Slot::kVe4Value,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return s.operand == static_cast<std::uint64_t>(VeField::kGpa)
                  ? Field(value, 63, 12)
                  : value;
     },
     "bits 11:0 of the guest-physical address are not stored in the #VE "
     "information area"},
};

}  // namespace

std::span<const Alteration> ClassicVariants() { return kVariants; }

}  // namespace eptdiff
