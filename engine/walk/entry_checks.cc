#include "engine/walk/entry_checks.h"

#include "engine/bits.h"

namespace eptdiff {
namespace {

using bits::Bits;

// Of physical addresses (2026, 31.3.1).
int WidthOf(const Processor& processor) {
  constexpr int kLeast = 32;
  const int width = processor.maxphyaddr - processor.keyid_bits;
  return width > kLeast ? width : kLeast;
}

// Whether `address` is that of a 4-KByte page.
bool IsPageAddress(const Processor& processor, std::uint64_t address) {
  return (address & (Bits(11, 0) | Bits(63, WidthOf(processor)))) == 0;
}

bool SwitchesEptp(std::uint32_t secondary, const Controls& controls) {
  return (secondary & bits::kSecondaryVmFunctions) != 0 &&
         (controls.vm_functions & bits::kVmFunctionEptpSwitch) != 0;
}

// CTL-1: a control whose 1-setting needs "enable EPT".
bool NeedsEpt(std::uint32_t secondary, std::uint64_t tertiary,
              const Controls& controls) {
  return (secondary & (bits::kSecondaryUnrestricted | bits::kSecondaryPml |
                       bits::kSecondaryMbec | bits::kSecondarySubPage |
                       bits::kSecondaryTraceGuest)) != 0 ||
         (tertiary & (bits::kTertiaryHlat | bits::kTertiaryPagingWrite |
                      bits::kTertiaryVerification | bits::kTertiaryPebsGuest |
                      bits::kTertiarySeamWidth)) != 0 ||
         SwitchesEptp(secondary, controls);
}

// CTL-2.
bool HasBadAddress(const Processor& processor, std::uint32_t secondary,
                   const Controls& controls) {
  const struct {
    bool used;
    std::uint64_t address;
  } addresses[] = {
      {(secondary & bits::kSecondaryPml) != 0, controls.pml_address},
      {(secondary & bits::kSecondarySubPage) != 0, controls.spptp},
      {(secondary & bits::kSecondaryViolationVe) != 0,
       controls.ve_information_address},
      {SwitchesEptp(secondary, controls), controls.eptp_list_address},
      {(secondary & bits::kSecondaryApicAccesses) != 0,
       controls.apic_access_address},
  };
  for (const auto& [used, address] : addresses) {
    if (used && !IsPageAddress(processor, address)) return true;
  }
  return false;
}

// CTL-3. It is a guest-physical address.
bool HasBadHlat(const Processor& processor, const Controls& controls) {
  const std::uint64_t reserved =
      Bits(2, 0) | Bits(11, 5) | Bits(63, processor.maxphyaddr);
  return (controls.hlatp & reserved) != 0;
}

// CTL-11 to CTL-14: those of a virtual APIC.
EntryCheck CheckVirtualApic(std::uint32_t secondary, std::uint64_t tertiary,
                            const Controls& controls) {
  constexpr std::uint32_t kNeedShadow = bits::kSecondaryX2apicMode |
                                        bits::kSecondaryApicRegisters |
                                        bits::kSecondaryApicDelivery;
  constexpr std::uint32_t kBothModes =
      bits::kSecondaryX2apicMode | bits::kSecondaryApicAccesses;
  const bool delivery = (secondary & bits::kSecondaryApicDelivery) != 0;
  if ((controls.primary & bits::kPrimaryTprShadow) == 0 &&
      ((secondary & kNeedShadow) != 0 ||
       (tertiary & bits::kTertiaryIpi) != 0)) {
    return EntryCheck::kCtl11;
  }
  if ((secondary & kBothModes) == kBothModes) return EntryCheck::kCtl12;
  if (delivery && (controls.pin_based & bits::kPinInterruptExiting) == 0) {
    return EntryCheck::kCtl13;
  }
  if ((controls.pin_based & bits::kPinPostedInterrupts) != 0 &&
      !(delivery && (controls.exit_controls & bits::kExitAcknowledge) != 0)) {
    return EntryCheck::kCtl14;
  }
  return EntryCheck::kNone;
}

// CTL-6 to CTL-10: controls that need one another.
EntryCheck CheckCombinations(std::uint32_t secondary,
                             const Controls& controls) {
  const auto has = [](std::uint32_t word, std::uint32_t bit) {
    return (word & bit) != 0;
  };
  if (has(secondary, bits::kSecondaryVpid) && controls.vpid == 0) {
    return EntryCheck::kCtl6;
  }
  if (has(secondary, bits::kSecondaryVmFunctions) &&
      (controls.vm_functions & ~bits::kVmFunctionEptpSwitch) != 0) {
    return EntryCheck::kCtl7;
  }
  const bool virtual_nmis = has(controls.pin_based, bits::kPinVirtualNmis);
  if (virtual_nmis && !has(controls.pin_based, bits::kPinNmiExiting)) {
    return EntryCheck::kCtl8;
  }
  if (!virtual_nmis && has(controls.primary, bits::kPrimaryNmiWindow)) {
    return EntryCheck::kCtl9;
  }
  if (has(secondary, bits::kSecondaryTraceGuest) &&
      !(has(controls.entry_controls, bits::kEntryLoadTraceControl) &&
        has(controls.exit_controls, bits::kExitClearTraceControl))) {
    return EntryCheck::kCtl10;
  }
  return EntryCheck::kNone;
}

// GST-1 to GST-6: CR0, CR4 and IA-32e mode.
bool AcceptsModes(bool unrestricted, const GuestState& guest) {
  const bool paging = (guest.cr0 & bits::kCr0Paging) != 0;
  const bool protection = (guest.cr0 & bits::kCr0Protection) != 0;
  const bool long_mode = (guest.efer & bits::kEferLma) != 0;
  if ((guest.cr0 & bits::kCr0Reserved) != 0 ||
      (guest.cr0 & bits::kCr0NumericError) == 0 ||
      (guest.cr4 & (~bits::kCr4Defined | bits::kCr4Vmxe)) != bits::kCr4Vmxe) {
    return false;
  }
  if (!protection && (paging || !unrestricted)) return false;
  if (!paging && !unrestricted) return false;
  if ((guest.cr4 & bits::kCr4Cet) != 0 &&
      (guest.cr0 & bits::kCr0WriteProtect) == 0) {
    return false;
  }
  return long_mode ? paging && (guest.cr4 & bits::kCr4Pae) != 0
                   : (guest.cr4 & bits::kCr4Pcide) == 0;
}

// GST-8.
bool AcceptsEfer(const GuestState& guest) {
  if ((guest.efer & bits::kEferReserved) != 0) return false;
  const bool lma = (guest.efer & bits::kEferLma) != 0;
  const bool lme = (guest.efer & bits::kEferLme) != 0;
  return lma == lme || (guest.cr0 & bits::kCr0Paging) == 0;
}

// GST-11.
bool AcceptsRflags(const GuestState& guest) {
  if ((guest.rflags & bits::kRflagsReserved) != 0 ||
      (guest.rflags & bits::kRflagsOne) == 0) {
    return false;
  }
  return (guest.rflags & bits::kRflagsVm) == 0 ||
         ((guest.efer & bits::kEferLma) == 0 &&
          (guest.cr0 & bits::kCr0Protection) != 0);
}

// GST-12.
bool AcceptsPrivilege(const GuestState& guest) {
  constexpr std::uint8_t kUserMode = 3;
  if ((guest.rflags & bits::kRflagsVm) != 0) {
    return guest.cpl == kUserMode && !guest.cs_l;
  }
  return guest.cpl == 0 || (guest.cr0 & bits::kCr0Protection) != 0;
}

// GST-13, GST-14.
bool AcceptsBlocking(const GuestState& guest) {
  using namespace bits;
  const std::uint32_t pending = guest.pending_debug;
  if ((pending & ~kPendingDefined) != 0) return false;
  const bool of_region = (pending & kPendingRegion) != 0;
  if (of_region && pending != (kPendingRegion | kPendingEnabled)) return false;
  switch (guest.interruptibility & (kBlockingBySti | kBlockingByMovSs)) {
    case 0:
      return true;
    case kBlockingBySti:
      if ((guest.rflags & kRflagsIf) == 0) return false;
      break;
    case kBlockingByMovSs:
      if (of_region || (guest.interruptibility & kEnclaveInterruption) != 0) {
        return false;
      }
      break;
    default:
      return false;
  }
  return (pending & kPendingStep) == 0 || (guest.rflags & kRflagsTf) != 0;
}

// GST-10.
bool AcceptsPdptes(const Processor& processor, const GuestState& guest) {
  const std::uint64_t reserved =
      bits::kPdpteReserved | Bits(63, processor.maxphyaddr);
  for (const std::uint64_t pdpte : guest.pdpte) {
    if ((pdpte & bits::kGuestPresent) != 0 && (pdpte & reserved) != 0) {
      return false;
    }
  }
  return true;
}

bool UsesPaePaging(const GuestState& guest) {
  return (guest.cr0 & bits::kCr0Paging) != 0 &&
         (guest.cr4 & bits::kCr4Pae) != 0 && (guest.efer & bits::kEferLma) == 0;
}

}  // namespace

bool AcceptsPat(std::uint64_t pat) {
  // In each byte: bits 7:3 are 0, and bit 1 without bit 2 makes 2 or 3.
  constexpr std::uint64_t kEachByte = 0x0101010101010101;
  return (pat & 0xf8 * kEachByte) == 0 &&
         (pat >> 1 & ~(pat >> 2) & kEachByte) == 0;
}

std::uint32_t EffectiveSecondary(const Controls& controls) {
  return (controls.primary & bits::kPrimarySecondary) != 0 ? controls.secondary
                                                           : 0;
}

std::uint64_t EffectiveTertiary(const Controls& controls) {
  return (controls.primary & bits::kPrimaryTertiary) != 0 ? controls.tertiary
                                                          : 0;
}

EntryCheck CheckEptp(const Processor& processor, std::uint64_t eptp) {
  const std::uint64_t cap = processor.ept_vpid_cap;
  const auto has = [cap](std::uint64_t bit) { return (cap & bit) != 0; };

  const auto type = static_cast<MemoryType>(eptp & bits::kEptpMemoryType);
  if (!(type == MemoryType::kUncacheable && has(bits::kCapUncacheable)) &&
      !(type == MemoryType::kWriteBack && has(bits::kCapWriteBack))) {
    return EntryCheck::kEptp1;
  }
  const std::uint64_t length = eptp & bits::kEptpWalkLength;
  if (!(length == bits::kEptpFourLevel && has(bits::kCapFourLevel)) &&
      !(length == bits::kEptpFiveLevel && has(bits::kCapFiveLevel))) {
    return EntryCheck::kEptp2;
  }
  if ((eptp & bits::kEptpAccessDirty) != 0 && !has(bits::kCapAccessDirty)) {
    return EntryCheck::kEptp3;
  }
  if ((eptp & bits::kEptpShadowStack) != 0 && !has(bits::kCapShadowStack)) {
    return EntryCheck::kEptp4;
  }
  if ((eptp & (bits::kEptpReserved | Bits(63, WidthOf(processor)))) != 0) {
    return EntryCheck::kEptp5;
  }
  return EntryCheck::kNone;
}

EntryCheck CheckControls(const Processor& processor, const Controls& controls) {
  const std::uint32_t secondary = EffectiveSecondary(controls);
  const std::uint64_t tertiary = EffectiveTertiary(controls);
  if ((secondary & bits::kSecondaryEpt) != 0) {
    const EntryCheck failed = CheckEptp(processor, controls.eptp);
    if (failed != EntryCheck::kNone) return failed;
  } else if (NeedsEpt(secondary, tertiary, controls)) {
    return EntryCheck::kCtl1;
  }
  if (HasBadAddress(processor, secondary, controls)) return EntryCheck::kCtl2;
  if ((tertiary & bits::kTertiaryHlat) != 0 &&
      HasBadHlat(processor, controls)) {
    return EntryCheck::kCtl3;
  }
  const EntryCheck failed = CheckCombinations(secondary, controls);
  return failed != EntryCheck::kNone
             ? failed
             : CheckVirtualApic(secondary, tertiary, controls);
}

GuestStateCheck CheckGuestState(const Processor& processor,
                                const Controls& controls,
                                const GuestState& guest) {
  const std::uint32_t secondary = EffectiveSecondary(controls);
  const bool unrestricted = (secondary & bits::kSecondaryUnrestricted) != 0;
  const bool load_efer = (controls.entry_controls & bits::kEntryLoadEfer) != 0;
  const bool load_pat = (controls.entry_controls & bits::kEntryLoadPat) != 0;
  if (!AcceptsModes(unrestricted, guest) ||
      (guest.cr3 & Bits(63, processor.maxphyaddr) & ~bits::kCr3Lam) != 0 ||
      (load_efer && !AcceptsEfer(guest)) ||
      (load_pat && !AcceptsPat(guest.pat)) || !AcceptsRflags(guest) ||
      !AcceptsPrivilege(guest) || !AcceptsBlocking(guest)) {
    return GuestStateCheck::kOther;
  }
  // Without EPT the PDPTEs are those in memory.
  if ((secondary & bits::kSecondaryEpt) != 0 && UsesPaePaging(guest) &&
      !AcceptsPdptes(processor, guest)) {
    return GuestStateCheck::kPdpte;
  }
  return GuestStateCheck::kNone;
}

Event EnterGuest(const Processor& processor, const Controls& controls,
                 const GuestState& guest) {
  Event event;
  event.failed_check = CheckControls(processor, controls);
  if (event.failed_check != EntryCheck::kNone) {
    event.kind = EventKind::kVmEntryFailure;
    return event;
  }
  const GuestStateCheck failed = CheckGuestState(processor, controls, guest);
  if (failed == GuestStateCheck::kNone) return event;
  constexpr std::uint64_t kPdpteFailure = 2;
  event.kind = EventKind::kGuestStateFailure;
  event.exit_reason = bits::kExitGuestState;
  event.qualification = failed == GuestStateCheck::kPdpte ? kPdpteFailure : 0;
  return event;
}

}  // namespace eptdiff
