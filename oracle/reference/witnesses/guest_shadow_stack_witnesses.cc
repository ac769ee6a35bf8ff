// Cases of GW-11, and of the rules of EPT for shadow-stack accesses that come
// through the guest's tables: VIO-12, QUAL-10, QUAL-13, QUAL-14. The page
// 10061H is a supervisor-mode shadow-stack page, 10065H a user-mode one: R/W is
// 0 and D is 1. Error codes: 1 P, 2 W/R, 4 U/S, 40H SS.
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kBit60 = std::uint64_t{1} << 60;
constexpr std::uint64_t kCet = 1 << 23;

void Wruss(Step& step) { step.access.wruss = true; }

std::vector<NamedCase> PageCases() {
  return {
      {"gw-11-shadow-stack-32-bit",
       "GW-11",
       {},
       Guest32().Cr4(kCet).GuestPte(0x10061).ShadowStackRead(kGla32).Build(),
       Reaches(0x20234, 2)},
      {"gw-11-shadow-stack-pae",
       "GW-11",
       {},
       GuestPae().Cr4(kCet).GuestPte(0x10061).ShadowStackWrite(kGla32).Build(),
       Reaches(0x20234, 2)},
      {"gw-11-shadow-stack-4-level",
       "GW-11",
       {},
       Guest4().Cr4(kCet).GuestPte(0x10061).ShadowStackWrite(kGla).Build(),
       Reaches(0x20234, 4)},
      {"gw-11-shadow-stack-5-level",
       "GW-11",
       {},
       Guest5()
           .Cr4(kCet)
           .Cpl3()
           .GuestPte(0x10065)
           .ShadowStackRead(kGla)
           .Build(),
       Reaches(0x20234, 5)},
      {"gw-11-token-4-level",
       "GW-11",
       {},
       Guest4().Cr4(kCet).GuestPte(0x10061).ShadowStackToken(kGla).Build(),
       Reaches(0x20234, 4)},
      {"gw-11-token-in-a-writable-page",
       "GW-11",
       {"GW-11/page-off", "GW-11/page-writable-too"},
       Guest4().Cr4(kCet).GuestPte(0x10063).ShadowStackToken(kGla).Build(),
       PageFault(0x43)},
      {"gw-11-writable-page-32-bit",
       "GW-11",
       {"GW-11/page-off", "GW-11/page-writable-too"},
       Guest32().Cr4(kCet).GuestPte(0x10063).ShadowStackWrite(kGla32).Build(),
       PageFault(0x43, kGla32)},
      {"gw-11-writable-page-pae",
       "GW-11",
       {"GW-11/page-off", "GW-11/page-writable-too"},
       GuestPae().Cr4(kCet).GuestPte(0x10063).ShadowStackRead(kGla32).Build(),
       PageFault(0x41, kGla32)},
      {"gw-11-writable-page-4-level",
       "GW-11",
       {"GW-11/page-off", "GW-11/page-writable-too"},
       Guest4().Cr4(kCet).GuestPte(0x10063).ShadowStackWrite(kGla).Build(),
       PageFault(0x43)},
      {"gw-11-writable-page-5-level",
       "GW-11",
       {"GW-11/page-off", "GW-11/page-writable-too"},
       Guest5().Cr4(kCet).Cpl3().ShadowStackRead(kGla).Build(),
       PageFault(0x45)},
      {"gw-11-clean-page-4-level",
       "GW-11",
       {"GW-11/page-off", "GW-11/page-dirty-not-needed"},
       Guest4().Cr4(kCet).GuestPte(0x10021).ShadowStackWrite(kGla).Build(),
       PageFault(0x43)},
      {"gw-11-clean-page-32-bit",
       "GW-11",
       {"GW-11/page-dirty-not-needed"},
       Guest32().Cr4(kCet).GuestPte(0x10021).ShadowStackRead(kGla32).Build(),
       PageFault(0x41, kGla32)},
      {"gw-11-read-only-table-32-bit",
       "GW-11",
       {"GW-11/page-leaf-only"},
       Guest32()
           .Cr4(kCet)
           .GuestPde(0x11025)
           .GuestPte(0x10061)
           .ShadowStackRead(kGla32)
           .Build(),
       PageFault(0x41, kGla32)},
      {"gw-11-read-only-table-pae",
       "GW-11",
       {"GW-11/page-leaf-only"},
       GuestPae()
           .Cr4(kCet)
           .GuestPde(0x11025)
           .GuestPte(0x10061)
           .ShadowStackRead(kGla32)
           .Build(),
       PageFault(0x41, kGla32)},
      {"gw-11-read-only-table-4-level",
       "GW-11",
       {"GW-11/page-leaf-only"},
       Guest4()
           .Cr4(kCet)
           .GuestPml4e(0x13025)
           .GuestPte(0x10061)
           .ShadowStackWrite(kGla)
           .Build(),
       PageFault(0x43)},
      {"gw-11-read-only-table-5-level",
       "GW-11",
       {"GW-11/page-leaf-only"},
       Guest5()
           .Cr4(kCet)
           .GuestPml5e(0x14025)
           .GuestPte(0x10061)
           .ShadowStackWrite(kGla)
           .Build(),
       PageFault(0x43)},
  };
}

std::vector<NamedCase> ModeCases() {
  return {
      {"gw-11-user-access-to-supervisor-page",
       "GW-11",
       {"GW-11/mode-off", "GW-11/mode-user-to-supervisor"},
       Guest4()
           .Cr4(kCet)
           .Cpl3()
           .GuestPte(0x10061)
           .ShadowStackRead(kGla)
           .Build(),
       PageFault(0x45)},
      {"gw-11-user-access-to-supervisor-page-32-bit",
       "GW-11",
       {"GW-11/mode-off", "GW-11/mode-user-to-supervisor"},
       Guest32()
           .Cr4(kCet)
           .Cpl3()
           .GuestPte(0x10061)
           .ShadowStackRead(kGla32)
           .Build(),
       PageFault(0x45, kGla32)},
      {"gw-11-supervisor-access-to-user-page",
       "GW-11",
       {"GW-11/mode-off", "GW-11/mode-supervisor-to-user"},
       Guest4().Cr4(kCet).GuestPte(0x10065).ShadowStackWrite(kGla).Build(),
       PageFault(0x43)},
      {"gw-11-supervisor-access-to-user-page-pae",
       "GW-11",
       {"GW-11/mode-off", "GW-11/mode-supervisor-to-user"},
       GuestPae().Cr4(kCet).GuestPte(0x10065).ShadowStackRead(kGla32).Build(),
       PageFault(0x41, kGla32)},
      {"gw-11-supervisor-table",
       "GW-11",
       {"GW-11/mode-leaf-only"},
       Guest5()
           .Cr4(kCet)
           .GuestPde(0x11023)
           .GuestPte(0x10065)
           .ShadowStackWrite(kGla)
           .Build(),
       Reaches(0x20234, 5)},
      {"gw-11-wruss-to-user-page",
       "GW-11",
       {"GW-11/mode-wruss-is-supervisor"},
       Guest4()
           .Cr4(kCet)
           .GuestPte(0x10065)
           .ShadowStackWrite(kGla)
           .But(Wruss)
           .Build(),
       Reaches(0x20234, 4)},
      {"gw-11-wruss-to-supervisor-page",
       "GW-11",
       {"GW-11/mode-wruss-is-supervisor", "GW-18/user-by-cpl"},
       Guest4()
           .Cr4(kCet)
           .GuestPte(0x10061)
           .ShadowStackWrite(kGla)
           .But(Wruss)
           .Build(),
       PageFault(0x47)},
  };
}

// Qualifications: bits 0 and 1 for the access, 5:3 for what EPT allows, 7 and
// 8; bits 10 and 9 are 0 for a read-only, supervisor-mode page; bit 13, bit 14.
std::vector<NamedCase> EptCases() {
  return {
      {"vio-12-guest-tables-need-no-bit-60",
       "VIO-12",
       {},
       Guest4()
           .SupervisorShadowStack()
           .Cr4(kCet)
           .Pte(kBit60 | 0x20035)
           .GuestPte(0x10061)
           .ShadowStackWrite(kGla)
           .Build(),
       Reaches(0x20234, 4)},
      {"vio-12-bit-60-clear-linear",
       "VIO-12",
       {"VIO-12/off", "VIO-12/bit-60-unchecked"},
       Guest4()
           .SupervisorShadowStack()
           .Cr4(kCet)
           .GuestPte(0x10061)
           .ShadowStackRead(kGla)
           .Build(),
       Violation(0x21b9, 0x10234)},
      {"vio-12-wruss-linear",
       "VIO-12",
       {},
       Guest4()
           .SupervisorShadowStack()
           .Cr4(kCet)
           .GuestPte(0x10065)
           .ShadowStackWrite(kGla)
           .But(Wruss)
           .Build(),
       Reaches(0x20234, 4)},
      {"qual-13-final-access",
       "QUAL-13",
       {"QUAL-13/with-control-only"},
       Guest4()
           .Cr4(kCet)
           .Pte(0x20035)
           .GuestPte(0x10061)
           .ShadowStackWrite(kGla)
           .Build(),
       Violation(0x21aa, 0x10234)},
      {"qual-13-page-walk",
       "QUAL-13",
       {"QUAL-13/page-walk-too"},
       Guest4().Cr4(kCet).EptPte(0x11000, 0).ShadowStackRead(kGla).Build(),
       Violation(0x81, 0x11aa8).At(kGla)},
  };
}

}  // namespace

std::vector<NamedCase> GuestShadowStackWitnesses() {
  std::vector<NamedCase> cases = PageCases();
  for (auto more : {ModeCases(), EptCases()}) {
    cases.insert(cases.end(), more.begin(), more.end());
  }
  return cases;
}

}  // namespace eptdiff
