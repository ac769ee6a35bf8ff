// Cases of VMF and REG: VMFUNC, and writes to the guest's registers.
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

using enum GuestRegister;

constexpr std::uint64_t kResetPat = 0x0007'0406'0007'0406;

// In 64-bit mode, with CR0 = 80000021H (PG, NE, PE), CR4 = 2020H (VMXE, PAE),
// IA32_EFER = D00H (NXE, LMA, LME) and CR3 = 0. EPT maps page 0 at 9000H.
CaseBuilder In64BitMode() { return Walk4(); }

CaseBuilder InCompatibilityMode() {
  return Walk4().With([](Case& c) { c.guest.cs_l = false; });
}

// With PAE paging: CR3 = 20H. The PDPTEs there are at 9020H, and the registers
// hold others.
CaseBuilder InPaePaging() {
  return Walk4().Word(0x9020, 0x7001).With([](Case& c) {
    c.guest.efer = 0x800;
    c.guest.cs_l = false;
    c.guest.cr3 = 0x20;
    c.guest.pdpte.fill(0x6001);
  });
}

// With "unrestricted guest".
CaseBuilder Unrestricted(const CaseBuilder& builder) {
  return CaseBuilder(builder).With(
      [](Case& c) { c.controls.secondary |= 0x80; });
}

// Without paging: CR0 = 21H.
CaseBuilder Unpaged(std::uint64_t cr4, std::uint64_t efer, bool cs_l = false) {
  return InPaePaging().With([=](Case& c) {
    c.guest.cr0 = 0x21;
    c.guest.cr4 = cr4;
    c.guest.efer = efer;
    c.guest.cs_l = cs_l;
  });
}

template <typename Function>
CaseBuilder With(const CaseBuilder& builder, Function change) {
  return CaseBuilder(builder).With(change);
}

Answer Loads(std::uint64_t pdpte0) {
  return Happens().Pdptes({pdpte0, 0, 0, 0});
}

std::vector<NamedCase> VmfuncCases() {
  const CaseBuilder enabled = Walk4().EptpSwitching().Word(0x7008, 0x1c01e);
  return {
      {"vmf-1-not-enabled",
       "VMF-1",
       {"VMF-1/control-off"},
       Walk4().Vmfunc(0, 1).Build(),
       InvalidOpcode()},
      {"vmf-1-not-enabled-leaf-1",
       "VMF-1",
       {"VMF-1/control-off"},
       Walk4().Vmfunc(1, 1).Build(),
       InvalidOpcode()},
      {"vmf-1-leaf-64",
       "VMF-1",
       {"VMF-1/leaf-off", "VMF-1/leaf-64-accepted"},
       CaseBuilder(enabled).Vmfunc(64, 1).Build(),
       InvalidOpcode()},
      {"vmf-1-leaf-256",
       "VMF-1",
       {"VMF-1/leaf-off", "VMF-1/leaf-low-byte"},
       CaseBuilder(enabled).Vmfunc(256, 1).Build(),
       InvalidOpcode()},
      {"vmf-1-leaf-bit-31",
       "VMF-1",
       {"VMF-1/leaf-off", "VMF-1/leaf-low-byte"},
       CaseBuilder(enabled).Vmfunc(0x80000000, 1).Build(),
       InvalidOpcode()},
      {"vmf-2-leaf-1",
       "VMF-2",
       {"VMF-2/off", "VMF-1/leaf-above-0"},
       CaseBuilder(enabled).Vmfunc(1, 1).Build(),
       VmfuncExit()},
      {"vmf-2-leaf-63",
       "VMF-2",
       {"VMF-2/off", "VMF-1/leaf-above-0"},
       CaseBuilder(enabled).Vmfunc(63, 1).Build(),
       VmfuncExit()},
  };
}

std::vector<NamedCase> Cr0Cases() {
  return {
      {"reg-1-bit-32",
       "REG-1",
       {"REG-1/high-off"},
       In64BitMode().Give(kCr0, 0x1'8000'0021).Build(),
       GeneralProtection()},
      {"reg-1-pg-without-pe",
       "REG-1",
       {"REG-1/pg-off"},
       Unrestricted(In64BitMode()).Give(kCr0, 0x80000020).Build(),
       GeneralProtection()},
      {"reg-1-nw-without-cd",
       "REG-1",
       {"REG-1/nw-off"},
       In64BitMode().Give(kCr0, 0xa0000021).Build(),
       GeneralProtection()},
      {"reg-1-cd-without-nw",
       "REG-1",
       {"REG-1/cd-without-nw-refused"},
       In64BitMode().Give(kCr0, 0xc0000021).Build(),
       Happens()},
      {"reg-1-ignored-bits",
       "REG-1",
       {"REG-1/low-reserved-bits-too"},
       In64BitMode().Give(kCr0, 0x9ffaffe1).Build(),
       Happens()},
      {"reg-2-pg-without-pae",
       "REG-2",
       {"REG-2/pae-off", "REG-2/lma-for-lme"},
       Unpaged(0x2000, 0x100).Give(kCr0, 0x80000021).Build(),
       GeneralProtection()},
      {"reg-2-64-bit-code",
       "REG-2",
       {"REG-2/code-off"},
       Unpaged(0x2020, 0x100, true).Give(kCr0, 0x80000021).Build(),
       GeneralProtection()},
      {"reg-2-begin-ia-32e-mode",
       "REG-2",
       {},
       Unpaged(0x2020, 0x100).Give(kCr0, 0x80000021).Build(),
       Happens()},
      {"reg-2-leave-64-bit-mode",
       "REG-2",
       {"REG-2/leave-off"},
       Unrestricted(In64BitMode()).Give(kCr0, 0x21).Build(),
       GeneralProtection()},
      {"reg-2-leave-compatibility-mode",
       "REG-2",
       {"REG-2/compatibility-mode-too", "REG-4/unrestricted-guest-ignored"},
       Unrestricted(InCompatibilityMode()).Give(kCr0, 0x21).Build(),
       Happens()},
      {"reg-3-wp-with-cet",
       "REG-3",
       {"REG-3/wp-off"},
       With(In64BitMode(),
            [](Case& c) {
              c.guest.cr0 = 0x80010001;
              c.guest.cr4 = 0x800020;
            })
           .Give(kCr0, 0x80000021)
           .Build(),
       GeneralProtection()},
      {"reg-3-wp-and-pg-with-cet",
       "REG-3",
       {"REG-3/wp-off", "REG-3/wp-with-pg-off"},
       With(Unrestricted(InCompatibilityMode()),
            [](Case& c) {
              c.guest.cr0 = 0x80010001;
              c.guest.cr4 = 0x800020;
            })
           .Give(kCr0, 0x21)
           .Build(),
       GeneralProtection()},
      {"reg-3-pg-with-pcid",
       "REG-3",
       {"REG-3/pg-off"},
       With(Unrestricted(InCompatibilityMode()),
            [](Case& c) { c.guest.cr4 = 0x20020; })
           .Give(kCr0, 0x21)
           .Build(),
       GeneralProtection()},
      {"reg-4-ne",
       "REG-4",
       {"REG-4/off", "REG-4/pe-and-pg-only"},
       In64BitMode().Give(kCr0, 0x80000001).Build(),
       GeneralProtection()},
      {"reg-4-pg",
       "REG-4",
       {"REG-4/off", "REG-4/ne-only"},
       InCompatibilityMode().Give(kCr0, 0x21).Build(),
       GeneralProtection()},
      {"reg-4-real-mode",
       "REG-4",
       {"REG-4/unrestricted-guest-ignored"},
       Unrestricted(InCompatibilityMode()).Give(kCr0, 0x20).Build(),
       Happens()},
  };
}

std::vector<NamedCase> Cr4Cases() {
  return {
      {"reg-5-bit-15",
       "REG-5",
       {"REG-5/off"},
       In64BitMode().Give(kCr4, 0xa020).Build(),
       GeneralProtection()},
      {"reg-5-bit-31",
       "REG-5",
       {"REG-5/off"},
       In64BitMode().Give(kCr4, 0x80002020).Build(),
       GeneralProtection()},
      {"reg-5-bit-33",
       "REG-5",
       {"REG-5/off", "REG-5/high-half-unchecked"},
       In64BitMode().Give(kCr4, 0x2'0000'2020).Build(),
       GeneralProtection()},
      {"reg-5-smep-not-supported",
       "REG-5",
       {"REG-5/off", "REG-5/features-unchecked"},
       In64BitMode().Give(kCr4, 0x102020).Build(),
       GeneralProtection()},
      {"reg-5-smep",
       "REG-5",
       {},
       With(In64BitMode(), [](Case& c) { c.processor.smep = true; })
           .Give(kCr4, 0x102020)
           .Build(),
       Happens()},
      // The bit itself says that the processor has the feature.
      {"reg-5-smep-kept",
       "REG-5",
       {},
       In64BitMode().Cr4(0x100000).Give(kCr4, 0x1020a0).Build(),
       Happens()},
      {"reg-5-lass-and-lam",
       "REG-5",
       {"REG-5/lass-and-lam-reserved"},
       In64BitMode().Give(kCr4, 0x18002020).Build(),
       Happens()},
      {"reg-6-pae",
       "REG-6",
       {"REG-6/pae-off"},
       In64BitMode().Give(kCr4, 0x2000).Build(),
       GeneralProtection()},
      {"reg-6-pae-compatibility-mode",
       "REG-6",
       {"REG-6/pae-off"},
       InCompatibilityMode().Give(kCr4, 0x2000).Build(),
       GeneralProtection()},
      {"reg-6-pae-paging",
       "REG-6",
       {"REG-6/pae-paging-too"},
       InPaePaging().Give(kCr4, 0x2000).Build(),
       Happens()},
      {"reg-6-la57-set",
       "REG-6",
       {"REG-6/la57-off"},
       With(In64BitMode(), [](Case& c) { c.processor.la57 = true; })
           .Give(kCr4, 0x3020)
           .Build(),
       GeneralProtection()},
      {"reg-6-la57-cleared",
       "REG-6",
       {"REG-6/la57-off", "REG-6/la57-set-only"},
       In64BitMode().Cr4(0x1000).Give(kCr4, 0x2020).Build(),
       GeneralProtection()},
      {"reg-6-la57-pae-paging",
       "REG-6",
       {"REG-6/la57-never"},
       With(InPaePaging(), [](Case& c) { c.processor.la57 = true; })
           .Give(kCr4, 0x3020)
           .Build(),
       Happens()},
      {"reg-7-pae-paging",
       "REG-7",
       {"REG-7/mode-off"},
       With(InPaePaging(),
            [](Case& c) {
              c.processor.pcid = true;
              c.guest.cr3 = 0;
            })
           .Give(kCr4, 0x22020)
           .Build(),
       GeneralProtection()},
      {"reg-7-pwt",
       "REG-7",
       {"REG-7/cr3-off"},
       With(In64BitMode(),
            [](Case& c) {
              c.processor.pcid = true;
              c.guest.cr3 = 0x1008;
            })
           .Give(kCr4, 0x22020)
           .Build(),
       GeneralProtection()},
      {"reg-7-bit-5",
       "REG-7",
       {"REG-7/cr3-off", "REG-7/pwt-and-pcd-only"},
       With(In64BitMode(),
            [](Case& c) {
              c.processor.pcid = true;
              c.guest.cr3 = 0x1020;
            })
           .Give(kCr4, 0x22020)
           .Build(),
       GeneralProtection()},
      {"reg-7-set-already",
       "REG-7",
       {"REG-7/whatever-it-was"},
       With(In64BitMode(), [](Case& c) { c.guest.cr3 = 0x1005; })
           .Cr4(0x20000)
           .Give(kCr4, 0x220a0)
           .Build(),
       Happens()},
      {"reg-7-set",
       "REG-7",
       {},
       With(In64BitMode(),
            [](Case& c) {
              c.processor.pcid = true;
              c.guest.cr3 = 0x1000;
            })
           .Give(kCr4, 0x22020)
           .Build(),
       Happens()},
      {"reg-8-cet-without-wp",
       "REG-8",
       {"REG-8/off"},
       With(In64BitMode(), [](Case& c) { c.processor.cet_ss = true; })
           .Give(kCr4, 0x802020)
           .Build(),
       GeneralProtection()},
      {"reg-8-cet",
       "REG-8",
       {},
       With(In64BitMode(),
            [](Case& c) {
              c.processor.cet_ss = true;
              c.guest.cr0 = 0x80010001;
            })
           .Give(kCr4, 0x802020)
           .Build(),
       Happens()},
      {"reg-9-vmxe",
       "REG-9",
       {"REG-9/off"},
       In64BitMode().Give(kCr4, 0x20).Build(),
       GeneralProtection()},
  };
}

std::vector<NamedCase> Cr3Cases() {
  return {
      {"reg-10-bit-n",
       "REG-10",
       {"REG-10/off", "REG-10/bits-63-52"},
       In64BitMode().Give(kCr3, 1ull << 46).Build(),
       GeneralProtection()},
      {"reg-10-highest-bit",
       "REG-10",
       {},
       In64BitMode().Give(kCr3, 1ull << 45).Build(),
       Happens()},
      {"reg-10-bit-63",
       "REG-10",
       {"REG-10/off", "REG-10/bit-63-ignored"},
       In64BitMode().Give(kCr3, 1ull << 63).Build(),
       GeneralProtection()},
      {"reg-10-bit-63-with-pcid",
       "REG-10",
       {"REG-10/bit-63-reserved"},
       In64BitMode().Cr4(0x20000).Give(kCr3, 1ull << 63 | 0x1005).Build(),
       Happens()},
      {"reg-10-low-bits",
       "REG-10",
       {"REG-10/low-bits-reserved"},
       In64BitMode().Give(kCr3, 0x1fff).Build(),
       Happens()},
      {"reg-10-lam",
       "REG-10",
       {},
       In64BitMode().Cr4(1 << 28).Give(kCr3, 3ull << 61 | 0x1000).Build(),
       Happens()},
      {"reg-10-lam-and-bit-60",
       "REG-10",
       {"REG-10/off"},
       In64BitMode().Cr4(1 << 28).Give(kCr3, 7ull << 60 | 0x1000).Build(),
       GeneralProtection()},
      {"reg-11-exit",
       "REG-11",
       {"REG-11/no-exit", "REG-11/cr0-reported", "REG-11/mov-from-reported"},
       With(In64BitMode(), [](Case& c) { c.controls.primary |= 0x8000; })
           .Give(kCr3, 0x1000)
           .Build(),
       ControlRegisterExit(3)},
      {"reg-11-exit-before-a-fault",
       "REG-11",
       {"REG-11/no-exit", "REG-11/fault-first"},
       With(In64BitMode(), [](Case& c) { c.controls.primary |= 0x8000; })
           .Give(kCr3, 1ull << 46)
           .Build(),
       ControlRegisterExit(3)},
      {"reg-11-cr0-does-not-exit",
       "REG-11",
       {},
       With(In64BitMode(), [](Case& c) { c.controls.primary |= 0x8000; })
           .Give(kCr0, 0x80010021)
           .Build(),
       Happens()},
  };
}

std::vector<NamedCase> PdpteCases() {
  return {
      {"reg-12-cr3",
       "REG-12",
       {"REG-12/never", "REG-12/old-cr3"},
       InPaePaging().Word(0x9040, 0x8001).Give(kCr3, 0x40).Build(),
       Loads(0x8001)},
      {"reg-12-cr3-reserved-bit",
       "REG-12",
       {"REG-12/never", "REG-12/old-cr3", "GW-17/reserved-off"},
       InPaePaging().Word(0x9048, 0x8003).Give(kCr3, 0x40).Build(),
       GeneralProtection()},
      {"reg-12-cr3-violation",
       "REG-12",
       {"REG-12/never"},
       InPaePaging().Pte(0).Give(kCr3, 0x40).Build(),
       Violation(1, 0x40)},
      {"reg-12-cr3-4-level-paging",
       "REG-12",
       {},
       In64BitMode().Pte(0).Give(kCr3, 0x40).Build(),
       Happens()},
      {"reg-12-exit-instead",
       "REG-11",
       {"REG-11/no-exit"},
       With(InPaePaging(), [](Case& c) { c.controls.primary |= 0x8000; })
           .Give(kCr3, 0x40)
           .Build(),
       ControlRegisterExit(3)},
      {"reg-12-cd",
       "REG-12",
       {"REG-12/not-by-cr0", "REG-12/pg-only"},
       InPaePaging().Give(kCr0, 0xc0000021).Build(),
       Loads(0x7001)},
      {"reg-12-wp",
       "REG-12",
       {"REG-12/wp-too"},
       InPaePaging().Give(kCr0, 0x80010021).Build(),
       Happens()},
      {"reg-12-pg",
       "REG-12",
       {"REG-12/not-by-cr0"},
       Unpaged(0x2020, 0).Give(kCr0, 0x80000021).Build(),
       Loads(0x7001)},
      {"reg-12-pg-violation",
       "REG-12",
       {"REG-12/not-by-cr0"},
       Unpaged(0x2020, 0).Pte(0).Give(kCr0, 0x80000021).Build(),
       Violation(1, 0x20)},
      {"reg-12-pg-32-bit-paging",
       "REG-12",
       {},
       Unpaged(0x2000, 0).Pte(0).Give(kCr0, 0x80000021).Build(),
       Happens()},
      {"reg-12-pg-ia-32e-mode",
       "REG-12",
       {"REG-12/ia-32e-mode-too"},
       Unpaged(0x2020, 0x100).Pte(0).Give(kCr0, 0x80000021).Build(),
       Happens()},
      {"reg-12-pae",
       "REG-12",
       {"REG-12/not-by-cr4"},
       With(InPaePaging(), [](Case& c) { c.guest.cr4 = 0; })
           .Give(kCr4, 0x2020)
           .Build(),
       Loads(0x7001)},
      {"reg-12-pge",
       "REG-12",
       {"REG-12/not-by-cr4", "REG-12/pae-only"},
       InPaePaging().Give(kCr4, 0x20a0).Build(),
       Loads(0x7001)},
      {"reg-12-pse",
       "REG-12",
       {"REG-12/not-by-cr4", "REG-12/pae-only"},
       InPaePaging().Give(kCr4, 0x2030).Build(),
       Loads(0x7001)},
      {"reg-12-smep",
       "REG-12",
       {"REG-12/not-by-cr4", "REG-12/pae-only", "REG-12/not-by-smep"},
       With(InPaePaging(), [](Case& c) { c.processor.smep = true; })
           .Give(kCr4, 0x102020)
           .Build(),
       Loads(0x7001)},
      {"reg-12-smap",
       "REG-12",
       {"REG-12/smap-too"},
       With(InPaePaging(), [](Case& c) { c.processor.smap = true; })
           .Give(kCr4, 0x202020)
           .Build(),
       Happens()},
  };
}

std::vector<NamedCase> MsrCases() {
  return {
      {"reg-13-bit-9",
       "REG-13",
       {"REG-13/reserved-off"},
       In64BitMode().Give(kEfer, 0xf00).Build(),
       GeneralProtection()},
      {"reg-13-nxe-not-supported",
       "REG-13",
       {"REG-13/reserved-off", "REG-13/nxe-unchecked"},
       With(In64BitMode(),
            [](Case& c) {
              c.processor.nx = false;
              c.guest.efer = 0x500;
            })
           .Give(kEfer, 0x900)
           .Build(),
       GeneralProtection()},
      {"reg-13-nxe",
       "REG-13",
       {},
       With(In64BitMode(), [](Case& c) { c.guest.efer = 0x500; })
           .Give(kEfer, 0x900)
           .Build(),
       Happens()},
      {"reg-13-lme-cleared",
       "REG-13",
       {"REG-13/lme-off"},
       In64BitMode().Give(kEfer, 0x800).Build(),
       GeneralProtection()},
      {"reg-13-lme-set",
       "REG-13",
       {"REG-13/lme-off", "REG-13/lme-cleared-only"},
       InPaePaging().Give(kEfer, 0x900).Build(),
       GeneralProtection()},
      {"reg-13-lme-without-paging",
       "REG-13",
       {"REG-13/lme-without-paging-too"},
       Unpaged(0x2020, 0).Give(kEfer, 0x100).Build(),
       Happens()},
      {"reg-13-lma",
       "REG-13",
       {"REG-13/lma-refused"},
       InPaePaging().Give(kEfer, 0xc00).Build(),
       Happens()},
      {"reg-13-lma-stays",
       "REG-13",
       {},
       Guest4().Give(kEfer, 0x900).Read(kGla).Build(),
       Reaches(0x20234, 4)},
      {"reg-14-type-2",
       "REG-14",
       {"REG-14/off"},
       In64BitMode().Give(kPat, kResetPat - 4).Build(),
       GeneralProtection()},
      {"reg-14-type-16",
       "REG-14",
       {"REG-14/off", "REG-14/low-bits-only"},
       In64BitMode().Give(kPat, kResetPat | 1ull << 60).Build(),
       GeneralProtection()},
      {"reg-14-uc-minus",
       "REG-14",
       {"REG-14/uc-minus-refused"},
       In64BitMode().Give(kPat, 0x0001040506070406).Build(),
       Happens()},
      {"reg-15-bit-32",
       "REG-15",
       {"REG-15/off"},
       With(In64BitMode(), [](Case& c) { c.processor.pks = true; })
           .Give(kPkrs, 1ull << 32)
           .Build(),
       GeneralProtection()},
      {"reg-15-not-supported",
       "REG-15",
       {"REG-15/off", "REG-15/register-unchecked"},
       In64BitMode().Give(kPkrs, 5).Build(),
       GeneralProtection()},
      {"reg-15-without-cr4-pks",
       "REG-15",
       {"REG-15/needs-cr4-pks"},
       With(In64BitMode(), [](Case& c) { c.processor.pks = true; })
           .Give(kPkrs, 5)
           .Build(),
       Happens()},
  };
}

std::vector<NamedCase> FollowingCases() {
  return {
      {"reg-access-after-pkru",
       "GW-10",
       {"GW-10/off"},
       Guest4()
           .Cr4(0x400000)
           .GuestPte(0x10067 | 1ull << 59)
           .Cpl3()
           .Give(kPkru, 4)
           .Read(kGla)
           .Build(),
       PageFault(0x25)},
      {"reg-access-after-wp",
       "GW-7",
       {},
       Guest4().GuestPte(0x10065).Give(kCr0, 0x80000021).Write(kGla).Build(),
       Reaches(0x20234, 4)},
      {"reg-access-after-cpl",
       "GW-7",
       {"GW-7/user-off"},
       Guest4().GuestPte(0x10063).Give(kCpl, 3).Read(kGla).Build(),
       PageFault(5)},
      {"reg-access-after-ac",
       "GW-9",
       {"GW-9/smap-off"},
       With(Guest4().Cr4(0x200000), [](Case& c) { c.guest.rflags = 0x40002; })
           .Give(kRflags, 2)
           .Read(kGla)
           .Build(),
       PageFault(1)},
      {"reg-access-after-cr3",
       "GW-4",
       {},
       With(Guest4(), [](Case& c) { c.guest.cr3 = 0x10000; })
           .Give(kCr3, 0x14000)
           .Read(kGla)
           .Build(),
       Reaches(0x20234, 4)},
      {"reg-access-after-pdpte-load",
       "GW-3",
       {},
       With(GuestPae(), [](Case& c) { c.guest.pdpte.fill(0); })
           .Word(0x23008, 0x12001)
           .Give(kCr3, 0x13000)
           .Read(kGla32)
           .Build(),
       Reaches(0x20234, 2).Pdptes({0, 0x12001, 0, 0})},
  };
}

}  // namespace

std::vector<NamedCase> RegisterWitnesses() {
  std::vector<NamedCase> cases = VmfuncCases();
  for (auto more : {Cr0Cases(), Cr4Cases(), Cr3Cases(), PdpteCases(),
                    MsrCases(), FollowingCases()}) {
    cases.insert(cases.end(), more.begin(), more.end());
  }
  return cases;
}

}  // namespace eptdiff
