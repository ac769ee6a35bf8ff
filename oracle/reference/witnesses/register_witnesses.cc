// Cases of REG-13 to REG-15: other registers, and accesses that follow a write.
#include "oracle/reference/witnesses/register_scenes.h"
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

using enum GuestRegister;

constexpr std::uint64_t kResetPat = 0x0007'0406'0007'0406;

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
  std::vector<NamedCase> cases = MsrCases();
  const std::vector<NamedCase> more = FollowingCases();
  cases.insert(cases.end(), more.begin(), more.end());
  return cases;
}

}  // namespace eptdiff
