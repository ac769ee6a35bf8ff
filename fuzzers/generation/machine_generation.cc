#include "fuzzers/generation/machine_generation.h"

#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/registers.h"

namespace eptdiff {
namespace {

using namespace bits;

// `bit` in `percent` of 100 cases.
std::uint64_t Maybe(Random& random, unsigned percent, std::uint64_t bit) {
  return random.Percent(percent) ? bit : 0;
}
std::uint32_t Maybe32(Random& random, unsigned percent, std::uint32_t bit) {
  return random.Percent(percent) ? bit : 0;
}

void GenerateProcessor(Random& random, const Exotic& exotic, Processor& p) {
  static constexpr std::uint8_t kWidths[] = {36, 39, 39, 40, 40, 46,
                                             46, 46, 48, 48, 52, 52};
  p.maxphyaddr = random.Percent(85)
                     ? random.Pick(kWidths)
                     : static_cast<std::uint8_t>(36 + random.Below(17));
  p.keyid_bits = 0;
  if (exotic.key_identifiers) {
    const unsigned room = p.maxphyaddr - 32u;
    p.keyid_bits =
        static_cast<std::uint8_t>(1 + random.Below(room < 6 ? room : 6));
  }
  p.ept_vpid_cap = kCapFourLevels | kCapUncacheable | kCapWriteBack |
                   kCapInvept | kCapInvvpid |
                   std::uint64_t{random.Percent(85) ? 1 : random.Below(53)}
                       << kCapHlatShift;
  if (!exotic.no_execute_only) p.ept_vpid_cap |= kCapExecuteOnly;
  if (!exotic.no_2mb_pages) {
    p.ept_vpid_cap |= kCap2Mb | Maybe(random, 90, kCap1Gb);
  }
  p.ept_vpid_cap |= exotic.five_level_ept ? kCapFiveLevels
                                          : Maybe(random, 40, kCapFiveLevels);
  p.ept_vpid_cap |= Union({Maybe(random, 95, kCapAccessedDirty),
                           Maybe(random, 85, kCapAdvancedExit),
                           Maybe(random, 75, kCapShadowStack)});
  p.ept_violation_ve = random.Percent(80);
  p.page_1gb = random.Percent(90);
  p.nx = random.Percent(95);
  p.pse36 = random.Percent(80);
  p.smep = random.Percent(80);
  p.smap = random.Percent(80);
  p.pku = random.Percent(70);
  p.pks = random.Percent(50);
  p.cet_ss = random.Percent(75);
  p.la57 = random.Percent(40);
  p.pcid = random.Percent(80);
}

// Modes in which a processor can be, weighted by how much they differ for EPT.
void GenerateRegisters(Random& random, const Processor& p, GuestState& g) {
  g.cr0 = Union({kCr0Et, kCr0Ne, kCr0Pe, Maybe(random, 70, kCr0Wp),
                 Maybe(random, 7, kCr0Cd)});
  g.cr4 = Maybe(random, 90, kCr4Pse) | kCr4Vmxe;
  g.efer = 0;
  const unsigned mode = random.Below(100);
  if (mode < 60) {  // IA-32e mode, mostly 64-bit
    g.cr0 |= kCr0Pg;
    g.cr4 |= kCr4Pae;
    g.efer |= kEferLme | kEferLma;
    g.cs_l = mode < 52;
    if (p.la57) g.cr4 |= Maybe(random, 25, kCr4La57);
    if (p.pcid) g.cr4 |= Maybe(random, 20, kCr4Pcide);
  } else if (mode < 72) {  // PAE paging
    g.cr0 |= kCr0Pg;
    g.cr4 |= kCr4Pae;
  } else if (mode < 80) {  // 32-bit paging
    g.cr0 |= kCr0Pg;
  } else {  // no paging, sometimes not even protection
    g.cr4 |= Maybe(random, 30, kCr4Pae);
    if (mode >= 96) g.cr0 &= ~kCr0Pe;
  }
  if (p.nx) g.efer |= Maybe(random, 80, kEferNxe);
  if (p.smep) g.cr4 |= Maybe(random, 40, kCr4Smep);
  if (p.smap) g.cr4 |= Maybe(random, 30, kCr4Smap);
  if (p.pku) g.cr4 |= Maybe(random, 30, kCr4Pke);
  if (p.pks) g.cr4 |= Maybe(random, 20, kCr4Pks);
  // CR4.CET needs CR0.WP.
  if (p.cet_ss && (g.cr0 & kCr0Wp) != 0 && (g.cr0 & kCr0Pe) != 0) {
    g.cr4 |= Maybe(random, 50, kCr4Cet);
  }
  static constexpr std::uint8_t kCpls[] = {0, 0, 0, 0, 0, 3, 3, 3, 3, 1, 2};
  g.cpl = (g.cr0 & kCr0Pe) != 0 ? random.Pick(kCpls) : 0;
}

// A value of PKRU or PKRS that allows the most with most of the keys.
std::uint32_t GenerateKeys(Random& random) {
  if (random.OneIn(8)) return static_cast<std::uint32_t>(random.Next());
  return static_cast<std::uint32_t>(random.Next() & random.Next());
}

// Modes by how much their guest paging has to get wrong. A feature that a bit
// of CR4 or IA32_EFER turns on is there.
void GenerateLinearRegisters(Random& random, Processor& p, GuestState& g) {
  g.cr0 = Union({kCr0Et, kCr0Ne, kCr0Pe, kCr0Pg, Maybe(random, 65, kCr0Wp),
                 Maybe(random, 5, kCr0Cd)});
  g.cr4 = Maybe(random, 80, kCr4Pse) | kCr4Vmxe;
  const unsigned mode = random.Below(100);
  if (mode >= 42) {  // IA-32e mode: 4-level and 5-level paging
    g.cr4 |= kCr4Pae;
    g.efer |= kEferLme | kEferLma;
    g.cs_l = !random.OneIn(12);
    p.la57 |= mode >= 84;
    if (mode >= 84) g.cr4 |= kCr4La57;
    g.cr4 |= Maybe(random, 20, kCr4Pcide);
    g.cr4 |= Union({Maybe(random, 45, kCr4Pke), Maybe(random, 35, kCr4Pks),
                    Maybe(random, 10, kCr4Lass), Maybe(random, 9, kCr4LamSup)});
  } else if (mode >= 23) {
    g.cr4 |= kCr4Pae;
    // Here keys count for nothing.
    g.cr4 |= Union({Maybe(random, 10, kCr4Pke), Maybe(random, 10, kCr4Pks),
                    Maybe(random, 5, kCr4Lass)});
  } else if (mode < 3) {
    g.cr0 &= ~kCr0Pg;
  }
  g.efer |= Maybe(random, 75, kEferNxe);
  g.cr4 |= Union({Maybe(random, 40, kCr4Smep), Maybe(random, 40, kCr4Smap)});
  if ((g.cr0 & kCr0Wp) != 0) g.cr4 |= Maybe(random, 40, kCr4Cet);
  p.nx |= (g.efer & kEferNxe) != 0;
  p.smep |= (g.cr4 & kCr4Smep) != 0;
  p.smap |= (g.cr4 & kCr4Smap) != 0;
  p.pku |= (g.cr4 & kCr4Pke) != 0;
  p.pks |= (g.cr4 & kCr4Pks) != 0;
  p.cet_ss |= (g.cr4 & kCr4Cet) != 0;
  p.pcid |= (g.cr4 & kCr4Pcide) != 0;
  g.pkru = GenerateKeys(random);
  g.pkrs = GenerateKeys(random);
  static constexpr std::uint8_t kCpls[] = {0, 0, 0, 0, 0, 3, 3, 3, 3, 1, 2};
  g.cpl = random.Pick(kCpls);
}

// Table 25-20: events of each type, and some that are none.
std::uint32_t GenerateEvent(Random& random) {
  static constexpr std::uint32_t kEvents[] = {
      0x80000020,  // external interrupts
      0x800000ff, 0x80000202,
      0x80000300,  // hardware exceptions: #DE, #DF, #GP, #PF
      0x80000b08, 0x80000b0d, 0x80000b0e,
      0x80000480,  // INT 80H
      0x80000501,  // INT1
      0x80000603,  // INT3, INTO
      0x80000604};
  if (random.Percent(10)) {
    return static_cast<std::uint32_t>(random.Next()) & 0x80000fff;
  }
  return random.Pick(kEvents);
}

// What VM exits save for their handlers.
void GenerateSavedState(Random& random, GuestState& g) {
  if (g.event_delivery && random.Percent(90)) {
    g.delivered_event = GenerateEvent(random);
    g.delivered_error_code = static_cast<std::uint32_t>(random.Bits(5));
  }
  if (random.Percent(50)) {
    g.instruction_length = static_cast<std::uint8_t>(1 + random.Below(15));
  }
  if (random.Percent(20)) {
    g.interruptibility = static_cast<std::uint8_t>(random.Bits(5));
  }
  if (random.Percent(20)) {
    constexpr std::uint32_t kPendingDebug = 0x1580f;
    g.pending_debug = static_cast<std::uint32_t>(random.Next()) & kPendingDebug;
  }
  g.rflags |= Maybe(random, 15, kRflagsRf);
}

void GenerateGuestState(Random& random, const Exotic& exotic, Focus focus,
                        Processor& p, GuestState& g) {
  g = GuestState{};
  if (focus == Focus::kLinear) {
    GenerateLinearRegisters(random, p, g);
  } else {
    GenerateRegisters(random, p, g);
  }
  if (random.Percent(30)) {
    static constexpr std::uint8_t kTypes[] = {0, 1, 4, 5, 6, 7};
    for (unsigned i = 0; i < 8; ++i) {
      g.pat &= ~(0xffull << (8 * i));
      g.pat |= std::uint64_t{random.Pick(kTypes)} << (8 * i);
    }
  }
  g.rflags = kRflagsFixed | Maybe(random, 20, kRflagsAc);
  // No asynchronous access is part of it.
  g.event_delivery = !exotic.asynchronous && random.Percent(8);
  g.nmi_unblocking = random.Percent(10);
  g.transactional = exotic.transactional;
  GenerateSavedState(random, g);
  g.busy_shadow_stack = !exotic.asynchronous && random.Percent(4);
}

void GenerateEptp(Random& random, const Case& c, Controls& k,
                  bool five_levels) {
  k.eptp = random.Percent(85) ? kWriteBack : 0;
  k.eptp |= five_levels ? kFiveLevels : kFourLevels;
  if ((c.processor.ept_vpid_cap & kCapAccessedDirty) != 0) {
    k.eptp |= Maybe(random, 53, kAccessedDirty);
  }
  if ((c.processor.ept_vpid_cap & kCapShadowStack) != 0) {
    k.eptp |= Maybe(random, 35, kShadowStackAware);
  }
}

void GenerateControls(Random& random, const Exotic& exotic, Focus focus,
                      Case& c) {
  Controls& k = c.controls;
  k = Controls{};
  static constexpr std::uint32_t kPins[] = {0,
                                            0,
                                            0,
                                            kPinNmiExiting,
                                            kPinNmiExiting | kPinVirtualNmis,
                                            kPinNmiExiting | kPinVirtualNmis};
  k.pin_based = random.Pick(kPins);
  k.primary = kPrimarySecondary;
  k.secondary = kSecondaryEpt | Maybe32(random, 45, kSecondaryMbec);
  k.secondary |= Maybe32(random, 15, kSecondarySpp);
  const bool unpaged = (c.guest.cr0 & (kCr0Pg | kCr0Pe)) != (kCr0Pg | kCr0Pe);
  k.secondary |= unpaged ? kSecondaryUnrestricted
                         : Maybe32(random, 40, kSecondaryUnrestricted);
  if (random.Percent(30)) {
    k.secondary |= kSecondaryVpid;
    k.vpid = static_cast<std::uint16_t>(1 + random.Below(0xffff));
  }
  if (c.processor.ept_violation_ve) {
    k.secondary |= Maybe32(random, 45, kSecondaryVe);
  }
  if (random.Percent(10)) {
    k.exception_bitmap = static_cast<std::uint32_t>(random.Next());
  }
  k.exception_bitmap |= Maybe32(random, 15, kExceptionVe);
  GenerateEptp(random, c, k, exotic.five_level_ept);
  k.secondary |=
      Maybe32(random, (k.eptp & kAccessedDirty) != 0 ? 55 : 6, kSecondaryPml);
  static constexpr std::uint16_t kIndices[] = {
      511, 511, 511, 0, 0, 1, 510, 512, 513, 256, 0xffff, 0xffff};
  k.pml_index = random.Percent(80) ? random.Pick(kIndices)
                                   : static_cast<std::uint16_t>(random.Next());
  // A guest walk alone may need five entries of the log.
  if (focus == Focus::kLinear && random.Percent(70)) {
    k.pml_index = static_cast<std::uint16_t>(random.Below(512));
  }
  k.eptp_index = static_cast<std::uint16_t>(random.Next());
  if (exotic.paging_write) {
    k.primary |= kPrimaryTertiary;
    k.tertiary = Union({Maybe(random, 80, kTertiaryPagingWrite),
                        Maybe(random, 60, kTertiaryVerify),
                        Maybe(random, 25, kTertiaryHlat)});
    k.hlat_prefix_size = static_cast<std::uint16_t>(
        random.Below(1 + (c.processor.ept_vpid_cap >> kCapHlatShift & 0x3f)));
  }
  // Trace output, which may make VMFUNC exit, and PEBS.
  if (exotic.asynchronous && !exotic.eptp_switching) {
    k.secondary |= Maybe32(random, 75, kSecondaryTraceGuest);
  }
  if (exotic.asynchronous && random.Percent(50)) {
    k.primary |= kPrimaryTertiary;
    k.tertiary |= kTertiaryPebsGuest;
  }
  if (exotic.eptp_switching) {
    k.secondary |= kSecondaryVmFunctions;
    k.vm_functions = Maybe(random, 92, kFunctionEptpSwitch);
  }
  // What only VM entry looks at.
  k.entry_controls = static_cast<std::uint32_t>(Union(
      {Maybe(random, 50, kEntryLoadPat), Maybe(random, 50, kEntryLoadEfer)}));
  if ((k.pin_based & kPinVirtualNmis) != 0) {
    k.primary |= Maybe32(random, 10, kPrimaryNmiWindow);
  }
  if (random.Percent(3)) k.secondary |= kSecondaryTraceGuest;
  if (c.guest.busy_shadow_stack && random.Percent(70)) {
    k.exit_controls |= kExitSecondary;
    k.secondary_exit_controls = kExitBusyShadowStack;
  }
  if ((k.secondary & kSecondaryTraceGuest) != 0) {
    k.entry_controls |= kEntryLoadTrace;
    k.exit_controls |= kExitClearTrace;
  }
}

}  // namespace

Exotic DrawExotic(Random& random, Focus focus) {
  Exotic exotic;
  if (!random.Percent(focus == Focus::kLinear ? 17 : 22)) return exotic;
  if (focus == Focus::kLinear) {
    // What is about EPT alone is asked about it alone.
    exotic.five_level_ept = random.Percent(40);
    exotic.no_execute_only = random.Percent(8);
    exotic.no_2mb_pages = random.Percent(5);
    exotic.paging_write = random.Percent(55);
    exotic.asynchronous = random.Percent(4);
    exotic.key_identifiers = random.Percent(20);
    exotic.apic_page = random.Percent(15);
    exotic.changes = random.Percent(35);
    exotic.refused_entry = random.Percent(6);
    exotic.refused_guest = random.Percent(8);
    return exotic;
  }
  exotic.five_level_ept = random.Percent(42);
  exotic.no_execute_only = random.Percent(25);
  exotic.no_2mb_pages = random.Percent(20);
  exotic.paging_write = random.Percent(22);
  exotic.transactional = random.Percent(8);
  exotic.asynchronous = random.Percent(10);
  exotic.eptp_switching = random.Percent(25);
  exotic.key_identifiers = random.Percent(18);
  exotic.apic_page = random.Percent(14);
  exotic.changes = random.Percent(30);
  exotic.refused_entry = random.Percent(16);
  exotic.refused_guest = random.Percent(12);
  return exotic;
}

void GenerateMachine(Random& random, const Exotic& exotic, Focus focus,
                     Case& c) {
  GenerateProcessor(random, exotic, c.processor);
  GenerateGuestState(random, exotic, focus, c.processor, c.guest);
  GenerateControls(random, exotic, focus, c);
}

}  // namespace eptdiff
