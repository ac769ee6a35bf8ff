// Cases of EPT's rules where a linear access comes through the guest's own
// tables: PRI-2, VIO-7, VIO-8 and what QUAL and INFO report. Qualifications:
// bits 0 to 2 for the access; 5:3, and 6 with MBEC, for what EPT allows; 7; 8
// for the final access; with it 9, 10 and 11 for a user-mode, read/write,
// execute-disable page. Error codes: 1 P, 2 W/R, 4 U/S, 8 RSVD, 10H I/D.
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kBit51 = std::uint64_t{1} << 51;
constexpr std::uint64_t kXd = std::uint64_t{1} << 63;

void Asynchronous(Step& step) { step.access.asynchronous = true; }

// The guest's rights before the final access; the first access that exits
// before whatever its entry would have said.
std::vector<NamedCase> PriorityCases() {
  return {
      {"pri-2-rights-before-violation-32-bit",
       "PRI-2",
       {"PRI-2/final-first"},
       Guest32().Pte(0).GuestPte(0x10065).Write(kGla32).Build(),
       PageFault(3, kGla32)},
      {"pri-2-rights-before-violation-pae",
       "PRI-2",
       {"PRI-2/final-first"},
       GuestPae().Pte(0).GuestPde(0x11025).Write(kGla32).Build(),
       PageFault(3, kGla32)},
      {"pri-2-rights-before-violation-4-level",
       "PRI-2",
       {"PRI-2/final-first"},
       Guest4().Cpl3().Pte(0x20034).GuestPte(0x10063).Read(kGla).Build(),
       PageFault(5)},
      {"pri-2-rights-before-violation-5-level",
       "PRI-2",
       {"PRI-2/final-first"},
       Guest5().Pte(0x20033).GuestPml4e(kXd | 0x13027).Fetch(kGla).Build(),
       PageFault(0x11)},
      {"pri-2-rights-before-misconfiguration",
       "PRI-2",
       {"PRI-2/final-first"},
       Guest4().Pte(0x20032).GuestPte(0x10065).Write(kGla).Build(),
       PageFault(3)},
      // The 2-MByte page lies beyond what EPT maps.
      {"pri-2-rights-before-violation-2-mbyte",
       "PRI-2",
       {"PRI-2/final-first"},
       Guest4().GuestPde(0x4000'00e5).Write(kGla).Build(),
       PageFault(3)},
      {"pri-2-violation-before-rights",
       "PRI-2",
       {},
       Guest4().Cpl3().EptPte(0x11000, 0).GuestPde(0x11023).Read(kGla).Build(),
       Violation(0x81, 0x11aa8).At(kGla)},
      {"pri-2-violation-of-the-root-before-all",
       "PRI-2",
       {},
       Guest5()
           .EptPte(0x15000, 0)
           .EptPte(0x14000, 0x24032)
           .GuestPml5e(kBit51 | 0x14027)
           .Write(kGla)
           .Build(),
       Violation(0x81, 0x15000).At(kGla)},
      {"pri-2-reserved-bit-before-misconfiguration",
       "PRI-2",
       {},
       Guest4()
           .EptPte(0x10000, 0x20032)
           .GuestPte(kBit51 | 0x10067)
           .Read(kGla)
           .Build(),
       PageFault(9)},
  };
}

// User-mode by U/S of all guest entries that control. CR4.SMEP is 0.
std::vector<NamedCase> FetchCases() {
  return {
      // Supervisor-mode by a table; EPT allows user-mode fetches alone.
      {"vio-7-supervisor-table-32-bit",
       "VIO-7",
       {"VIO-7/leaf-only", "QUAL-9/leaf-only"},
       Guest32().Mbec().Pte(0x20433).GuestPde(0x11023).Fetch(kGla32).Build(),
       Violation(0x5dc, 0x10234).At(kGla32)},
      {"vio-7-supervisor-table-pae",
       "VIO-7",
       {"VIO-7/leaf-only"},
       GuestPae().Mbec().Pte(0x20037).GuestPde(0x11023).Fetch(kGla32).Build(),
       Reaches(0x20234, 2)},
      {"vio-7-supervisor-table-4-level",
       "VIO-7",
       {"VIO-7/leaf-only"},
       Guest4().Mbec().Pte(0x20433).GuestPml4e(0x13023).Fetch(kGla).Build(),
       Violation(0x5dc, 0x10234)},
      {"vio-7-supervisor-table-5-level",
       "VIO-7",
       {"VIO-7/leaf-only"},
       Guest5().Mbec().Pte(0x20037).GuestPml5e(0x14023).Fetch(kGla).Build(),
       Reaches(0x20234, 5)},
      // The PDPTE register has U/S = 0, but does not control.
      {"vio-7-user-page-at-cpl-0-pae",
       "VIO-7",
       {"VIO-7/by-cpl"},
       GuestPae().Mbec().Pte(0x20037).Fetch(kGla32).Build(),
       Violation(0x7bc, 0x10234).At(kGla32)},
      {"vio-7-user-page-at-cpl-0-32-bit",
       "VIO-7",
       {"VIO-7/by-cpl"},
       Guest32().Mbec().Pte(0x20433).Fetch(kGla32).Build(),
       Reaches(0x20234, 2)},
      // Nor does the HLAT entry that restarts.
      {"vio-7-supervisor-entry-before-restart",
       "VIO-7",
       {"GW-19/rights-kept"},
       Guest4()
           .Mbec()
           .Pte(0x20433)
           .Hlat()
           .HlatPml4e(0x1b823)
           .Fetch(kGla)
           .Build(),
       Reaches(0x20234, 5)},
      {"vio-6-user-page",
       "VIO-6",
       {"VIO-6/off", "VIO-6/bit-2"},
       Guest5().Mbec().Cpl3().Pte(0x20037).Fetch(kGla).Build(),
       Violation(0x7bc, 0x10234)},
      // Guest tables need no execute permission of any kind.
      {"vio-5-guest-tables-not-executable",
       "VIO-5",
       {},
       Guest4()
           .Mbec()
           .EptPte(0x11000, 0x21033)
           .EptPte(0x12000, 0x22033)
           .Fetch(kGla)
           .Build(),
       Reaches(0x20234, 4)},
  };
}

// EPTP bit 6 is 0. Updates: qualification bit 0 is undefined.
std::vector<NamedCase> StructureCases() {
  return {
      {"vio-8-accessed-flag-32-bit",
       "VIO-8",
       {"VIO-8/update-is-no-write"},
       Guest32()
           .EptPte(0x12000, 0x22035)
           .GuestPde(0x11007)
           .Read(kGla32)
           .Build(),
       Violation(0xaa, 0x12554).At(kGla32)},
      {"vio-8-dirty-flag-pae",
       "VIO-8",
       {"VIO-8/update-is-no-write"},
       GuestPae()
           .EptPte(0x11000, 0x21035)
           .GuestPte(0x10027)
           .Write(kGla32)
           .Build(),
       Violation(0xaa, 0x11aa8).At(kGla32)},
      {"vio-8-accessed-flag-4-level",
       "VIO-8",
       {"VIO-8/update-is-no-write"},
       Guest4().EptPte(0x14000, 0x24035).GuestPml4e(0x13007).Read(kGla).Build(),
       Violation(0xaa, 0x14550).At(kGla)},
      {"vio-8-accessed-flag-5-level",
       "VIO-8",
       {"VIO-8/update-is-no-write"},
       Guest5()
           .EptPte(0x15000, 0x25035)
           .GuestPml5e(0x14007)
           .Fetch(kGla)
           .Build(),
       Violation(0xaa, 0x15000).At(kGla)},
      {"vio-8-dirty-flag-of-large-page",
       "VIO-8",
       {"VIO-8/update-is-no-write"},
       Guest4()
           .EptPte(0x12000, 0x22035)
           .GuestPde(0xa7)
           .Word(0x4aa8, 0x27037)
           .ReadModifyWrite(kGla)
           .Build(),
       Violation(0xaa, 0x12550).At(kGla)},
      // Nothing to update: the table need not be writable.
      {"vio-8-flags-set-already",
       "VIO-8",
       {"VIO-9/always-a-write"},
       Guest4().EptPte(0x11000, 0x21035).Write(kGla).Build(),
       Reaches(0x20234, 4)},
      {"vio-8-read-of-clean-page",
       "VIO-8",
       {"VIO-9/always-a-write"},
       Guest4().EptPte(0x11000, 0x21035).GuestPte(0x10027).Read(kGla).Build(),
       Reaches(0x20234, 4)},
      {"vio-8-read-of-execute-only-table",
       "VIO-8",
       {"VIO-2/off"},
       GuestPae().EptPte(0x12000, 0x22034).Write(kGla32).Build(),
       Violation(0xa1, 0x12550).At(kGla32)},
  };
}

// The EPT PTE of the final page is not present, or allows no writes.
std::vector<NamedCase> ReportCases() {
  return {
      {"qual-1-table-of-a-write",
       "QUAL-1",
       {"QUAL-1/of-the-linear-access"},
       Guest4().EptPte(0x11000, 0).Write(kGla).Build(),
       Violation(0x81, 0x11aa8).At(kGla)},
      {"qual-2-table-of-a-fetch",
       "QUAL-2",
       {"QUAL-2/of-the-linear-access"},
       Guest32().EptPte(0x12000, 0).Fetch(kGla32).Build(),
       Violation(0x81, 0x12554).At(kGla32)},
      {"qual-8-table",
       "QUAL-8",
       {"QUAL-8/with-bit-7", "QUAL-8/inverted"},
       Guest5().EptPte(0x13000, 0).Read(kGla).Build(),
       Violation(0x81, 0x13aa8).At(kGla)},
      {"qual-8-page",
       "QUAL-8",
       {"QUAL-8/inverted"},
       GuestPae().Pte(0).Read(kGla32).Build(),
       Violation(0x781, 0x10234).At(kGla32)},
      {"qual-9-supervisor-table",
       "QUAL-9",
       {"QUAL-9/leaf-only"},
       Guest4().Pte(0).GuestPdpte(0x12023).Read(kGla).Build(),
       Violation(0x581, 0x10234)},
      {"qual-10-read-only-table",
       "QUAL-10",
       {"QUAL-10/leaf-only"},
       GuestPae().Pte(0).GuestPde(0x11025).Read(kGla32).Build(),
       Violation(0x381, 0x10234).At(kGla32)},
      // The write goes through with CR0.WP = 0, but the page is read-only.
      {"qual-10-write-protect-off",
       "QUAL-10",
       {"QUAL-10/inverted"},
       Guest4()
           .With([](Case& c) { c.guest.cr0 = 0x80000001; })
           .Pte(0x20035)
           .GuestPte(0x10065)
           .Write(kGla)
           .Build(),
       Violation(0x3aa, 0x10234)},
      {"qual-11-execute-disable-table",
       "QUAL-11",
       {"QUAL-11/leaf-only"},
       Guest4().Pte(0).GuestPml4e(kXd | 0x13027).Read(kGla).Build(),
       Violation(0xf81, 0x10234)},
      {"qual-11-execute-disable-pae",
       "QUAL-11",
       {"QUAL-11/inverted"},
       GuestPae().Pte(0x20035).GuestPte(kXd | 0x10067).Write(kGla32).Build(),
       Violation(0xfaa, 0x10234).At(kGla32)},
      {"qual-11-32-bit",
       "QUAL-11",
       {"QUAL-11/inverted"},
       Guest32().Pte(0).Read(kGla32).Build(),
       Violation(0x781, 0x10234).At(kGla32)},
      {"qual-16-linear",
       "QUAL-16",
       {"QUAL-16/never"},
       Guest4().Pte(0).Write(kGla).But(Asynchronous).Build(),
       Violation(0x10782, 0x10234)},
      {"info-1-gla-of-a-table",
       "INFO-1",
       {"INFO-1/gla-of-translation-only", "INFO-1/gla-of-page",
        "INFO-1/gpa-of-page", "INFO-1/gpa-of-page-with-paging"},
       Guest4().EptPte(0x12000, 0).Read(kGla).Build(),
       Violation(0x81, 0x12550).At(kGla)},
      {"info-1-paging-off",
       "INFO-1",
       {"INFO-1/gpa-of-page"},
       Walk4()
           .With([](Case& c) {
             c.guest.cr0 = 1;  // PE
             c.guest.cr4 = 0;
             c.guest.cs_l = false;
             c.guest.efer = 0;
           })
           .Pte(0)
           .Linear(AccessKind::kRead, 0x1234)
           .Build(),
       Violation(0x781, 0x1234).At(0x1234)},
      // The second page has a page table of its own, which is not mapped.
      {"info-1-second-page",
       "INFO-1",
       {"INFO-1/gla-of-translation-only"},
       Guest4()
           .Word(0x22558, 0x17027)
           .EptPte(0x17000, 0)
           .Read(0x5555'555f'fffc, 8)
           .Build(),
       Violation(0x81, 0x17000).At(0x5555'5560'0000)},
  };
}

}  // namespace

std::vector<NamedCase> LinearWitnesses() {
  std::vector<NamedCase> cases = PriorityCases();
  for (auto more : {FetchCases(), StructureCases(), ReportCases()}) {
    cases.insert(cases.end(), more.begin(), more.end());
  }
  return cases;
}

}  // namespace eptdiff
