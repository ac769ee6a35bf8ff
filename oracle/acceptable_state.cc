#include "oracle/acceptable_state.h"

#include <cstdint>

namespace eptdiff {
namespace {

constexpr std::uint64_t Bit(int n) { return std::uint64_t{1} << n; }

// Controls (tables 25-5 to 25-8, 25-10, 25-13, 25-16).
constexpr std::uint32_t kInterruptExiting = 1u << 0;
constexpr std::uint32_t kNmiExiting = 1u << 3;
constexpr std::uint32_t kVirtualNmis = 1u << 5;
constexpr std::uint32_t kPostedInterrupts = 1u << 7;
constexpr std::uint32_t kActivateTertiary = 1u << 17;
constexpr std::uint32_t kTprShadow = 1u << 21;
constexpr std::uint32_t kNmiWindowExiting = 1u << 22;
constexpr std::uint32_t kActivateSecondary = 1u << 31;
constexpr std::uint32_t kEnableEpt = 1u << 1;
constexpr std::uint32_t kApicAccesses = 1u << 0;
constexpr std::uint32_t kX2apicMode = 1u << 4;
constexpr std::uint32_t kEnableVpid = 1u << 5;
constexpr std::uint32_t kUnrestrictedGuest = 1u << 7;
constexpr std::uint32_t kApicRegisters = 1u << 8;
constexpr std::uint32_t kInterruptDelivery = 1u << 9;
constexpr std::uint32_t kEnableVmFunctions = 1u << 13;
constexpr std::uint32_t kTraceGuestPhysical = 1u << 24;
constexpr std::uint64_t kIpiVirtualization = Bit(4);
constexpr std::uint64_t kSeamGuestPhysicalWidth = Bit(5);
constexpr std::uint64_t kPebsGuestPhysical = Bit(12);
constexpr std::uint64_t kEptpSwitching = Bit(0);
constexpr std::uint32_t kLoadPat = 1u << 14;
constexpr std::uint32_t kLoadEfer = 1u << 15;
constexpr std::uint32_t kAcknowledgeInterrupt = 1u << 15;
constexpr std::uint32_t kLoadTraceControl = 1u << 18;
constexpr std::uint32_t kClearTraceControl = 1u << 25;

// CR0, CR4, IA32_EFER, RFLAGS.
constexpr std::uint64_t kProtection = Bit(0);
constexpr std::uint64_t kNumericError = Bit(5);
constexpr std::uint64_t kWriteProtect = Bit(16);
constexpr std::uint64_t kPaging = Bit(31);
constexpr std::uint64_t kPae = Bit(5);
constexpr std::uint64_t kVmxe = Bit(13);
constexpr std::uint64_t kPcide = Bit(17);
constexpr std::uint64_t kCet = Bit(23);
constexpr std::uint64_t kLam = Bit(61) | Bit(62);  // of CR3
constexpr std::uint64_t kLongModeEnable = Bit(8);
constexpr std::uint64_t kLongMode = Bit(10);
constexpr std::uint64_t kDefinedEfer = Bit(0) | Bit(8) | Bit(10) | Bit(11);
constexpr std::uint64_t kRflagsOne = Bit(1);
constexpr std::uint64_t kTrap = Bit(8);
constexpr std::uint64_t kInterrupts = Bit(9);
constexpr std::uint64_t kVirtual8086 = Bit(17);
constexpr std::uint64_t kRflagsReserved =
    ~(Bit(22) - 1) | Bit(15) | Bit(5) | Bit(3);

// Interruptibility, and pending debug exceptions.
constexpr std::uint8_t kBySti = 1 << 0;
constexpr std::uint8_t kByMovSs = 1 << 1;
constexpr std::uint8_t kOfEnclave = 1 << 4;
constexpr std::uint32_t kDefinedPending = 0x1580f;
constexpr std::uint32_t kPendingStep = 1u << 14;
constexpr std::uint32_t kPendingRegion = 1u << 16;
constexpr std::uint32_t kPendingOfRegion = kPendingRegion | 1u << 12;

// PDPTE registers: what else than 63:MAXPHYADDR is reserved if bit 0 is 1.
constexpr std::uint64_t kPdpteReserved = 0x1e6;

bool HasSecondary(const Controls& controls, std::uint32_t control) {
  return (controls.primary & kActivateSecondary) != 0 &&
         (controls.secondary & control) != 0;
}

bool IsWritablePat(std::uint64_t pat) {
  for (int i = 0; i < 8; ++i) {
    const std::uint64_t type = pat >> (8 * i) & 0xff;
    if (type > 7 || type == 2 || type == 3) return false;
  }
  return true;
}

void MakeModesAcceptable(Controls& controls, GuestState& guest) {
  guest.cr0 = (guest.cr0 & (Bit(32) - 1)) | kNumericError;
  guest.cr4 |= kVmxe;
  if ((guest.cr0 & kPaging) == 0 && !HasSecondary(controls, kEnableEpt)) {
    guest.cr0 |= kPaging;  // there is no "unrestricted guest" without EPT
  }
  if ((guest.cr0 & kPaging) != 0) {
    guest.cr0 |= kProtection;
    if ((guest.efer & kLongMode) != 0) guest.cr4 |= kPae;
  } else {
    guest.efer &= ~kLongMode;
    controls.secondary |= kUnrestrictedGuest;
  }
  if ((guest.cr0 & kWriteProtect) == 0) guest.cr4 &= ~kCet;
  if ((guest.efer & kLongMode) == 0) guest.cr4 &= ~kPcide;
  if ((controls.entry_controls & kLoadEfer) == 0) return;
  guest.efer &= kDefinedEfer;
  if ((guest.cr0 & kPaging) == 0) return;
  guest.efer &= ~kLongModeEnable;
  if ((guest.efer & kLongMode) != 0) guest.efer |= kLongModeEnable;
}

// Those of a virtual APIC are dropped rather than what they need is added: with
// it more would not be modelled.
void MakeVirtualApicAcceptable(Controls& controls) {
  if ((controls.primary & kTprShadow) == 0) {
    if ((controls.primary & kActivateSecondary) != 0) {
      controls.secondary &=
          ~(kX2apicMode | kApicRegisters | kInterruptDelivery);
    }
    if ((controls.primary & kActivateTertiary) != 0) {
      controls.tertiary &= ~kIpiVirtualization;
    }
  }
  if (HasSecondary(controls, kApicAccesses)) controls.secondary &= ~kX2apicMode;
  if (HasSecondary(controls, kInterruptDelivery) &&
      (controls.pin_based & kInterruptExiting) == 0) {
    controls.secondary &= ~kInterruptDelivery;
  }
  if (!HasSecondary(controls, kInterruptDelivery) ||
      (controls.exit_controls & kAcknowledgeInterrupt) == 0) {
    controls.pin_based &= ~kPostedInterrupts;
  }
}

void MakePrivilegeAcceptable(GuestState& guest) {
  if ((guest.rflags & kVirtual8086) != 0) {
    guest.cpl = 3;
    guest.cs_l = false;
  } else if ((guest.cr0 & kProtection) == 0) {
    guest.cpl = 0;
  }
}

void MakeBlockingAcceptable(GuestState& guest) {
  if ((guest.interruptibility & kByMovSs) != 0) {
    guest.interruptibility &= static_cast<std::uint8_t>(~(kBySti | kOfEnclave));
  }
  const bool by_sti = (guest.interruptibility & kBySti) != 0;
  const bool by_mov_ss = (guest.interruptibility & kByMovSs) != 0;
  if (by_sti) guest.rflags |= kInterrupts;
  guest.pending_debug &= kDefinedPending;
  if ((guest.pending_debug & kPendingRegion) != 0) {
    guest.pending_debug = by_mov_ss ? 0 : kPendingOfRegion;
  }
  if ((by_sti || by_mov_ss) && (guest.rflags & kTrap) == 0) {
    guest.pending_debug &= ~kPendingStep;
  }
}

}  // namespace

void MakeControlsAcceptable(Controls& controls) {
  if (HasSecondary(controls, kEnableVpid) && controls.vpid == 0) {
    controls.vpid = 1;
  }
  if (HasSecondary(controls, kEnableVmFunctions)) {
    controls.vm_functions &= kEptpSwitching;
  }
  if ((controls.pin_based & kNmiExiting) == 0) {
    controls.pin_based &= ~kVirtualNmis;
  }
  if ((controls.pin_based & kVirtualNmis) == 0) {
    controls.primary &= ~kNmiWindowExiting;
  }
  if (HasSecondary(controls, kTraceGuestPhysical)) {
    controls.entry_controls |= kLoadTraceControl;
    controls.exit_controls |= kClearTraceControl;
  }
  if (!HasSecondary(controls, kEnableEpt) &&
      (controls.primary & kActivateTertiary) != 0) {
    controls.tertiary &= ~(kPebsGuestPhysical | kSeamGuestPhysicalWidth);
  }
  MakeVirtualApicAcceptable(controls);
}

void MakeGuestAcceptable(const Processor& processor, Controls& controls,
                         GuestState& guest) {
  const std::uint64_t beyond_width = ~(Bit(processor.maxphyaddr) - 1);
  MakeModesAcceptable(controls, guest);
  guest.cr3 &= ~beyond_width | kLam;
  if (!IsWritablePat(guest.pat)) controls.entry_controls &= ~kLoadPat;
  guest.rflags = (guest.rflags & ~kRflagsReserved) | kRflagsOne;
  if ((guest.efer & kLongMode) != 0 || (guest.cr0 & kProtection) == 0) {
    guest.rflags &= ~kVirtual8086;
  }
  MakePrivilegeAcceptable(guest);
  MakeBlockingAcceptable(guest);
  const bool pae_paging = (guest.cr0 & kPaging) != 0 &&
                          (guest.cr4 & kPae) != 0 &&
                          (guest.efer & kLongMode) == 0;
  if (!pae_paging) return;
  for (std::uint64_t& pdpte : guest.pdpte) {
    if ((pdpte & 1) != 0) pdpte &= ~(beyond_width | kPdpteReserved);
  }
}

bool EntersWithControls(const Controls& controls) {
  Controls mended = controls;
  MakeControlsAcceptable(mended);
  return mended == controls;
}

bool EntersWithGuest(const Processor& processor, const Controls& controls,
                     const GuestState& guest) {
  Controls mended_controls = controls;
  GuestState mended = guest;
  MakeGuestAcceptable(processor, mended_controls, mended);
  return mended == guest && mended_controls == controls;
}

}  // namespace eptdiff
