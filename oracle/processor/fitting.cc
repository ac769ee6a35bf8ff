#include "oracle/processor/fitting.h"

#include <cstdint>

#include "oracle/processor/guest_bits.h"

namespace eptdiff {
namespace {

using namespace guest_bits;

// Controls (SDM tables 25-5 to 25-8, 25-13, 25-16).
constexpr std::uint64_t kPinAsked = Bit(3) | Bit(5);  // NMI exiting, virtual
constexpr std::uint64_t kPinTimer = Bit(6);
constexpr int kPrimaryTertiary = 17;
constexpr int kPrimarySecondary = 31;
constexpr std::uint64_t kPrimaryAsked =
    Bit(9) | Bit(kPrimaryTertiary) | Bit(kPrimarySecondary);
// APIC-access page, EPT, VPID, unrestricted guest, INVPCID, VM functions, PML,
// #VE, mode-based execute, sub-page write permissions.
constexpr std::uint64_t kSecondaryAsked = Bit(0) | Bit(1) | Bit(5) | Bit(7) |
                                          Bit(12) | Bit(13) | Bit(17) |
                                          Bit(18) | Bit(22) | Bit(23);
constexpr std::uint64_t kSecondaryUnrestricted = Bit(7);
constexpr std::uint64_t kTertiaryAsked = Bit(1) | Bit(2) | Bit(3);
// Host in 64-bit mode; IA32_PAT and IA32_EFER saved and loaded.
constexpr std::uint64_t kExitWanted =
    Bit(9) | Bit(18) | Bit(19) | Bit(20) | Bit(21);
constexpr std::uint64_t kEntryIa32e = Bit(9);
constexpr std::uint64_t kEntryWanted = Bit(14) | Bit(15);
constexpr std::uint64_t kEntryLoadPkrs = Bit(22);
constexpr std::uint64_t kEntryLoadCet = Bit(20), kExitLoadCet = Bit(28);
constexpr std::uint32_t kExceptionVe = 1u << 20;

constexpr std::uint64_t kRflagsTaken = Bit(8) | Bit(9) | Bit(14) | Bit(17);

// An event as VM entry takes it (27.2.1.3).
void FitEvent(GuestState& g) {
  if (!g.event_delivery) {
    g.delivered_event = 0;
    g.delivered_error_code = 0;
    g.instruction_length = 0;
    return;
  }
  constexpr std::uint32_t kValid = 1u << 31, kErrorCode = 1u << 11;
  constexpr std::uint32_t kWithErrorCode =
      1u << 8 | 0xfu << 10 | 1u << 14 | 1u << 17;
  constexpr std::uint32_t kNmi = 2, kHardware = 3, kSoftware = 4,
                          kSoftwareException = 6, kInvalidOpcode = 6;
  std::uint32_t type = g.delivered_event >> 8 & 7;
  std::uint32_t vector = g.delivered_event & 0xff;
  const bool has_type = Has(g.delivered_event, 31) && type != 0 && type != 1 &&
                        type != 7 && type != 5;
  if (!has_type || (type == kHardware && (vector > 19 || vector == 2)) ||
      (type == kSoftwareException && vector != 3 && vector != 4)) {
    type = kHardware;
    vector = kInvalidOpcode;
  }
  if (type == kNmi) vector = 2;
  const bool error_code =
      type == kHardware && (kWithErrorCode >> vector & 1) != 0;
  g.delivered_event =
      kValid | (error_code ? kErrorCode : 0) | type << 8 | vector;
  g.delivered_error_code = error_code ? g.delivered_error_code & 0x1f : 0;
  const bool software = type >= kSoftware;
  if (!software) g.instruction_length = 0;
  if (software && g.instruction_length == 0) g.instruction_length = 2;
}

void FitControls(const MachineLimits& machine, Case& c) {
  Controls& k = c.controls;
  k.pin_based = static_cast<std::uint32_t>(
      machine.pin_based.Fit((k.pin_based & kPinAsked) | kPinTimer));
  std::uint64_t secondary = k.secondary & kSecondaryAsked;
  if (!Has(k.primary, kPrimarySecondary)) secondary = 0;
  if (Has(secondary, kSecondaryEpt)) secondary |= kSecondaryUnrestricted;
  k.secondary = static_cast<std::uint32_t>(machine.secondary.Fit(secondary));
  k.tertiary = Has(k.primary, kPrimaryTertiary)
                   ? k.tertiary & kTertiaryAsked & machine.tertiary.may
                   : 0;
  k.primary = static_cast<std::uint32_t>(machine.primary.Fit(
      (k.primary & kPrimaryAsked) | Bit(kPrimarySecondary)));
  if (!Has(k.primary, kPrimaryTertiary)) k.tertiary = 0;
  k.vm_functions &= machine.vm_functions;
  k.exit_controls = static_cast<std::uint32_t>(machine.exit.Fit(
      kExitWanted | (machine.has_shadow_stacks ? kExitLoadCet : 0)));
  k.secondary_exit_controls = 0;
  // A step may set CR4.PKS, if the case does not begin with it.
  const bool pks = machine.processor.pks;
  k.entry_controls = static_cast<std::uint32_t>(
      machine.entry.Fit(kEntryWanted | (pks ? kEntryLoadPkrs : 0) |
                        (machine.has_shadow_stacks ? kEntryLoadCet : 0)));
  // #VE alone may reach the guest: all others show what became of the step.
  k.exception_bitmap |= ~kExceptionVe;
}

void FitGuest(const MachineLimits& machine, bool own_tables, Case& c) {
  GuestState& g = c.guest;
  const Processor& p = machine.processor;
  if (own_tables) {
    g.cr0 = Bit(kCr0Pe) | Bit(4) | Bit(5) | Bit(kCr0Pg);
    const bool cet = Has(g.cr4, kCr4Cet) && machine.has_shadow_stacks;
    if (g.cpl == 3 || cet) g.cr0 |= Bit(kCr0Wp);
    g.cr4 = Bit(kCr4Pae) | Bit(13) | (cet ? Bit(kCr4Cet) : 0);
    g.efer = Bit(kEferLme) | Bit(kEferLma) | (p.nx ? Bit(kEferNxe) : 0);
    g.cs_l = true;
  }
  // EM and TS are for others; alignment checks would come before all else.
  g.cr0 &= ~(Bit(2) | Bit(3) | Bit(kCr0Am));
  g.cr4 &= machine.cr4.may;
  if (own_tables) g.cr3 = 0;
  if (!machine.lam) g.cr3 &= ~(Bit(61) | Bit(62));
  if (!p.nx) g.efer &= ~Bit(kEferNxe);
  if (Has(g.efer, kEferLma)) {
    c.controls.entry_controls |= static_cast<std::uint32_t>(kEntryIa32e);
  } else {
    c.controls.entry_controls &= ~static_cast<std::uint32_t>(kEntryIa32e);
  }
  g.cs_l = g.cs_l && Has(g.efer, kEferLma);
  if (!Has(g.cr0, kCr0Pe)) g.cpl = 0;
  g.rflags &= ~kRflagsTaken;
  g.nmi_unblocking = false;
  g.interruptibility = 0;
  g.pending_debug = 0;
  FitEvent(g);
}

}  // namespace

void FitToMachine(const MachineLimits& machine, GuestTables tables, Case& c) {
  FitControls(machine, c);
  FitGuest(machine, tables == GuestTables::kOwn, c);
}

}  // namespace eptdiff
