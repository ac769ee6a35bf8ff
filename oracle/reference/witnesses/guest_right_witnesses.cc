// Cases of GW-7, GW-8 and GW-9: U/S, R/W and XD of the guest entries, SMEP and
// SMAP. Error codes: 1 P, 2 W/R, 4 U/S, 10H I/D.
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kXd = std::uint64_t{1} << 63;
constexpr std::uint64_t kSmep = 1 << 20;
constexpr std::uint64_t kSmap = 1 << 21;
constexpr std::uint64_t kCet = 1 << 23;

void WriteProtectOff(Case& c) { c.guest.cr0 = 0x80000001; }
void ExecuteDisableOff(Case& c) { c.guest.efer &= 0x500; }
void AlignmentCheck(Case& c) { c.guest.rflags = 0x40000; }
void Implicit(Step& step) { step.access.implicit_supervisor = true; }

// GW-7, U/S: the page 10063H and the tables 11023H ... are supervisor-mode.
std::vector<NamedCase> UserCases() {
  return {
      {"gw-7-supervisor-page-32-bit",
       "GW-7",
       {"GW-7/user-off", "GW-18/user-by-page"},
       Guest32().Cpl3().GuestPte(0x10063).Read(kGla32).Build(),
       PageFault(5, kGla32)},
      {"gw-7-supervisor-page-pae",
       "GW-7",
       {"GW-7/user-off"},
       GuestPae().Cpl3().GuestPte(0x10063).Read(kGla32).Build(),
       PageFault(5, kGla32)},
      {"gw-7-supervisor-page-4-level",
       "GW-7",
       {"GW-7/user-off"},
       Guest4().Cpl3().GuestPte(0x10063).Read(kGla).Build(),
       PageFault(5)},
      {"gw-7-supervisor-page-5-level",
       "GW-7",
       {"GW-7/user-off"},
       Guest5().Cpl3().GuestPte(0x10063).Fetch(kGla).Build(),
       PageFault(0x15)},
      {"gw-7-supervisor-table-32-bit",
       "GW-7",
       {"GW-7/user-leaf-only"},
       Guest32().Cpl3().GuestPde(0x11023).Read(kGla32).Build(),
       PageFault(5, kGla32)},
      {"gw-7-supervisor-table-pae",
       "GW-7",
       {"GW-7/user-leaf-only"},
       GuestPae().Cpl3().GuestPde(0x11023).Write(kGla32).Build(),
       PageFault(7, kGla32)},
      {"gw-7-supervisor-table-4-level",
       "GW-7",
       {"GW-7/user-leaf-only"},
       Guest4().Cpl3().GuestPml4e(0x13023).Read(kGla).Build(),
       PageFault(5)},
      {"gw-7-supervisor-table-5-level",
       "GW-7",
       {"GW-7/user-leaf-only"},
       Guest5().Cpl3().GuestPml5e(0x14023).Read(kGla).Build(),
       PageFault(5)},
      {"gw-7-implicit-access-at-cpl-3",
       "GW-7",
       {"GW-7/user-by-cpl"},
       Guest4().Cpl3().GuestPte(0x10063).Read(kGla).But(Implicit).Build(),
       Reaches(0x20234, 4)},
      {"gw-7-implicit-access-at-cpl-3-32-bit",
       "GW-7",
       {"GW-7/user-by-cpl"},
       Guest32().Cpl3().GuestPde(0x11023).Read(kGla32).But(Implicit).Build(),
       Reaches(0x20234, 2)},
      {"gw-7-cpl-2-is-supervisor",
       "GW-7",
       {},
       Guest4()
           .With([](Case& c) { c.guest.cpl = 2; })
           .GuestPte(0x10063)
           .Write(kGla)
           .Build(),
       Reaches(0x20234, 4)},
  };
}

// GW-7, R/W: the page 10065H and the tables 11025H ... are read-only.
std::vector<NamedCase> WriteCases() {
  return {
      {"gw-7-read-only-page-32-bit",
       "GW-7",
       {"GW-7/write-off", "GW-7/write-protect-ignored"},
       Guest32().GuestPte(0x10065).Write(kGla32).Build(),
       PageFault(3, kGla32)},
      {"gw-7-read-only-page-pae",
       "GW-7",
       {"GW-7/write-off", "GW-7/write-protect-ignored"},
       GuestPae().GuestPte(0x10065).Write(kGla32).Build(),
       PageFault(3, kGla32)},
      {"gw-7-read-only-page-4-level",
       "GW-7",
       {"GW-7/write-off", "GW-7/write-protect-ignored"},
       Guest4().GuestPte(0x10065).Write(kGla).Build(),
       PageFault(3)},
      {"gw-7-read-only-page-5-level",
       "GW-7",
       {"GW-7/write-off", "GW-7/write-protect-ignored"},
       Guest5().GuestPte(0x10065).Write(kGla).Build(),
       PageFault(3)},
      {"gw-7-read-only-table-32-bit",
       "GW-7",
       {"GW-7/write-leaf-only"},
       Guest32().Cpl3().GuestPde(0x11025).Write(kGla32).Build(),
       PageFault(7, kGla32)},
      {"gw-7-read-only-table-pae",
       "GW-7",
       {"GW-7/write-leaf-only"},
       GuestPae().GuestPde(0x11025).Write(kGla32).Build(),
       PageFault(3, kGla32)},
      {"gw-7-read-only-table-4-level",
       "GW-7",
       {"GW-7/write-leaf-only"},
       Guest4().GuestPdpte(0x12025).Write(kGla).Build(),
       PageFault(3)},
      {"gw-7-read-only-table-5-level",
       "GW-7",
       {"GW-7/write-leaf-only"},
       Guest5().GuestPml5e(0x14025).Write(kGla).Build(),
       PageFault(3)},
      {"gw-7-read-of-read-only-page",
       "GW-7",
       {},
       Guest4().Cpl3().GuestPte(0x10065).Read(kGla).Build(),
       Reaches(0x20234, 4)},
      {"gw-7-write-protect-off-32-bit",
       "GW-7",
       {"GW-7/write-protect-always"},
       Guest32().With(WriteProtectOff).GuestPde(0x11025).Write(kGla32).Build(),
       Reaches(0x20234, 2)},
      {"gw-7-write-protect-off-pae",
       "GW-7",
       {"GW-7/write-protect-always"},
       GuestPae().With(WriteProtectOff).GuestPte(0x10065).Write(kGla32).Build(),
       Reaches(0x20234, 2)},
      {"gw-7-write-protect-off-4-level",
       "GW-7",
       {"GW-7/write-protect-always"},
       Guest4().With(WriteProtectOff).GuestPte(0x10065).Write(kGla).Build(),
       Reaches(0x20234, 4)},
      {"gw-7-write-protect-off-5-level",
       "GW-7",
       {"GW-7/write-protect-always"},
       Guest5().With(WriteProtectOff).GuestPte(0x10065).Write(kGla).Build(),
       Reaches(0x20234, 5)},
      {"gw-7-write-protect-off-user",
       "GW-7",
       {"GW-7/write-protect-for-user-too"},
       Guest4()
           .With(WriteProtectOff)
           .Cpl3()
           .GuestPte(0x10065)
           .Write(kGla)
           .Build(),
       PageFault(7)},
      {"gw-7-read-modify-write",
       "GW-7",
       {"GW-7/read-modify-write-as-read"},
       Guest4().GuestPte(0x10065).ReadModifyWrite(kGla).Build(),
       PageFault(3)},
      // R/W = 0 and D = 1.
      {"gw-7-write-to-shadow-stack-page",
       "GW-7",
       {"GW-7/shadow-stack-page-writable"},
       Guest4().Cr4(kCet).GuestPte(0x10061).Write(kGla).Build(),
       PageFault(3)},
  };
}

std::vector<NamedCase> ExecuteDisableCases() {
  return {
      {"gw-8-execute-disable-page-pae",
       "GW-8",
       {"GW-8/fetch-off"},
       GuestPae().Cpl3().GuestPte(kXd | 0x10067).Fetch(kGla32).Build(),
       PageFault(0x15, kGla32)},
      {"gw-8-execute-disable-page-4-level",
       "GW-8",
       {"GW-8/fetch-off", "GW-8/error-never", "GW-8/error-with-smep-only"},
       Guest4().Cpl3().GuestPte(kXd | 0x10067).Fetch(kGla).Build(),
       PageFault(0x15)},
      {"gw-8-execute-disable-page-5-level",
       "GW-8",
       {"GW-8/fetch-off", "GW-8/user-fetches-only"},
       Guest5().GuestPte(kXd | 0x10067).Fetch(kGla).Build(),
       PageFault(0x11)},
      {"gw-8-execute-disable-table-pae",
       "GW-8",
       {"GW-8/leaf-only", "GW-8/user-fetches-only"},
       GuestPae().GuestPde(kXd | 0x11027).Fetch(kGla32).Build(),
       PageFault(0x11, kGla32)},
      {"gw-8-execute-disable-table-4-level",
       "GW-8",
       {"GW-8/leaf-only", "GW-8/user-fetches-only"},
       Guest4().GuestPml4e(kXd | 0x13027).Fetch(kGla).Build(),
       PageFault(0x11)},
      {"gw-8-execute-disable-table-5-level",
       "GW-8",
       {"GW-8/leaf-only"},
       Guest5().Cpl3().GuestPml5e(kXd | 0x14027).Fetch(kGla).Build(),
       PageFault(0x15)},
      {"gw-8-read-of-execute-disable-page",
       "GW-8",
       {},
       Guest4().GuestPte(kXd | 0x10067).Read(kGla).Build(),
       Reaches(0x20234, 4)},
      // There is no XD flag in 32-bit paging.
      {"gw-8-fetch-32-bit",
       "GW-8",
       {},
       Guest32().Cpl3().Fetch(kGla32).Build(),
       Reaches(0x20234, 2)},
  };
}

// The pages are user-mode ones unless a table entry says otherwise.
std::vector<NamedCase> SmepCases() {
  return {
      {"gw-9-smep-32-bit",
       "GW-9",
       {"GW-9/smep-off", "GW-9/smep-needs-nxe",
        "GW-9/smep-not-in-32-bit-paging", "GW-8/error-with-nxe-only"},
       Guest32().With(ExecuteDisableOff).Cr4(kSmep).Fetch(kGla32).Build(),
       PageFault(0x11, kGla32)},
      {"gw-9-smep-pae",
       "GW-9",
       {"GW-9/smep-off", "GW-9/smep-needs-nxe"},
       GuestPae().With(ExecuteDisableOff).Cr4(kSmep).Fetch(kGla32).Build(),
       PageFault(0x11, kGla32)},
      {"gw-9-smep-4-level",
       "GW-9",
       {"GW-9/smep-off", "GW-9/smep-needs-nxe", "GW-8/error-with-nxe-only"},
       Guest4().With(ExecuteDisableOff).Cr4(kSmep).Fetch(kGla).Build(),
       PageFault(0x11)},
      {"gw-9-smep-5-level",
       "GW-9",
       {"GW-9/smep-off"},
       Guest5().Cr4(kSmep).Fetch(kGla).Build(),
       PageFault(0x11)},
      {"gw-9-smep-supervisor-table-32-bit",
       "GW-9",
       {"GW-9/smep-leaf-only"},
       Guest32().Cr4(kSmep).GuestPde(0x11023).Fetch(kGla32).Build(),
       Reaches(0x20234, 2)},
      {"gw-9-smep-supervisor-table-4-level",
       "GW-9",
       {"GW-9/smep-leaf-only"},
       Guest4().Cr4(kSmep).GuestPml4e(0x13023).Fetch(kGla).Build(),
       Reaches(0x20234, 4)},
      {"gw-9-smep-user-fetch",
       "GW-9",
       {},
       Guest4().Cr4(kSmep).Cpl3().Fetch(kGla).Build(),
       Reaches(0x20234, 4)},
      {"gw-9-smep-read",
       "GW-9",
       {},
       Guest4().Cr4(kSmep).Read(kGla).Build(),
       Reaches(0x20234, 4)},
      {"gw-9-smep-clear",
       "GW-9",
       {},
       Guest4().Fetch(kGla).Build(),
       Reaches(0x20234, 4)},
  };
}

std::vector<NamedCase> SmapCases() {
  return {
      {"gw-9-smap-32-bit",
       "GW-9",
       {"GW-9/smap-off", "GW-9/smap-writes-only"},
       Guest32().Cr4(kSmap).Read(kGla32).Build(),
       PageFault(1, kGla32)},
      {"gw-9-smap-pae",
       "GW-9",
       {"GW-9/smap-off", "GW-9/smap-writes-only"},
       GuestPae().Cr4(kSmap).Read(kGla32).Build(),
       PageFault(1, kGla32)},
      {"gw-9-smap-4-level",
       "GW-9",
       {"GW-9/smap-off", "GW-9/smap-writes-only"},
       Guest4().Cr4(kSmap).Read(kGla).Build(),
       PageFault(1)},
      {"gw-9-smap-5-level",
       "GW-9",
       {"GW-9/smap-off"},
       Guest5().Cr4(kSmap).Write(kGla).Build(),
       PageFault(3)},
      {"gw-9-smap-write-protect-off",
       "GW-9",
       {"GW-9/smap-off"},
       Guest4().With(WriteProtectOff).Cr4(kSmap).Write(kGla).Build(),
       PageFault(3)},
      {"gw-9-smap-ac",
       "GW-9",
       {"GW-9/smap-ac-ignored"},
       Guest4().Cr4(kSmap).With(AlignmentCheck).Write(kGla).Build(),
       Reaches(0x20234, 4)},
      {"gw-9-smap-ac-32-bit",
       "GW-9",
       {"GW-9/smap-ac-ignored"},
       Guest32().Cr4(kSmap).With(AlignmentCheck).Read(kGla32).Build(),
       Reaches(0x20234, 2)},
      {"gw-9-smap-ac-does-not-lift-write-protect",
       "GW-9",
       {},
       Guest4()
           .Cr4(kSmap)
           .With(AlignmentCheck)
           .GuestPte(0x10065)
           .Write(kGla)
           .Build(),
       PageFault(3)},
      {"gw-9-smap-implicit",
       "GW-9",
       {"GW-9/smap-implicit-with-ac", "GW-9/smap-not-for-implicit",
        "GW-18/user-by-cpl"},
       Guest4()
           .Cr4(kSmap)
           .With(AlignmentCheck)
           .Cpl3()
           .Read(kGla)
           .But(Implicit)
           .Build(),
       PageFault(1)},
      {"gw-9-smap-implicit-without-ac",
       "GW-9",
       {"GW-9/smap-not-for-implicit", "GW-18/user-by-cpl"},
       Guest5().Cr4(kSmap).Cpl3().Read(kGla).But(Implicit).Build(),
       PageFault(1)},
      {"gw-9-smap-supervisor-table-pae",
       "GW-9",
       {"GW-9/smap-leaf-only"},
       GuestPae().Cr4(kSmap).GuestPde(0x11023).Read(kGla32).Build(),
       Reaches(0x20234, 2)},
      {"gw-9-smap-supervisor-table-5-level",
       "GW-9",
       {"GW-9/smap-leaf-only"},
       Guest5().Cr4(kSmap).GuestPml5e(0x14023).Write(kGla).Build(),
       Reaches(0x20234, 5)},
      {"gw-9-smap-user-access",
       "GW-9",
       {},
       Guest4().Cr4(kSmap).Cpl3().Read(kGla).Build(),
       Reaches(0x20234, 4)},
      {"gw-9-smap-fetch",
       "GW-9",
       {},
       Guest4().Cr4(kSmap).Fetch(kGla).Build(),
       Reaches(0x20234, 4)},
  };
}

}  // namespace

std::vector<NamedCase> GuestRightWitnesses() {
  std::vector<NamedCase> cases = UserCases();
  for (auto more :
       {WriteCases(), ExecuteDisableCases(), SmepCases(), SmapCases()}) {
    cases.insert(cases.end(), more.begin(), more.end());
  }
  return cases;
}

}  // namespace eptdiff
