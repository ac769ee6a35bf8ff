// What a slot is asked about: everything that the reference knows at the point
// where it consults a rule. Thread-safety: plain values.
#ifndef EPTDIFF_ORACLE_REFERENCE_RULES_SITUATION_H_
#define EPTDIFF_ORACLE_REFERENCE_RULES_SITUATION_H_

#include <cstdint>

#include "engine/types.h"
#include "oracle/fixed_vector.h"
#include "oracle/machine_state.h"
#include "oracle/reference/rules/bits.h"
#include "oracle/verdict.h"

namespace eptdiff {

// Why the processor accesses guest-physical memory.
enum class Purpose : std::uint8_t {
  kTranslated,       // an access to what a linear address translates to
  kStructureRead,    // a read of a guest paging-structure entry
  kStructureUpdate,  // setting A or D in a guest paging-structure entry
  kPdpteLoad,        // a load of the PDPTE registers by MOV to CR
};

// The bytes of one guest-physical access that lie in one page.
struct PageAccess {
  Purpose purpose = Purpose::kTranslated;
  Access access;
  Gpa gpa;  // of the first byte
  Gla gla;  // of the first byte
  std::uint16_t bytes = 1;
  bool split = false;  // the access has bytes in another page, too
  GuestPage page;      // as the step gives it
};

// An EPT paging-structure entry used for the translation.
struct PathEntry {
  Hpa address;
  std::uint64_t value = 0;
  std::uint8_t level = 0;  // 5 (PML5E) to 1 (PTE)
  bool leaf = false;
  bool kept = false;            // memory has another value by now (CACHE-3)
  bool flags_may_stay = false;  // they need not be set (CACHE-14)
  std::uint64_t flags_of_memory = 0;  // which are not the kept ones (CACHE-10)
};

// A mapping that may have been kept, or the upper part of one (29.4.1).
struct KeptMapping {
  bool combined = false;  // else guest-physical
  bool whole = false;     // a translation; else a paging-structure-cache entry
  bool global = false;    // combined: of a global page
  bool dirty = false;     // combined: of a page that was dirty for the guest
  std::uint8_t shift = 12;  // the address bits from there up select it
  Gpa gpa;
  Gla gla;
  // Its tag. Of EPTP that is EPTRTA alone (cache_tags.h).
  std::uint64_t eptp = 0;
  std::uint16_t vpid = 0;
  std::uint16_t pcid = 0;
};

// The guest's paging mode (3A 4.1.1).
enum class GuestMode : std::uint64_t {
  kNone,   // CR0.PG = 0
  k32Bit,  // CR4.PAE = 0
  kPae,
  k4Level,
  k5Level,
};

inline GuestMode PagingModeOf(const GuestState& guest) {
  if (!sdm::Bit(guest.cr0, 31)) return GuestMode::kNone;
  if (!sdm::Bit(guest.cr4, 5)) return GuestMode::k32Bit;
  if (!sdm::Bit(guest.efer, 10)) return GuestMode::kPae;
  return sdm::Bit(guest.cr4, 12) ? GuestMode::k5Level : GuestMode::k4Level;
}

inline bool EnablesHlat(const Controls& controls) {
  return sdm::Bit(controls.primary, 17) && sdm::Bit(controls.tertiary, 1);
}

// Whether 4-level or 5-level paging translates an address from HLATP (3A
// 4.5.1).
inline bool UsesHlatp(const Controls& controls, Gla gla) {
  return EnablesHlat(controls) &&
         (controls.hlat_prefix_size == 0 || sdm::Bit(gla.value, 63));
}

// A guest paging-structure entry used for the translation of a linear address.
struct GuestEntry {
  std::uint64_t value = 0;     // 32 bits with 32-bit paging
  std::uint64_t ept_leaf = 0;  // the EPT entry that maps its page
  std::uint8_t level = 0;      // 5 (PML5E) to 1 (PTE)
};

// The translation of a linear address by the guest's paging.
struct LinearTranslation {
  GuestMode mode = GuestMode::kNone;
  Gla gla;             // of the first byte in the page
  Gla named;           // the same, as the access names it: not masked (GW-23)
  bool write = false;  // what the access is to the guest's rights (3A 4.6.1)
  bool fetch = false;
  bool shadow_stack = false;
  bool read_modify_write = false;
  bool user_access = false;  // user-mode; else supervisor-mode, ...
  bool implicit = false;     // ... implicit or explicit
  bool hlat = false;         // the walk is under way from HLATP
  // Where the root is, and HLATP: what is current, or was when entries were
  // kept.
  const GuestState* root = nullptr;
  const Controls* hlat_root = nullptr;
  bool key_refuses = false;  // there is a fault: the key, too, refuses (GW-10)
  // The AND of the EPT entries that map the pages of guest entries used before
  // an HLAT restart, which has taken them from the path.
  std::uint64_t ept_leaves_before_restart = ~std::uint64_t{0};
  // The entry that is being accessed; 0 before and after the walk.
  std::uint8_t level = 0;
  std::uint16_t bytes = 1;  // of the access in its page
  // The entries that control the translation, from the root on.
  FixedVector<GuestEntry, 11> path;
};

struct Situation {
  const MachineState* state = nullptr;

  // The access, and how it is judged (VIO-7 to VIO-12, VIO-15).
  PageAccess access;
  bool user_mode = false;  // of the linear address
  bool reads = false;      // judged as a data read
  bool writes = false;     // judged as a data write
  bool fetches = false;
  bool paging_write = false;  // a paging write (29.3.3.2)
  bool sss_access = false;    // a supervisor shadow-stack access

  // The translation so far, and the entry that is looked at. In an SPP lookup
  // `level` and `entry` are those of the SPP table.
  FixedVector<PathEntry, 5> path;
  std::uint8_t level = 0;
  std::uint64_t entry = 0;
  bool leaf = false;          // `entry` maps a page
  bool not_present = false;   // the translation met an entry not present ...
  bool beyond_width = false;  // ... or a GPA beyond 4-level EPT (WALK-2)
  bool reached_leaf = false;

  // With guest paging: how the GPA came about. In slots about a guest entry
  // `level` and `entry` are that entry's.
  LinearTranslation linear;
  // Bit 15 of the qualification of a violation: guest-paging verification
  // refused; another rule, too, may be given as the reason (kUndefinedBit).
  std::uint64_t verification_bit = 0;

  // IA32_PAT, as the memory type of the page is made of it (MT-2).
  std::uint64_t pat = 0;

  // The PML index at this point (an access to two pages may log twice).
  std::uint16_t pml_index = 0;

  // What a VM exit would report: its qualification, GPA and GLA (VE-4).
  const AccessReport* reported = nullptr;

  // 29.4: a mapping, what was current when it was made, and a step since.
  const KeptMapping* mapping = nullptr;
  const ProcessorContext* then = nullptr;
  const PastStep* past = nullptr;
  const Invalidation* asked = nullptr;  // the instruction that is judged

  // A further operand; what it is, slots.def says at the slot.
  std::uint64_t operand = 0;

  // VM-execution controls (25.6.2): the secondary ones count only if primary
  // bit 31 is 1, the tertiary ones only if primary bit 17 is 1.
  bool Secondary(int bit) const {
    return sdm::Bit(state->controls.primary, 31) &&
           sdm::Bit(state->controls.secondary, bit);
  }
  bool Tertiary(int bit) const {
    return sdm::Bit(state->controls.primary, 17) &&
           sdm::Bit(state->controls.tertiary, bit);
  }
  bool VirtualizeApicAccesses() const { return Secondary(0); }
  bool EnableEpt() const { return Secondary(1); }
  bool UnrestrictedGuest() const { return Secondary(7); }
  bool EnableVpid() const { return Secondary(5); }
  bool EnableVmFunctions() const { return Secondary(13); }
  bool EnablePml() const { return Secondary(17); }
  bool EptViolationVe() const { return Secondary(18); }
  bool Mbec() const { return Secondary(22); }
  bool SubPageWritePermissions() const { return Secondary(23); }
  // "Intel PT uses guest physical addresses".
  bool IntelPtGuestPhysical() const { return Secondary(24); }
  bool EnableHlat() const { return EnablesHlat(state->controls); }
  // June 2026: "PEBS uses guest-physical addresses", "SEAM guest-physical
  // address width".
  bool PebsGuestPhysical() const { return Tertiary(12); }
  bool SeamGuestPhysicalWidth() const { return Tertiary(5); }
  bool EptPagingWrite() const { return Tertiary(2); }
  bool GuestPagingVerification() const { return Tertiary(3); }
  bool EptpSwitching() const {
    return EnableVmFunctions() && sdm::Bit(state->controls.vm_functions, 0);
  }

  // Whether the case says which event is being delivered, and it is one (table
  // 25-20; of exceptions the vector is at most 31, 28.2.4).
  bool SaysEvent() const {
    const std::uint32_t event = state->guest.delivered_event;
    const std::uint64_t type = sdm::Bits(event, 10, 8);
    const bool exception = type == 3 || type == 5 || type == 6;
    return sdm::Bit(event, 31) && type != 1 && type != 7 &&
           !(exception && sdm::Bits(event, 7, 5) != 0);
  }

  bool ExternalInterruptExiting() const {
    return sdm::Bit(state->controls.pin_based, 0);
  }
  bool ProcessPostedInterrupts() const {
    return sdm::Bit(state->controls.pin_based, 7);
  }
  bool UseTprShadow() const { return sdm::Bit(state->controls.primary, 21); }
  bool VirtualizeX2apicMode() const { return Secondary(4); }
  bool ApicRegisterVirtualization() const { return Secondary(8); }
  bool VirtualInterruptDelivery() const { return Secondary(9); }
  bool IpiVirtualization() const { return Tertiary(4); }

  bool NmiExiting() const { return sdm::Bit(state->controls.pin_based, 3); }
  bool VirtualNmis() const { return sdm::Bit(state->controls.pin_based, 5); }
  bool NmiWindowExiting() const {
    return sdm::Bit(state->controls.primary, 22);
  }
  // A VM-entry control (table 25-16).
  bool EntryControl(int bit) const {
    return sdm::Bit(state->controls.entry_controls, bit);
  }
  // Table 25-14: if bit 31 of the primary VM-exit controls is 1.
  bool PrematurelyBusyShadowStack() const {
    return sdm::Bit(state->controls.exit_controls, 31) &&
           sdm::Bit(state->controls.secondary_exit_controls, 3);
  }
  bool ReportsBusyShadowStack() const {
    return state->guest.busy_shadow_stack && PrematurelyBusyShadowStack();
  }
  bool AcknowledgeInterruptOnExit() const {
    return sdm::Bit(state->controls.exit_controls, 15);
  }
  bool ClearRtitOnExit() const {
    return sdm::Bit(state->controls.exit_controls, 25);
  }

  // EPTP (table 25-9).
  bool AccessedDirtyEnabled() const {
    return sdm::Bit(state->controls.eptp, 6);
  }
  bool SupervisorShadowStackControl() const {
    return sdm::Bit(state->controls.eptp, 7);
  }
  bool FourLevelEpt() const { return IsFourLevel(state->controls.eptp); }
  static bool IsFourLevel(std::uint64_t eptp) {
    return sdm::Bits(eptp, 5, 3) != 4;
  }

  // IA32_VMX_EPT_VPID_CAP (A.10).
  bool Capability(int bit) const {
    return sdm::Bit(state->processor.ept_vpid_cap, bit);
  }
  bool ExecuteOnlySupported() const { return Capability(0); }

  // N, the width of guest-physical addresses: the physical-address width that
  // CPUID reports.
  int N() const { return state->processor.maxphyaddr; }
  // MAXPHYADDR, the width of physical addresses: key identifiers take their
  // bits from it (2026, 31.3.1).
  int M() const {
    const int m = N() - state->processor.keyid_bits;
    return m > 32 ? m : 32;
  }

  bool PagingEnabled() const { return sdm::Bit(state->guest.cr0, 31); }
  // Whether CR0.PG is 1, or was where what was kept of a linear address is
  // used.
  bool TranslatedByPaging() const {
    return sdm::Bit((linear.root != nullptr ? *linear.root : state->guest).cr0,
                    31);
  }
  bool PaePaging() const {
    return PagingEnabled() && Cr4(5) && !sdm::Bit(state->guest.efer, 10);
  }
  // "IA-32e mode guest": VM entry loads IA32_EFER.LMA with it (27.3.2.1).
  bool Ia32eModeGuest() const { return sdm::Bit(state->guest.efer, 10); }
  // IA-32e mode needs CR0.PG and CR4.PAE: without either IA32_EFER.LMA says
  // nothing, a combination that no processor is in.
  bool SixtyFourBitMode() const {
    return PagingEnabled() && Cr4(5) && sdm::Bit(state->guest.efer, 10) &&
           state->guest.cs_l;
  }
  bool Cr4(int bit) const { return sdm::Bit(state->guest.cr4, bit); }
  bool WriteProtect() const { return sdm::Bit(state->guest.cr0, 16); }
  bool ExecuteDisableEnabled() const { return sdm::Bit(state->guest.efer, 11); }
  // The paging modes of IA-32e mode, with entries of one format.
  bool FourOrFiveLevel() const {
    return linear.mode == GuestMode::k4Level ||
           linear.mode == GuestMode::k5Level;
  }
  bool CompatibilityMode() const {
    return FourOrFiveLevel() && !state->guest.cs_l;
  }
  // CR4.LASS, which applies in IA-32e mode only.
  bool SeparatesLinearAddresses() const { return FourOrFiveLevel() && Cr4(27); }
  // Whether linear-address masking looks at the address: "LAM applies only to
  // 64-bit linear addresses used for data accesses".
  bool MayMaskLinearAddress() const {
    return FourOrFiveLevel() && (state->guest.cs_l || linear.implicit) &&
           !linear.fetch;
  }
  // Whether a bit is set in every guest entry that controls the translation.
  bool InAllGuestEntries(int position) const {
    for (const GuestEntry& used : linear.path) {
      if (!sdm::Bit(used.value, position)) return false;
    }
    return true;
  }
  bool InSomeGuestEntry(int position) const {
    for (const GuestEntry& used : linear.path) {
      if (sdm::Bit(used.value, position)) return true;
    }
    return false;
  }
  // 3A 4.6.1: the mode of the linear address.
  bool UserModeAddress() const { return InAllGuestEntries(2); }

  // Whether bit `position` is set in every EPT entry used, the leaf included.
  bool InAllEntries(int position) const {
    for (const PathEntry& used : path) {
      if (!sdm::Bit(used.value, position)) return false;
    }
    return true;
  }
  bool IsStructureAccess() const {
    return access.purpose == Purpose::kStructureRead ||
           access.purpose == Purpose::kStructureUpdate;
  }
  // Trace output by Intel PT (26.5.4), architectural PEBS (2026, 28.5.5).
  bool IsWithoutLinearAddress() const {
    return access.purpose == Purpose::kTranslated && !access.page.gla_valid;
  }
  bool IsPebs() const {
    return access.purpose == Purpose::kTranslated && access.access.pebs;
  }
  // 30.4: "(1) it results from a memory access using a linear address; and (2)
  // the access's physical address is the translation of that linear address".
  // Any other is a guest-physical access (30.4.6).
  bool IsLinearAccess() const {
    return access.purpose == Purpose::kTranslated && access.page.gla_valid;
  }
};

// A qualification bit that the SDM leaves undefined.
inline constexpr std::uint64_t kUndefinedBit = 2;

// What kEptp4Reserved answers: EPTP bit 7 where the processor has supervisor
// shadow-stack control.
enum class EptpBit7 : std::uint64_t { kEither, kReserved };

// What kGst14BusLock answers: bit 11 of the pending debug exceptions.
enum class PendingBusLock : std::uint64_t { kEither, kReserved };

// What kWalk8 answers.
enum class WalkOrder : std::uint64_t {
  kSdm,  // not present, misconfigured, descend; then permissions
  kPermissionsPerLevel,  // permissions of each entry before the next is read
  kMisconfiguredFirst,   // reserved bits are judged in entries not present, too
};

// What kPri1 answers.
enum class AccessOrder : std::uint64_t {
  kSdm,           // permissions, SPP, PML index
  kLogFirst,      // the PML index before permissions
  kLogBeforeSpp,  // permissions, the PML index, SPP
};

// What kReg11Order answers: "CR3-load exiting" and what is wrong with a CR3.
enum class LoadOrder : std::uint64_t { kExitFirst, kFaultFirst };

// What kGw13 answers: the order at one guest entry.
enum class GuestEntryOrder : std::uint64_t {
  kSdm,             // present, reserved bits; rights once the leaf is known
  kReservedFirst,   // reserved bits are judged in entries not present, too
  kRightsPerLevel,  // rights of each entry before the next is read
  kRestartFirst,    // bit 11 of an HLAT entry before P and reserved bits
};

// What kPri2 answers: the guest's rights and the final access.
enum class LinearOrder : std::uint64_t {
  kSdm,         // #PF for the guest's rights, then the final access
  kFinalFirst,  // the final access's EPT violation, then #PF
};

// What kGw20 answers: when guest accessed flags are set.
enum class GuestUpdates : std::uint64_t { kEither, kAsYouGo, kAfterRights };

// What kGw12ReadOnly answers: whether the write of a read-only page, which
// CR0.WP = 0 allows, sets the page's dirty flag.
enum class ReadOnlyDirty : std::uint64_t { kEither, kYes, kNo };

// Why there is a page fault; the operand of the error code's slots.
enum class Fault : std::uint64_t { kNotPresent, kReserved, kRights };

// What kGw22Wrap answers: linear-address space separation, of an access that
// goes on at address 0 and breaks it there alone: before paging, not at all, or
// once the page before is translated.
enum class SeparationOfWrap : std::uint64_t {
  kEither,
  kFaults,
  kPasses,
  kByPage,
};

// What kAd6 answers: accessed flags of an access that ends in a VM exit.
enum class AccessedOnExit : std::uint64_t { kEither, kNever, kAlways };

// What kApic3 answers: an APIC-access VM exit and the flags of the access.
enum class ApicOrder : std::uint64_t { kSdm, kBeforeFlags };

// What kApic7 answers where the control may be as 0.
enum class ApicCaveat : std::uint64_t { kEither, kExits, kAsIfOff };

// What kApic5 answers where the SDM leaves the access type undefined.
inline constexpr std::uint64_t kUndefinedType = 16;
// What kHand4 answers where the instruction length is undefined.
inline constexpr std::uint64_t kUndefinedLength = ~std::uint64_t{0};

// What kHand8 answers: the pending debug exceptions that a VM exit saves.
enum class PendingDebug : std::uint64_t { kClear, kPending, kUndefined };

// The fields of the virtualization-exception information area (table 26-1).
enum class VeField : std::uint64_t {
  kReason,         // at 0
  kBusy,           // at 4
  kQualification,  // at 8
  kGla,            // at 16
  kGpa,            // at 24
  kEptpIndex,      // at 32
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_RULES_SITUATION_H_
