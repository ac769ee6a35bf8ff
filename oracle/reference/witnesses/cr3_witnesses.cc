// Cases of REG-10 to REG-12: MOV to CR3, and PDPTEs loaded by any MOV to CR.
#include "oracle/reference/witnesses/register_scenes.h"
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

using enum GuestRegister;

Answer Loads(std::uint64_t pdpte0) {
  return Happens().Pdptes({pdpte0, 0, 0, 0});
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
       {"REG-12/wp-too", "REG-12/by-any-mov-to-cr0"},
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
       {"REG-12/smap-too", "REG-12/by-what-flushes"},
       With(InPaePaging(), [](Case& c) { c.processor.smap = true; })
           .Give(kCr4, 0x202020)
           .Build(),
       Happens()},
  };
}

}  // namespace

std::vector<NamedCase> Cr3Witnesses() {
  std::vector<NamedCase> cases = Cr3Cases();
  const std::vector<NamedCase> more = PdpteCases();
  cases.insert(cases.end(), more.begin(), more.end());
  return cases;
}

}  // namespace eptdiff
