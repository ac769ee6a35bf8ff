// Cases of the error code where it does not follow from the rule that refuses:
// I/D (GW-8), and W/R, U/S and SS without a translation (GW-18). Error codes: 1
// P, 2 W/R, 4 U/S, 8 RSVD, 10H I/D, 40H SS.
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kBit51 = std::uint64_t{1} << 51;
constexpr std::uint64_t kSmep = 1 << 20;
constexpr std::uint64_t kCet = 1 << 23;

void ExecuteDisableOff(Case& c) { c.guest.efer &= 0x500; }
void Implicit(Step& step) { step.access.implicit_supervisor = true; }

std::vector<NamedCase> FetchCases() {
  return {
      // IA32_EFER.NXE is 1, but CR4.PAE is 0.
      {"gw-8-error-32-bit",
       "GW-8",
       {"GW-8/error-always", "GW-8/error-with-nxe-without-pae"},
       Guest32().GuestPte(0).Fetch(kGla32).Build(),
       PageFault(0, kGla32)},
      {"gw-8-error-32-bit-smep",
       "GW-8",
       {"GW-8/error-never", "GW-8/error-with-nxe-only"},
       Guest32()
           .With(ExecuteDisableOff)
           .Cr4(kSmep)
           .Cpl3()
           .GuestPde(0)
           .Fetch(kGla32)
           .Build(),
       PageFault(0x14, kGla32)},
      {"gw-8-error-pae-nxe-off",
       "GW-8",
       {"GW-8/error-always"},
       GuestPae().With(ExecuteDisableOff).GuestPte(0).Fetch(kGla32).Build(),
       PageFault(0, kGla32)},
      {"gw-8-error-pae",
       "GW-8",
       {"GW-8/error-with-smep-only"},
       GuestPae().GuestPde(0).Fetch(kGla32).Build(),
       PageFault(0x10, kGla32)},
      // In the PDPTE register, too.
      {"gw-8-error-pae-register",
       "GW-8",
       {"GW-8/error-never"},
       GuestPae()
           .With([](Case& c) { c.guest.pdpte[1] = 0; })
           .Fetch(kGla32)
           .Build(),
       PageFault(0x10, kGla32)},
      {"gw-8-error-4-level-nxe-off",
       "GW-8",
       {"GW-8/error-always"},
       Guest4()
           .With(ExecuteDisableOff)
           .Cpl3()
           .GuestPte(0x10063)
           .Fetch(kGla)
           .Build(),
       PageFault(5)},
      {"gw-8-error-4-level-smep",
       "GW-8",
       {"GW-8/error-with-nxe-only"},
       Guest4()
           .With(ExecuteDisableOff)
           .Cr4(kSmep)
           .GuestPte(0)
           .Fetch(kGla)
           .Build(),
       PageFault(0x10)},
      {"gw-8-error-5-level",
       "GW-8",
       {"GW-8/error-with-smep-only"},
       Guest5().GuestPml5e(kBit51 | 0x14027).Fetch(kGla).Build(),
       PageFault(0x19)},
  };
}

std::vector<NamedCase> UntranslatedCases() {
  return {
      {"gw-18-not-present-32-bit",
       "GW-18",
       {"GW-18/write-rights-only", "GW-18/user-rights-only"},
       Guest32().Cpl3().GuestPte(0).Write(kGla32).Build(),
       PageFault(6, kGla32)},
      {"gw-18-not-present-pae",
       "GW-18",
       {"GW-18/write-rights-only", "GW-18/user-rights-only"},
       GuestPae().Cpl3().GuestPde(0).Write(kGla32).Build(),
       PageFault(6, kGla32)},
      {"gw-18-not-present-4-level",
       "GW-18",
       {"GW-18/write-rights-only", "GW-18/user-rights-only"},
       Guest4().Cpl3().GuestPml4e(0).Write(kGla).Build(),
       PageFault(6)},
      {"gw-18-not-present-5-level",
       "GW-18",
       {"GW-18/write-rights-only", "GW-18/user-rights-only"},
       Guest5().Cpl3().GuestPdpte(0).Write(kGla).Build(),
       PageFault(6)},
      {"gw-18-reserved-bit",
       "GW-18",
       {},
       Guest4().Cpl3().GuestPte(kBit51 | 0x10067).Write(kGla).Build(),
       PageFault(0xf)},
      {"gw-18-read-modify-write",
       "GW-18",
       {"GW-18/write-read-modify-write-as-read"},
       Guest4().GuestPte(0).ReadModifyWrite(kGla).Build(),
       PageFault(2)},
      // The entries above are user-mode ones.
      {"gw-18-supervisor-access",
       "GW-18",
       {"GW-18/user-by-page"},
       Guest4().GuestPte(0).Read(kGla).Build(),
       PageFault(0)},
      {"gw-18-implicit-access-at-cpl-3",
       "GW-18",
       {"GW-18/user-by-cpl"},
       Guest32().Cpl3().GuestPde(0).Read(kGla32).But(Implicit).Build(),
       PageFault(0, kGla32)},
      {"gw-18-shadow-stack",
       "GW-18",
       {"GW-18/shadowstack-never", "GW-18/shadowstack-rights-only",
        "GW-18/write-not-for-shadow-stacks"},
       Guest4().Cr4(kCet).Cpl3().GuestPte(0).ShadowStackWrite(kGla).Build(),
       PageFault(0x46)},
      {"gw-18-shadow-stack-32-bit",
       "GW-18",
       {"GW-18/shadowstack-never", "GW-18/shadowstack-rights-only"},
       Guest32().Cr4(kCet).GuestPde(0).ShadowStackRead(kGla32).Build(),
       PageFault(0x40, kGla32)},
  };
}

}  // namespace

std::vector<NamedCase> ErrorCodeWitnesses() {
  std::vector<NamedCase> cases = FetchCases();
  const std::vector<NamedCase> more = UntranslatedCases();
  cases.insert(cases.end(), more.begin(), more.end());
  return cases;
}

}  // namespace eptdiff
