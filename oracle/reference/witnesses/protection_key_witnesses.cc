// Cases of GW-10 and of the PK bit (GW-18). The pages have protection key 1,
// whose AD is bit 2 and whose WD is bit 3 of PKRU and IA32_PKRS. Error codes: 1
// P, 2 W/R, 4 U/S, 8 RSVD, 20H PK, 40H SS.
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kKey1 = std::uint64_t{1} << 59;
constexpr std::uint64_t kUserPage = kKey1 | 0x10067;
constexpr std::uint64_t kSupervisorPage = kKey1 | 0x10063;
constexpr std::uint32_t kAd = 4;
constexpr std::uint32_t kWd = 8;
constexpr std::uint64_t kSmap = 1 << 21;
constexpr std::uint64_t kPke = 1 << 22;
constexpr std::uint64_t kCet = 1 << 23;
constexpr std::uint64_t kPks = 1 << 24;

void WriteProtectOff(Case& c) { c.guest.cr0 = 0x80000001; }
void Implicit(Step& step) { step.access.implicit_supervisor = true; }

CaseBuilder Pkru(CaseBuilder builder, std::uint32_t rights) {
  return builder.Cr4(kPke).With([=](Case& c) { c.guest.pkru = rights; });
}
CaseBuilder Pkrs(CaseBuilder builder, std::uint32_t rights) {
  return builder.Cr4(kPks).With([=](Case& c) { c.guest.pkrs = rights; });
}

std::vector<NamedCase> UserPageCases() {
  return {
      {"gw-10-access-disable-at-cpl-3",
       "GW-10",
       {"GW-10/off", "GW-18/key-never"},
       Pkru(Guest5(), kAd).Cpl3().GuestPte(kUserPage).Read(kGla).Build(),
       PageFault(0x25)},
      {"gw-10-write-disable",
       "GW-10",
       {"GW-10/off", "GW-10/write-disable-for-user-only",
        "GW-10/supervisor-exempt", "GW-10/by-cpl"},
       Pkru(Guest4(), kWd).GuestPte(kUserPage).Write(kGla).Build(),
       PageFault(0x23)},
      {"gw-10-write-disable-read-modify-write",
       "GW-10",
       {"GW-10/read-modify-write-as-read"},
       Pkru(Guest4(), kWd).GuestPte(kUserPage).ReadModifyWrite(kGla).Build(),
       PageFault(0x23)},
      {"gw-10-write-disable-write-protect-off",
       "GW-10",
       {"GW-10/pkru-write-protect-ignored"},
       Pkru(Guest4(), kWd)
           .With(WriteProtectOff)
           .GuestPte(kUserPage)
           .Write(kGla)
           .Build(),
       Reaches(0x20234, 4)},
      {"gw-10-write-disable-write-protect-off-user",
       "GW-10",
       {"GW-10/off"},
       Pkru(Guest5(), kWd)
           .With(WriteProtectOff)
           .Cpl3()
           .GuestPte(kUserPage)
           .Write(kGla)
           .Build(),
       PageFault(0x27)},
      {"gw-10-write-disable-read",
       "GW-10",
       {},
       Pkru(Guest4(), kWd).Cpl3().GuestPte(kUserPage).Read(kGla).Build(),
       Reaches(0x20234, 4)},
      {"gw-10-other-key",
       "GW-10",
       {},
       Pkru(Guest4(), 0xfffffff3).GuestPte(kUserPage).Write(kGla).Build(),
       Reaches(0x20234, 4)},
      {"gw-10-pke-clear",
       "GW-10",
       {"GW-10/enabled-always"},
       Guest4()
           .With([](Case& c) { c.guest.pkru = kAd; })
           .GuestPte(kUserPage)
           .Read(kGla)
           .Build(),
       Reaches(0x20234, 4)},
      {"gw-10-fetch",
       "GW-10",
       {"GW-10/fetches-too"},
       Pkru(Guest4(), kAd).Cpl3().GuestPte(kUserPage).Fetch(kGla).Build(),
       Reaches(0x20234, 4)},
      // The key is that of the entry that maps the page.
      {"gw-10-2-mbyte-page",
       "GW-10",
       {"GW-10/off"},
       Pkru(Guest4(), kAd).Cpl3().GuestPde(kKey1 | 0xe7).Read(kGla).Build(),
       PageFault(0x25)},
      {"gw-10-1-gbyte-page",
       "GW-10",
       {"GW-10/off"},
       Pkru(Guest5(), kAd).Cpl3().GuestPdpte(kKey1 | 0xe7).Read(kGla).Build(),
       PageFault(0x25)},
      {"gw-10-key-of-a-table",
       "GW-10",
       {},
       Pkru(Guest4(), kAd).GuestPde(kKey1 | 0x11027).Read(kGla).Build(),
       Reaches(0x20234, 4)},
      // AD of key 0, which pages would have in modes without keys.
      {"gw-10-32-bit",
       "GW-10",
       {"GW-10/32-bit-paging-too"},
       Pkru(Guest32(), 1).Read(kGla32).Build(),
       Reaches(0x20234, 2)},
      {"gw-10-pae",
       "GW-10",
       {"GW-10/pae-too"},
       Pkru(GuestPae(), 1).Cpl3().Read(kGla32).Build(),
       Reaches(0x20234, 2)},
      // A user-mode shadow-stack page: R/W = 0, D = 1.
      {"gw-10-shadow-stack",
       "GW-10",
       {"GW-10/shadow-stacks-exempt"},
       Pkru(Guest4(), kAd)
           .Cr4(kCet)
           .Cpl3()
           .GuestPte(kKey1 | 0x10065)
           .ShadowStackRead(kGla)
           .Build(),
       PageFault(0x65)},
  };
}

std::vector<NamedCase> SupervisorPageCases() {
  return {
      {"gw-10-pkrs-access-disable",
       "GW-10",
       {"GW-10/off", "GW-10/pkrs-never", "GW-10/by-upper-entries"},
       Pkrs(Guest4(), kAd).GuestPte(kSupervisorPage).Read(kGla).Build(),
       PageFault(0x21)},
      {"gw-10-pkrs-write-disable",
       "GW-10",
       {"GW-10/off", "GW-10/pkrs-never", "GW-10/write-disable-for-user-only"},
       Pkrs(Guest5(), kWd).GuestPte(kSupervisorPage).Write(kGla).Build(),
       PageFault(0x23)},
      {"gw-10-pkrs-write-disable-write-protect-off",
       "GW-10",
       {"GW-10/pkrs-write-protect-ignored"},
       Pkrs(Guest4(), kWd)
           .With(WriteProtectOff)
           .GuestPte(kSupervisorPage)
           .Write(kGla)
           .Build(),
       Reaches(0x20234, 4)},
      // Supervisor-mode by its PDE.
      {"gw-10-pkrs-supervisor-table",
       "GW-10",
       {"GW-10/pkrs-never"},
       Pkrs(Guest4(), kAd)
           .GuestPde(0x11023)
           .GuestPte(kUserPage)
           .Read(kGla)
           .Build(),
       PageFault(0x21)},
      {"gw-10-pkrs-implicit-access-at-cpl-3",
       "GW-10",
       {"GW-10/by-cpl"},
       Pkrs(Guest4(), kAd)
           .Cpl3()
           .GuestPte(kSupervisorPage)
           .Read(kGla)
           .But(Implicit)
           .Build(),
       PageFault(0x21)},
      {"gw-10-pkru-supervisor-page",
       "GW-10",
       {"GW-10/pkru-for-every-page"},
       Pkru(Guest4(), kAd).GuestPte(kSupervisorPage).Read(kGla).Build(),
       Reaches(0x20234, 4)},
      {"gw-10-pks-clear",
       "GW-10",
       {"GW-10/enabled-always"},
       Guest5()
           .With([](Case& c) { c.guest.pkrs = kAd; })
           .GuestPte(kSupervisorPage)
           .Read(kGla)
           .Build(),
       Reaches(0x20234, 5)},
      {"gw-10-pkrs-fetch",
       "GW-10",
       {"GW-10/fetches-too"},
       Pkrs(Guest4(), kAd).GuestPte(kSupervisorPage).Fetch(kGla).Build(),
       Reaches(0x20234, 4)},
  };
}

// PK stands beside every other reason, but not where there is no translation.
std::vector<NamedCase> ErrorCases() {
  return {
      {"gw-18-key-of-a-read-only-page",
       "GW-18",
       {"GW-18/key-alone", "GW-18/key-never"},
       Pkru(Guest4(), kAd).Cpl3().GuestPte(kKey1 | 0x10065).Write(kGla).Build(),
       PageFault(0x27)},
      {"gw-18-key-under-smap",
       "GW-18",
       {"GW-18/key-alone"},
       Pkru(Guest4(), kWd).Cr4(kSmap).GuestPte(kUserPage).Write(kGla).Build(),
       PageFault(0x23)},
      {"gw-18-key-of-a-supervisor-page",
       "GW-18",
       {"GW-18/key-alone"},
       Pkrs(Guest5(), kAd).Cpl3().GuestPte(kSupervisorPage).Read(kGla).Build(),
       PageFault(0x25)},
      {"gw-18-key-allows",
       "GW-18",
       {},
       Pkru(Guest4(), kWd).Cr4(kSmap).GuestPte(kUserPage).Read(kGla).Build(),
       PageFault(1)},
      {"gw-18-key-not-present",
       "GW-18",
       {"GW-18/key-without-translation"},
       Pkru(Guest4(), kAd).GuestPte(kKey1 | 0x10066).Read(kGla).Build(),
       PageFault(0)},
      {"gw-18-key-reserved-bit",
       "GW-18",
       {"GW-18/key-without-translation"},
       Pkru(Guest5(), kAd)
           .Cpl3()
           .GuestPte(kKey1 | 0x0008'0000'0001'0067)
           .Read(kGla)
           .Build(),
       PageFault(0xd)},
  };
}

}  // namespace

std::vector<NamedCase> ProtectionKeyWitnesses() {
  std::vector<NamedCase> cases = UserPageCases();
  for (auto more : {SupervisorPageCases(), ErrorCases()}) {
    cases.insert(cases.end(), more.begin(), more.end());
  }
  return cases;
}

}  // namespace eptdiff
