// Cases of guest-paging verification: VIO-13, QUAL-15 and CTL-5. Bit 57 of an
// EPT entry asks that the guest tables that lead to its page be mapped with
// bit 58. Qualifications: bits 0 to 2 for the access; 5:3 for what EPT allows;
// 7 and 8; 9 and 10 for a user-mode, read/write page; 15.
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kBit57 = std::uint64_t{1} << 57;
constexpr std::uint64_t kBit58 = std::uint64_t{1} << 58;
constexpr std::uint64_t kBit63 = std::uint64_t{1} << 63;
constexpr std::uint64_t kRestart = 1 << 11;

// The final page asks for verification.
CaseBuilder Verified(CaseBuilder guest) {
  return guest.PagingWrite().Verification().Pte(kBit57 | 0x20037);
}

// The page of guest tables at `gpa` may be used for it.
CaseBuilder Protected(CaseBuilder guest, std::uint64_t gpa) {
  return guest.EptPte(gpa, kBit58 | (gpa + 0x10037));
}
CaseBuilder AllProtected(CaseBuilder guest) {
  for (std::uint64_t gpa = 0x11000; gpa <= 0x15000; gpa += 0x1000) {
    guest = Protected(guest, gpa);
  }
  return guest;
}

std::vector<NamedCase> ModeCases() {
  return {
      {"vio-13-32-bit",
       "VIO-13",
       {"VIO-13/off", "VIO-13/write-access-suffices", "VIO-13/writes-only"},
       Verified(Guest32()).Read(kGla32).Build(),
       Violation(0x87b9, 0x10234).At(kGla32)},
      {"vio-13-pae",
       "VIO-13",
       {"VIO-13/off", "VIO-13/write-access-suffices"},
       Verified(GuestPae()).Write(kGla32).Build(),
       Violation(0x87ba, 0x10234).At(kGla32)},
      {"vio-13-4-level",
       "VIO-13",
       {"VIO-13/off", "VIO-13/write-access-suffices", "QUAL-15/never"},
       Verified(Guest4()).Read(kGla).Build(),
       Violation(0x87b9, 0x10234)},
      {"vio-13-5-level",
       "VIO-13",
       {"VIO-13/off", "VIO-13/writes-only"},
       Verified(Guest5()).Fetch(kGla).Build(),
       Violation(0x87bc, 0x10234)},
      {"vio-13-all-protected-32-bit",
       "VIO-13",
       {},
       AllProtected(Verified(Guest32())).Read(kGla32).Build(),
       Reaches(0x20234, 2)},
      // The page of the PDPTEs, 13000H, is not protected.
      {"vio-13-all-protected-pae",
       "VIO-13",
       {},
       Protected(Protected(Verified(GuestPae()), 0x11000), 0x12000)
           .Read(kGla32)
           .Build(),
       Reaches(0x20234, 2)},
      {"vio-13-all-protected-4-level",
       "VIO-13",
       {"QUAL-15/bit-57"},
       AllProtected(Verified(Guest4()))
           .Pte(kBit57 | 0x20035)
           .Write(kGla)
           .Build(),
       Violation(0x7aa, 0x10234)},
      {"vio-13-all-protected-5-level",
       "VIO-13",
       {},
       AllProtected(Verified(Guest5())).Write(kGla).Build(),
       Reaches(0x20234, 5)},
      {"vio-13-paging-off",
       "VIO-13",
       {},
       Walk4()
           .PagingWrite()
           .Verification()
           .Pte(kBit57 | 0x9037)
           .With([](Case& c) { c.guest.cr0 = 1; })
           .Linear(AccessKind::kRead, 0x1234)
           .Build(),
       Completes(0x9234)},
  };
}

std::vector<NamedCase> EntryCases() {
  return {
      {"vio-13-pml4-not-protected",
       "VIO-13",
       {"VIO-13/last-entry-only"},
       AllProtected(Verified(Guest4()))
           .EptPte(0x14000, 0x24037)
           .Read(kGla)
           .Build(),
       Violation(0x87b9, 0x10234)},
      {"vio-13-pml5-not-protected",
       "VIO-13",
       {"VIO-13/last-entry-only"},
       AllProtected(Verified(Guest5()))
           .EptPte(0x15000, 0x25037)
           .Read(kGla)
           .Build(),
       Violation(0x87b9, 0x10234)},
      {"vio-13-pt-not-protected",
       "VIO-13",
       {"VIO-13/root-only"},
       AllProtected(Verified(Guest4()))
           .EptPte(0x11000, 0x21037)
           .Read(kGla)
           .Build(),
       Violation(0x87b9, 0x10234)},
      {"vio-13-pd-not-protected-pae",
       "VIO-13",
       {"VIO-13/last-entry-only"},
       AllProtected(Verified(GuestPae()))
           .EptPte(0x12000, 0x22037)
           .Read(kGla32)
           .Build(),
       Violation(0x87b9, 0x10234).At(kGla32)},
      // Bit 57 where the final access does not see it.
      {"vio-13-page-without-bit-57",
       "VIO-13",
       {"VIO-13/every-page", "VIO-13/page-of-the-last-entry"},
       Guest4()
           .PagingWrite()
           .Verification()
           .EptPte(0x11000, kBit57 | 0x21037)
           .Read(kGla)
           .Build(),
       Reaches(0x20234, 4)},
      {"vio-13-bit-57-of-a-table",
       "VIO-13",
       {},
       Guest4()
           .PagingWrite()
           .Verification()
           .Pde(kBit57 | 0x4007)
           .Read(kGla)
           .Build(),
       Reaches(0x20234, 4)},
      {"vio-13-hlat",
       "VIO-13",
       {"VIO-13/off"},
       AllProtected(Verified(Guest4())).Hlat().Read(kGla).Build(),
       Violation(0x87b9, 0x10234)},
      {"vio-13-before-restart",
       "VIO-13",
       {"VIO-13/before-restart-too"},
       AllProtected(Verified(Guest4()))
           .Hlat()
           .HlatPml4e(kRestart | 0x1b027)
           .Read(kGla)
           .Build(),
       Reaches(0x20234, 5)},
      {"vio-13-after-restart",
       "VIO-13",
       {"VIO-13/off"},
       Verified(Guest5()).Hlat().HlatPde(kRestart | 0x19027).Read(kGla).Build(),
       Violation(0x87b9, 0x10234)},
      // The guest's rights are judged before.
      {"vio-13-page-fault",
       "VIO-13",
       {"PRI-2/final-first"},
       Verified(Guest4()).Cpl3().GuestPte(0x10063).Read(kGla).Build(),
       PageFault(5)},
  };
}

std::vector<NamedCase> ReportCases() {
  return {
      {"qual-15-second-page",
       "QUAL-15",
       {"QUAL-15/never", "VIO-14/first-page-only"},
       Guest4()
           .PagingWrite()
           .Verification()
           .EptPte(0x16000, kBit57 | 0x26037)
           .Word(0x21ab0, 0x16067)
           .Read(kGlaPage | 0xffc, 8)
           .Build(),
       Violation(0x87b9, 0x16000).At(kGlaPage + 0x1000)},
      {"qual-15-converted",
       "QUAL-15",
       {"QUAL-15/never", "VE-1/inverted"},
       Verified(Guest4()).Ve().Read(kGla).Build(),
       VirtualizationException()
           .Writes(0x6000, 0xffff'ffff'0000'0030)
           .Writes(0x6008, 0x87b9)
           .Writes(0x6010, kGla)
           .Writes(0x6018, 0x10234)},
      {"qual-15-not-converted",
       "QUAL-15",
       {"QUAL-15/never", "VE-1/inverted"},
       Verified(Guest4())
           .Ve()
           .Pte(kBit63 | kBit57 | 0x20037)
           .Read(kGla)
           .Build(),
       Violation(0x87b9, 0x10234)},
      // Not with "EPT paging-write control" alone, nor without it.
      {"ctl-5-verification-without-paging-write",
       "CTL-5",
       {"CTL-5/verification-without-paging-write"},
       Guest4().Verification().Pte(kBit57 | 0x20037).Read(kGla).Build(),
       Reaches(0x20234, 4)},
      {"ctl-5-paging-write-without-verification",
       "CTL-5",
       {},
       Guest4().PagingWrite().Pte(kBit57 | 0x20037).Read(kGla).Build(),
       Reaches(0x20234, 4)},
  };
}

}  // namespace

std::vector<NamedCase> VerificationWitnesses() {
  std::vector<NamedCase> cases = ModeCases();
  for (auto more : {EntryCases(), ReportCases()}) {
    cases.insert(cases.end(), more.begin(), more.end());
  }
  return cases;
}

}  // namespace eptdiff
