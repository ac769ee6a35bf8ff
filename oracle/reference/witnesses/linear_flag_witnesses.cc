// Cases of what the accesses of a two-dimensional walk leave behind: accessed
// and dirty flags of EPT and log entries, where the linear access completes,
// and where it faults or exits later on. And linear accesses to two pages.
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

// EPTP bit 6, and a log that has room.
CaseBuilder Flags(CaseBuilder guest) { return guest.AccessedDirty(); }

// The EPT entries that every guest-physical access uses.
Answer Upper(Answer answer) {
  return answer.Writes(0x1000, 0x2107)
      .Writes(0x2000, 0x3107)
      .Writes(0x3000, 0x4107);
}

// The EPT PTEs of the PML4, the PDPT and the PD, which have been used.
Answer ThreeTables(const Answer& answer) {
  return Upper(answer)
      .Writes(0x40a0, 0x24337)
      .Writes(0x4098, 0x23337)
      .Writes(0x4090, 0x22337);
}

std::vector<NamedCase> FlagCases() {
  return {
      {"ad-1-linear-read-4-level",
       "AD-1",
       {"AD-1/final-access-only", "AD-3/never", "AD-3/updates-only",
        "AD-2/reads-too"},
       Flags(Guest4()).Read(kGla).Build(),
       ThreeTables(Reaches(0x20234, 4))
           .Writes(0x4088, 0x21337)
           .Writes(0x4080, 0x20137)},
      {"ad-1-linear-fetch-5-level",
       "AD-1",
       {"AD-1/final-access-only"},
       Flags(Guest5()).Fetch(kGla).Build(),
       ThreeTables(Reaches(0x20234, 5))
           .Writes(0x40a8, 0x25337)
           .Writes(0x4088, 0x21337)
           .Writes(0x4080, 0x20137)},
      {"ad-1-linear-write-32-bit",
       "AD-1",
       {"AD-1/final-access-only", "AD-2/never"},
       Flags(Guest32()).Write(kGla32).Build(),
       Upper(Reaches(0x20234, 2))
           .Writes(0x4090, 0x22337)
           .Writes(0x4088, 0x21337)
           .Writes(0x4080, 0x20337)},
      // The PDPTE register is no access to memory.
      {"ad-1-linear-read-modify-write-pae",
       "AD-1",
       {"AD-1/final-access-only"},
       Flags(GuestPae()).ReadModifyWrite(kGla32).Build(),
       Upper(Reaches(0x20234, 2))
           .Writes(0x4090, 0x22337)
           .Writes(0x4088, 0x21337)
           .Writes(0x4080, 0x20337)},
      {"ad-1-flags-stay-when-an-entry-is-absent",
       "AD-1",
       {"AD-1/final-access-only"},
       Flags(Guest4()).GuestPde(0).Read(kGla).Build(),
       ThreeTables(PageFault(0))},
      {"ad-1-flags-stay-when-rights-refuse",
       "AD-1",
       {"AD-1/final-access-only"},
       Flags(Guest4()).GuestPte(0x10065).Write(kGla).Build(),
       ThreeTables(PageFault(3)).Writes(0x4088, 0x21337)},
      {"ad-1-flags-stay-when-rights-refuse-32-bit",
       "AD-1",
       {"AD-1/final-access-only"},
       Flags(Guest32()).Cpl3().GuestPte(0x10063).Read(kGla32).Build(),
       Upper(PageFault(5, kGla32))
           .Writes(0x4090, 0x22337)
           .Writes(0x4088, 0x21337)},
      {"ad-1-flags-stay-when-a-table-exits",
       "AD-1",
       {"AD-1/final-access-only"},
       Flags(Guest4()).EptPte(0x11000, 0).Read(kGla).Build(),
       ThreeTables(Violation(0x83, 0x11aa8).At(kGla))},
      {"ad-1-flags-stay-when-the-page-exits",
       "AD-1",
       {"AD-1/final-access-only"},
       Flags(GuestPae()).Pte(0x20035).Write(kGla32).Build(),
       Upper(Violation(0x7aa, 0x10234).At(kGla32))
           .Writes(0x4090, 0x22337)
           .Writes(0x4088, 0x21337)},
      // One page is a guest table and the page that is written.
      {"ad-3-table-is-the-page",
       "AD-3",
       {"AD-3/never"},
       Flags(Guest4()).GuestPte(0x11067).Read(kGla).Build(),
       ThreeTables(Reaches(0x21234, 4)).Writes(0x4088, 0x21337)},
  };
}

std::vector<NamedCase> LogCases() {
  return {
      {"pml-2-linear-write-5-level",
       "PML-2",
       {"AD-3/never"},
       Flags(Guest5()).Pml(5).Write(kGla).Build(),
       ThreeTables(Reaches(0x20234, 5))
           .Writes(0x40a8, 0x25337)
           .Writes(0x4088, 0x21337)
           .Writes(0x4080, 0x20337)
           .Writes(0x8028, 0x15000)
           .Writes(0x8020, 0x14000)
           .Writes(0x8018, 0x13000)
           .Writes(0x8010, 0x12000)
           .Writes(0x8008, 0x11000)
           .Writes(0x8000, 0x10000)
           .PmlIndex(0xffff)},
      // The read of the entry has set D: its update logs no second time.
      {"pml-2-update-of-a-logged-table",
       "PML-2",
       {"GW-12/never-accessed"},
       Flags(GuestPae()).Pml(5).GuestPde(0x11007).Read(kGla32).Build(),
       Upper(Reaches(0x20234, 2))
           .Writes(0x4090, 0x22337)
           .Writes(0x4088, 0x21337)
           .Writes(0x4080, 0x20137)
           .Writes(0x22550, 0x11027)
           .Writes(0x8028, 0x12000)
           .Writes(0x8020, 0x11000)
           .PmlIndex(3)},
      // The log is full when it comes to the page.
      {"pml-1-linear-write-fills-the-log",
       "PML-1",
       {"PML-1/off"},
       Flags(Guest32()).Pml(1).Write(kGla32).Build(),
       Upper(LogFull())
           .Writes(0x4090, 0x22337)
           .Writes(0x4088, 0x21337)
           .Writes(0x8008, 0x12000)
           .Writes(0x8000, 0x11000)
           .PmlIndex(0xffff)},
      {"pml-1-page-fault-before-log-full",
       "PML-1",
       {"PRI-2/final-first"},
       Flags(Guest32())
           .Pml(1)
           .Pte(0x20034)
           .GuestPte(0x10065)
           .Write(kGla32)
           .Build(),
       Upper(PageFault(3, kGla32))
           .Writes(0x4090, 0x22337)
           .Writes(0x4088, 0x21337)
           .Writes(0x8008, 0x12000)
           .Writes(0x8000, 0x11000)
           .PmlIndex(0xffff)},
      {"pml-2-log-stays-when-an-entry-is-absent",
       "PML-2",
       {"AD-3/never"},
       Flags(Guest4()).Pml(5).GuestPde(0).Read(kGla).Build(),
       ThreeTables(PageFault(0))
           .Writes(0x8028, 0x14000)
           .Writes(0x8020, 0x13000)
           .Writes(0x8018, 0x12000)
           .PmlIndex(2)},
  };
}

// 8 bytes from FFCH on; the second page's PTE, number 156H, leads to 16000H.
constexpr std::uint64_t kStart = kGlaPage | 0xffc;
constexpr std::uint64_t kStart32 = 0x5555'5ffc;

std::vector<NamedCase> TwoPageCases() {
  return {
      {"vio-14-linear-32-bit",
       "VIO-14",
       {"VIO-14/first-page-only"},
       Guest32().Word(0x21558, 0x16067).Read(kStart32, 8).Build(),
       Reaches(0x20ffc, 2).And(0x26000)},
      {"vio-14-linear-pae",
       "VIO-14",
       {"VIO-14/first-page-only"},
       GuestPae().Word(0x21ab0, 0x16067).Fetch(kStart32, 8).Build(),
       Reaches(0x20ffc, 2).And(0x26000)},
      {"vio-14-linear-4-level",
       "VIO-14",
       {"VIO-14/first-page-only"},
       Guest4().Word(0x21ab0, 0x16067).Write(kStart, 64).Build(),
       Reaches(0x20ffc, 4).And(0x26000)},
      {"vio-14-linear-4096-bytes",
       "VIO-14",
       {"VIO-14/first-page-only"},
       Guest4().Word(0x21ab0, 0x16067).Write(kGlaPage | 1, 4096).Build(),
       Reaches(0x20001, 4).And(0x26000)},
      {"vio-14-linear-4096-bytes-second-page-absent",
       "VIO-14",
       {"VIO-14/first-page-only"},
       Guest4().Write(kGlaPage | 0xfff, 4096).Build(),
       PageFault(2, kGlaPage + 0x1000)},
      {"vio-14-linear-5-level-second-page-absent",
       "VIO-14",
       {"VIO-14/first-page-only"},
       Guest5().Cpl3().Write(kStart, 8).Build(),
       PageFault(6, kGlaPage + 0x1000)},
      {"vio-14-linear-second-page-read-only",
       "VIO-14",
       {"VIO-14/first-page-only", "GW-7/write-off"},
       Guest4().Word(0x21ab0, 0x16065).Write(kStart, 8).Build(),
       PageFault(3, kGlaPage + 0x1000)},
      {"vio-14-linear-second-page-exits",
       "VIO-14",
       {"VIO-14/first-page-only"},
       Guest4()
           .Word(0x21ab0, 0x16067)
           .EptPte(0x16000, 0x26035)
           .Write(kStart, 8)
           .Build(),
       Violation(0x7aa, 0x16000).At(kGlaPage + 0x1000)},
      // Each page has its own mode, and SMAP stops the second.
      {"vio-14-linear-second-page-user",
       "VIO-14",
       {"VIO-14/first-page-only", "GW-9/smap-off"},
       Guest4()
           .Cr4(1 << 21)
           .GuestPte(0x10063)
           .Word(0x21ab0, 0x16067)
           .Read(kStart, 8)
           .Build(),
       PageFault(1, kGlaPage + 0x1000)},
      {"ad-2-linear-two-pages",
       "AD-2",
       {"AD-2/never"},
       Flags(Guest4()).Word(0x21ab0, 0x16027).Write(kStart, 8).Build(),
       ThreeTables(Reaches(0x20ffc, 4).And(0x26000))
           .Writes(0x4088, 0x21337)
           .Writes(0x4080, 0x20337)
           .Writes(0x40b0, 0x26337)
           .Writes(0x21ab0, 0x16067)},
  };
}

}  // namespace

std::vector<NamedCase> LinearFlagWitnesses() {
  std::vector<NamedCase> cases = FlagCases();
  for (auto more : {LogCases(), TwoPageCases()}) {
    cases.insert(cases.end(), more.begin(), more.end());
  }
  return cases;
}

}  // namespace eptdiff
