#include "fuzzers/generation/spoiled_entry.h"

#include <cstdint>

#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/registers.h"

namespace eptdiff {

using namespace bits;

namespace {

// An address that is misaligned or too wide.
std::uint64_t BadAddress(Random& random, std::uint64_t good,
                         unsigned maxphyaddr) {
  return random.OneIn(2)
             ? good | Bit(random.Below(12))
             : good | Bit(maxphyaddr + random.Below(64 - maxphyaddr));
}

// Bits that no rule names, or that are not activated, mean nothing. Those that
// nobody models would leave nothing to be asked.
void AddInertControls(Random& random, Controls& k) {
  constexpr std::uint32_t kVirtualApic = kSecondaryX2apicMode |
                                         kSecondaryApicRegisters |
                                         kSecondaryInterruptDelivery;
  constexpr std::uint32_t kSecondaryNamed =
      kSecondaryApicAccesses | kSecondaryEpt | kVirtualApic | kSecondaryVpid |
      kSecondaryUnrestricted | kSecondaryVmFunctions | kSecondaryPml |
      kSecondaryVe | kSecondaryMbec | kSecondarySpp | kSecondaryTraceGuest;
  constexpr std::uint32_t kEntryNamed =
      kEntryLoadPat | kEntryLoadEfer | kEntryLoadTrace;
  const auto junk = [&random] {
    return static_cast<std::uint32_t>(random.Next());
  };
  k.pin_based |=
      junk() & ~(kPinNmiExiting | kPinVirtualNmis | kPinPostedInterrupts);
  k.primary |=
      junk() & ~(kPrimarySecondary | kPrimaryTertiary | kPrimaryNmiWindow);
  k.entry_controls |= junk() & ~kEntryNamed;
  k.exit_controls |= junk() & ~kExitClearTrace;
  switch (random.Below(3)) {
    case 0:  // secondary controls: EPT is off, whatever they are
      k.primary &= ~kPrimarySecondary;
      k.eptp ^= Bit(random.Below(12));
      // Of its own numbers: what a seed makes else stays what it was.
      k.secondary |=
          static_cast<std::uint32_t>(Random(k.primary).Next()) & kVirtualApic;
      break;
    case 1:  // tertiary controls
      k.primary &= ~kPrimaryTertiary;
      k.tertiary = random.Next();
      k.hlatp = random.Next();
      break;
    default:
      k.secondary |= junk() & ~kSecondaryNamed;
      if ((k.secondary & kSecondaryVmFunctions) == 0) {
        k.vm_functions |= random.Next() & ~kFunctionEptpSwitch;
      }
      k.tertiary |= random.Next() &
                    ~(kTertiaryHlat | kTertiaryPagingWrite | kTertiaryVerify |
                      kTertiaryIpi | kTertiarySeamWidth);
      break;
  }
}

// What "use TPR shadow" and the controls of a virtual APIC need of one another.
void SpoilVirtualApic(Random& random, Controls& k) {
  if (random.OneIn(2)) k.primary |= kPrimaryTprShadow;
  if (random.OneIn(4)) {
    k.primary |= kPrimaryTertiary;
    k.tertiary |= kTertiaryIpi;
  }
  if (random.OneIn(3)) k.secondary |= kSecondaryX2apicMode;
  if (random.OneIn(3)) k.secondary |= kSecondaryApicAccesses;
  if (random.OneIn(3)) k.secondary |= kSecondaryApicRegisters;
  if (random.OneIn(2)) k.secondary |= kSecondaryInterruptDelivery;
  if (random.OneIn(2)) k.pin_based |= kPinInterruptExiting;
  if (random.OneIn(3)) k.pin_based |= kPinPostedInterrupts;
  if (random.OneIn(2)) k.exit_controls |= kExitAcknowledge;
  // Several reasons at once tell less than one.
  if (random.OneIn(2)) return;
  k.primary |= kPrimaryTprShadow;
  if (random.OneIn(2)) k.secondary &= ~kSecondaryApicAccesses;
}

}  // namespace

void SpoilEntryControls(Random& random, Case& c) {
  Controls& k = c.controls;
  std::uint64_t& cap = c.processor.ept_vpid_cap;
  const unsigned n = PhysicalWidth(c);
  switch (random.Below(22)) {
    case 0:
      k.eptp = (k.eptp & ~7ull) | random.Below(8);
      break;
    case 1:
      cap &= ~(random.OneIn(2) ? kCapWriteBack : kCapUncacheable);
      break;
    case 2:
      k.eptp = (k.eptp & ~kWalkLengthMask) | std::uint64_t{random.Below(8)}
                                                 << 3;
      break;
    case 3:
      cap &= ~(EptLevels(c) == 5 ? kCapFiveLevels : kCapFourLevels);
      break;
    case 4:
      cap &= ~kCapAccessedDirty;
      break;
    case 5:
      cap &= ~kCapShadowStack;
      break;
    case 6:
      k.eptp |= random.OneIn(2) ? Bit(8 + random.Below(4))
                                : Bit(n + random.Below(64 - n));
      break;
    case 7:
      k.secondary &= ~kSecondaryEpt;
      break;
    case 8:
      k.secondary |= kSecondaryPml;
      k.pml_address = BadAddress(random, k.pml_address, n);
      break;
    case 9:
      k.secondary |= kSecondarySpp;
      k.spptp = BadAddress(random, k.spptp, n);
      break;
    case 10:
      if (random.OneIn(3)) {
        k.secondary |= kSecondaryApicAccesses;
        k.apic_access_address = BadAddress(random, 0x9000, n);
        break;
      }
      k.secondary |= kSecondaryVe;
      c.processor.ept_violation_ve = true;
      k.ve_information_address =
          BadAddress(random, k.ve_information_address, n);
      break;
    case 11:
    case 12:
      AddInertControls(random, k);
      break;
    case 13:
      k.secondary |= kSecondaryVpid;
      k.vpid = 0;
      break;
    case 14:
      k.secondary |= kSecondaryVmFunctions;
      k.vm_functions |= Bit(1 + random.Below(63));
      break;
    case 15:
      k.pin_based = (k.pin_based & ~kPinNmiExiting) | kPinVirtualNmis;
      break;
    case 16:
      k.pin_based &= ~kPinVirtualNmis;
      k.primary |= kPrimaryNmiWindow;
      break;
    case 17:
      k.secondary |= kSecondaryTraceGuest;
      if (random.OneIn(2)) k.entry_controls ^= kEntryLoadTrace;
      if (random.OneIn(2)) k.exit_controls ^= kExitClearTrace;
      break;
    case 18:
    case 19:
      SpoilVirtualApic(random, k);
      break;
    case 20:
      // Without EPT, and without what else needs it.
      k.primary |= kPrimaryTertiary;
      k.secondary &= kSecondaryVpid | kSecondaryVe;
      k.tertiary =
          Random(k.eptp).OneIn(2) ? kTertiaryPebsGuest : kTertiarySeamWidth;
      break;
    default:
      k.primary |= kPrimaryTertiary;
      k.tertiary |= kTertiaryHlat;
      if (random.OneIn(2)) {
        k.hlatp = BadAddress(random, k.hlatp, c.processor.maxphyaddr);
      } else {
        k.hlat_prefix_size =
            static_cast<std::uint16_t>(k.hlat_prefix_size + 53);
      }
      break;
  }
}

namespace {

// A bit of `mask` (which has one).
std::uint64_t SomeBit(Random& random, std::uint64_t mask) {
  for (;;) {
    const std::uint64_t bit = Bit(random.Below(64));
    if ((mask & bit) != 0) return bit;
  }
}

void SpoilModes(Random& random, Case& c) {
  GuestState& g = c.guest;
  Controls& k = c.controls;
  switch (random.Below(9)) {
    case 0:
      g.cr0 ^= random.OneIn(2) ? kCr0Ne : Bit(32 + random.Below(32));
      break;
    case 1:
      k.secondary &= ~kSecondaryUnrestricted;
      g.cr0 &= ~(random.OneIn(2) ? kCr0Pg : kCr0Pg | kCr0Pe);
      g.efer &= ~(kEferLma | kEferLme);
      g.cr4 &= ~kCr4Pcide;
      break;
    case 2:
      k.secondary |= kSecondaryUnrestricted;
      g.cr0 = (g.cr0 | kCr0Pg) & ~kCr0Pe;
      break;
    case 3:
      if (random.OneIn(2)) {
        g.cr4 &= ~kCr4Vmxe;
      } else {
        constexpr unsigned kReserved[] = {15, 26, 29, 30, 31, 33, 47, 63};
        g.cr4 |= Bit(random.Pick(kReserved));
      }
      break;
    case 4:
      g.cr0 &= ~kCr0Wp;
      g.cr4 |= kCr4Cet;
      break;
    case 5:
      g.efer |= kEferLma | kEferLme;
      g.cr4 &= ~kCr4Pae;
      break;
    case 6:
      k.secondary |= kSecondaryUnrestricted;
      g.cr0 &= ~kCr0Pg;
      g.efer |= kEferLma | kEferLme;
      g.cr4 |= kCr4Pae;
      break;
    case 7:
      g.efer &= ~(kEferLma | kEferLme);
      g.cr4 |= kCr4Pcide;
      break;
    default:
      // No refusal: an unrestricted guest without paging.
      k.secondary |= kSecondaryUnrestricted;
      g.cr0 &= ~kCr0Pg;
      g.efer &= ~(kEferLma | kEferLme);
      g.cr4 &= ~kCr4Pcide;
      break;
  }
}

void SpoilPdptes(Random& random, Case& c) {
  GuestState& g = c.guest;
  g.cr0 |= kCr0Pg | kCr0Pe;
  g.cr4 = (g.cr4 | kCr4Pae) & ~kCr4Pcide;
  g.efer &= ~(kEferLma | kEferLme);
  constexpr std::uint64_t kLowReserved = 0x1e6;
  const std::uint64_t reserved = kLowReserved | ~Low(c.processor.maxphyaddr);
  std::uint64_t& pdpte = g.pdpte[random.Below(4)];
  pdpte |= SomeBit(random, random.OneIn(2) ? kLowReserved : reserved);
  // Bits of one that is not present are no reason, nor are ignored ones.
  if (random.OneIn(4)) {
    pdpte &= ~kGuestPresent;
  } else if (random.OneIn(4)) {
    pdpte = (pdpte & ~reserved) | kGuestPresent | Bit(9 + random.Below(3));
  } else {
    pdpte |= kGuestPresent;
  }
}

// Virtual-8086 mode, real-address mode, and their CPL.
void SpoilPrivilege(Random& random, Case& c) {
  GuestState& g = c.guest;
  g.cr4 &= ~kCr4Pcide;
  g.efer &= ~(kEferLma | kEferLme);
  g.cs_l = false;
  g.cpl = static_cast<std::uint8_t>(random.Below(4));
  if (random.OneIn(2)) {
    g.cr0 |= kCr0Pe;
    g.rflags |= kRflagsVm;
    g.cs_l = random.OneIn(3);
    if (random.OneIn(2)) g.cpl = 3;
  } else {
    c.controls.secondary |= kSecondaryUnrestricted;
    g.cr0 &= ~(kCr0Pg | kCr0Pe);
    g.rflags &= ~kRflagsVm;
  }
}

// What blocks events, and the debug exceptions that wait.
void SpoilBlocking(Random& random, Case& c) {
  constexpr std::uint32_t kPending[] = {0,       1,       0x1000,  0x1800,
                                        0x4000,  0x10000, 0x11000, 0x11001,
                                        0x11800, 0x15000};
  GuestState& g = c.guest;
  g.interruptibility = static_cast<std::uint8_t>(random.Bits(5));
  g.pending_debug = random.Pick(kPending);
  if (random.OneIn(2)) g.rflags ^= kRflagsTf;
  if (random.OneIn(2)) g.rflags ^= kRflagsIf;
}

}  // namespace

void SpoilGuestState(Random& random, Case& c) {
  GuestState& g = c.guest;
  Controls& k = c.controls;
  const unsigned n = c.processor.maxphyaddr;
  switch (random.Below(18)) {
    case 0:
      g.cr3 |= Bit(n + random.Below(64 - n));
      break;
    case 1:
      g.cr0 |= kCr0Pg | kCr0Pe;
      g.cr4 |= kCr4Pae | kCr4Pcide;
      g.efer |= kEferLma | kEferLme;
      g.cr3 |= Bit(63);
      break;
    case 2:
      k.entry_controls = random.OneIn(4) ? k.entry_controls & ~kEntryLoadEfer
                                         : k.entry_controls | kEntryLoadEfer;
      g.efer ^= random.OneIn(2)
                    ? kEferLme
                    : SomeBit(random, ~Low(12) | Bit(9) | (Low(8) & ~Low(1)));
      break;
    case 3: {
      k.entry_controls = random.OneIn(4) ? k.entry_controls & ~kEntryLoadPat
                                         : k.entry_controls | kEntryLoadPat;
      const unsigned shift = 8 * random.Below(8);
      const std::uint64_t low = random.OneIn(2) ? 2 + random.Below(2) : 6;
      const std::uint64_t high = low == 6 ? Bit(3 + random.Below(5)) : 0;
      g.pat = (g.pat & ~(Low(8) << shift)) | (low | high) << shift;
      break;
    }
    case 4:
      g.rflags ^=
          SomeBit(random, ~Low(22) | Bit(15) | Bit(5) | Bit(3) | Bit(1));
      break;
    case 5:
      g.rflags |= kRflagsVm;
      break;
    case 6:
    case 7:
    case 8:
      SpoilPdptes(random, c);
      break;
    case 9:
      SpoilPrivilege(random, c);
      break;
    case 10:
      SpoilBlocking(random, c);
      break;
    default:
      SpoilModes(random, c);
      break;
  }
}

}  // namespace eptdiff
