// Cases of CACHE: what may be used of what was kept, and by whom (CACHE-1 to
// CACHE-4, CACHE-9, CACHE-10, CACHE-14, CACHE-15). Every last step is judged
// for who may keep translations; the answer is one that the SDM permits and,
// where something was kept, the one that says so.
#include "oracle/reference/witnesses/cache_scenes.h"
#include "oracle/reference/witnesses/register_scenes.h"
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

// A write by what was kept of a page that was clean then, and is not by now.
Case DirtyMeanwhile() {
  return Walk4()
      .AccessedDirty()
      .Pml(4)
      .Pml4e(0x2107)
      .Pdpte(0x3107)
      .Pde(0x4107)
      .Pte(0x9137)
      .Read(0x1234)
      .Store(0x4008, 0xa337)
      .Write(0x1234)
      .Build();
}

std::vector<NamedCase> UseCases() {
  return {
      {"cache-3-another-address",
       "CACHE-3",
       {"CACHE-3/never"},
       Moved().Read(0x1234).Build(),
       Completes(0x9234)},
      {"cache-3-memory-all-the-same",
       "CACHE-3",
       {},
       Moved().Read(0x1234).Build(),
       Completes(0xa234)},
      // It was another page's, of the same table.
      {"cache-3-nothing-that-never-was",
       "CACHE-3",
       {},
       Moved().Read(0x1234).Build(),
       Completes(0x9234),
       Completes(0xb234)},
      {"cache-3-right-removed",
       "CACHE-3",
       {"CACHE-3/never"},
       Reads().Store(0x4008, 0x9035).Write(0x1234).Build(),
       Completes(0x9234)},
      {"cache-3-unmapped",
       "CACHE-3",
       {"CACHE-3/never"},
       Reads().Store(0x3000, 0).Read(0x1234).Build(),
       Completes(0x9234)},
      {"cache-3-memory-type",
       "CACHE-3",
       {"CACHE-3/never"},
       Reads().Store(0x4008, 0x9007).Read(0x1234).Build(),
       Completes(0x9234)},
      {"cache-3-an-old-pdpte-register",
       "CACHE-3",
       {"CACHE-3/never"},
       GuestPae()
           .Vpid(5)
           .Read(kGla32)
           .EnterWith(kFieldPdpte1, 0)
           .Read(kGla32)
           .Build(),
       Reaches(0x20234, 2)},
      // PAT entry 1 was WT and is UC: what was kept has a memory type, not a
      // way to make one (3A 4.10.2.2).
      {"cache-3-memory-type-of-an-old-pat",
       "CACHE-3",
       {"CACHE-3/never"},
       Guest4()
           .Vpid(5)
           .GuestPte(0x1006f)
           .Read(kGla)
           .Give(GuestRegister::kPat, 0x0007'0406'0007'0006)
           .Read(kGla)
           .Build(),
       Reaches(0x20234, 4).Type(MemoryType::kWriteThrough)},
      // What lies below the new table never went with the old PDE.
      {"cache-4-the-old-table",
       "CACHE-4",
       {"CACHE-4/not-as-declared", "CACHE-3/never"},
       Walk4()
           .Word(0x5010, 0xc037)
           .Read(0x1234)
           .Store(0x3000, 0x5007)
           .Store(0x4010, 0xd037)
           .Read(0x2234)
           .Build(),
       Completes(0xd234)},
      {"cache-9-one-violation",
       "CACHE-9",
       {"CACHE-9/never", "CACHE-3/never"},
       Walk4()
           .Pte(0x9031)
           .Read(0x1234)
           .Store(0x4008, 0x9037)
           .Write(0x1234)
           .Build(),
       Violation(0x58a, 0x1234)},
      {"cache-10-accessed-flag-cleared",
       "CACHE-10",
       {"CACHE-10/never", "CACHE-3/never"},
       Walk4()
           .AccessedDirty()
           .Pml4e(0x2107)
           .Pdpte(0x3107)
           .Pde(0x4107)
           .Pte(0x9137)
           .Read(0x1234)
           .Store(0x4008, 0x9037)
           .Read(0x1234)
           .Build(),
       Completes(0x9234)},
      {"cache-10-dirty-flag-cleared",
       "CACHE-10",
       {"CACHE-10/never", "CACHE-3/never"},
       Walk4()
           .AccessedDirty()
           .Pml4e(0x2107)
           .Pdpte(0x3107)
           .Pde(0x4107)
           .Pte(0x9337)
           .Write(0x1234)
           .Store(0x4008, 0x9137)
           .Write(0x1234)
           .Build(),
       Completes(0x9234)},
      // By the page that was kept; the flag that was kept is set again.
      {"cache-10-dirty-flag-set-and-logged-again",
       "CACHE-10",
       {"CACHE-3/never"},
       Walk4()
           .AccessedDirty()
           .Pml(4)
           .Pml4e(0x2107)
           .Pdpte(0x3107)
           .Pde(0x4107)
           .Pte(0x9337)
           .Write(0x1234)
           .Store(0x4008, 0xa137)
           .Write(0x1234)
           .Build(),
       Completes(0x9234)
           .Writes(0x4008, 0xa337)
           .Writes(0x8020, 0x1000)
           .PmlIndex(3)},
      // No flag is changed from 0 to 1; by what was kept one is, and is logged.
      {"cache-10-dirty-flag-set-meanwhile",
       "CACHE-10",
       {"CACHE-3/never"},
       DirtyMeanwhile(),
       Completes(0x9234)},
      {"cache-10-dirty-flag-set-meanwhile-and-logged",
       "CACHE-10",
       {"CACHE-3/never", "CACHE-10/never"},
       DirtyMeanwhile(),
       Completes(0x9234).Writes(0x8020, 0x1000).PmlIndex(3)},
      {"cache-10-dirty-flag-was-clear",
       "CACHE-10",
       {"CACHE-10/clear-stays-clear"},
       Walk4().AccessedDirty().Read(0x1234).Write(0x1234).Build(),
       Completes(0x9234).Writes(0x4008, 0x9337),
       Completes(0x9234)},
      {"cache-10-guest-dirty-flag-was-clear",
       "CACHE-10",
       {"CACHE-10/guest-dirty-stays-clear"},
       Guest4().GuestPte(0x10027).Read(kGla).Write(kGla).Build(),
       Reaches(0x20234, 4).Writes(kGuestPte, 0x10067),
       Reaches(0x20234, 4)},
      {"cache-10-guest-dirty-flag-was-clear-and-accessed",
       "CACHE-10",
       {"CACHE-10/guest-dirty-stays-clear"},
       Guest4().GuestPte(0x10007).Read(kGla).Write(kGla).Build(),
       Reaches(0x20234, 4).Writes(kGuestPte, 0x10067),
       Reaches(0x20234, 4)},
      {"cache-14-flags-switched-on",
       "CACHE-14",
       {"CACHE-14/never", "CACHE-3/never"},
       Reads().EnterWith(kFieldEptp, kEptp | 0x40).Read(0x1234).Build(),
       Completes(0x9234)},
      {"cache-14-flags-of-upper-levels",
       "CACHE-14",
       {"CACHE-14/never", "CACHE-4/not-as-declared", "CACHE-3/never"},
       Reads()
           .Word(0x4010, 0xd037)
           .EnterWith(kFieldEptp, kEptp | 0x40)
           .Read(0x2234)
           .Build(),
       Completes(0xd234).Writes(0x4010, 0xd137)},
      {"cache-15-vector",
       "CACHE-15",
       {"CACHE-15/never", "CACHE-3/never"},
       Walk4()
           .SubPage()
           .Pte(0x2000'0000'0000'9035)
           .Vector(0x5555'5555'5555'5555)
           .Write(0x1234)
           .Store(0xd008, 0)
           .Write(0x1234)
           .Build(),
       Completes(0x9234)},
  };
}

std::vector<NamedCase> NothingKeptCases() {
  return {
      {"cache-2-not-present",
       "CACHE-2",
       {"CACHE-2/not-present-kept"},
       Walk4().Pte(0).Store(0x4008, 0x9037).Read(0x1234).Build(),
       Completes(0x9234),
       Violation(0x581, 0x1234)},
      {"cache-2-misconfigured",
       "CACHE-2",
       {"CACHE-2/misconfigured-kept"},
       Walk4()
           .Pte(0x9032)
           .Read(0x1234)
           .Store(0x4008, 0x9037)
           .Read(0x1234)
           .Build(),
       Completes(0x9234),
       Misconfiguration(0x1234)},
      {"cache-2-guest-not-present",
       "CACHE-2",
       {"CACHE-2/guest-not-present-kept"},
       Guest4().GuestPte(0).Store(kGuestPte, 0x10067).Read(kGla).Build(),
       Reaches(0x20234, 4),
       PageFault(0)},
      {"cache-2-guest-reserved-bit",
       "CACHE-2",
       {"CACHE-2/guest-reserved-kept"},
       Guest4()
           .GuestPde(0x2000 | 0xe7)
           .Store(kGuestPde, 0x11027)
           .Read(kGla)
           .Build(),
       Reaches(0x20234, 4),
       PageFault(9)},
      {"cache-2-guest-accessed-clear",
       "CACHE-2",
       {"CACHE-2/guest-accessed-clear-kept"},
       Guest4().GuestPte(0x10047).Store(kGuestPte, 0x16067).Read(kGla).Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      // Once the page was found its rights may be kept, and not before.
      {"cache-2-rights-of-a-page-that-was-found",
       "CACHE-2",
       {"CACHE-3/never"},
       Guest4()
           .Vpid(5)
           .GuestPte(0x10065)
           .Store(kGuestPte, 0x10067)
           .Write(kGla)
           .Build(),
       PageFault(3)},
      {"cache-2-rights-of-a-page-that-was-not-found",
       "CACHE-2",
       {"CACHE-2/guest-leaf-without-page-kept"},
       Guest4()
           .Vpid(5)
           .GuestPte(0x10065)
           .EptPte(0x10000, 0)
           .Store(kGuestPte, 0x10067)
           .Write(kGla)
           .Build(),
       Violation(0x782, 0x10234),
       PageFault(3)},
  };
}

// With 32-bit paging 10234H is 26234H, and with none 20234H.
CaseBuilder Paged32() {
  return Unrestricted(Guest32().Vpid(5).GuestPte(0x16067));
}
constexpr std::uint64_t kSameGla = 0x10234;
constexpr std::uint64_t kUnpagedCr0 = 0x10021;

std::vector<NamedCase> RootCases() {
  const auto unpaged = [](Case& c) { c.guest.cr0 = kUnpagedCr0; };
  return {
      {"cache-1-another-hlatp",
       "CACHE-1",
       {"CACHE-1/hlat-told-apart", "CACHE-3/never"},
       Guest4()
           .Vpid(5)
           .Hlat()
           .HlatPte(0x16067)
           .Read(kGla)
           .EnterWith(kFieldHlatp, 0x14000)
           .Read(kGla)
           .Build(),
       Reaches(0x26234, 4)},
      {"cache-1-another-hlat-prefix",
       "CACHE-1",
       {"CACHE-1/hlat-told-apart", "CACHE-3/never"},
       Guest4()
           .Vpid(5)
           .Hlat(1)
           .HlatPte(0x16067)
           .Read(kGla)
           .EnterWith(kFieldHlatPrefix, 0)
           .Read(kGla)
           .Build(),
       Reaches(0x20234, 4)},
      // The table of the other HLATP was changed before it was one.
      {"cache-1-before-it-was-the-hlatp",
       "CACHE-1",
       {},
       Guest4()
           .Vpid(5)
           .Hlat()
           .HlatPte(0x16067)
           .Store(kGuestPte, 0x17067)
           .EnterWith(kFieldHlatp, 0x14000)
           .Read(kGla)
           .Build(),
       Reaches(0x27234, 4),
       Reaches(0x20234, 4)},
      {"cache-1-paging-switched-on",
       "CACHE-1",
       {"CACHE-1/paging-told-apart", "CACHE-3/never"},
       Paged32()
           .With(unpaged)
           .Read(kSameGla)
           .Give(GuestRegister::kCr0, kUnpagedCr0 | 0x80000000)
           .Read(kSameGla)
           .Build(),
       Completes(0x20234)},
      {"cache-1-paging-switched-off",
       "CACHE-1",
       {"CACHE-1/paging-told-apart", "CACHE-3/never"},
       Paged32()
           .Read(kSameGla)
           .EnterWith(kFieldCr0, kUnpagedCr0)
           .Read(kSameGla)
           .Build(),
       Reaches(0x26234, 2)},
      // What is kept of the guest's rights says nothing with CR0.PG = 0.
      {"cache-1-no-rights-without-paging",
       "CACHE-1",
       {"CACHE-1/paging-told-apart", "CACHE-3/never"},
       Paged32()
           .GuestPte(0x16025)
           .Read(kSameGla)
           .EnterWith(kFieldCr0, kUnpagedCr0)
           .Write(kSameGla)
           .Build(),
       Reaches(0x26234, 2),
       PageFault(3, kSameGla)},
      // No guest entry is read with CR0.PG = 0, nor what has changed by then.
      {"cache-1-no-entries-without-paging",
       "CACHE-1",
       {},
       Paged32()
           .With(unpaged)
           .Read(kSameGla)
           .Store(0x21040, 0x17067)
           .Give(GuestRegister::kCr0, kUnpagedCr0 | 0x80000000)
           .Read(kSameGla)
           .Build(),
       Reaches(0x27234, 2),
       Reaches(0x26234, 2)},
      {"cache-8-mov-cr0",
       "CACHE-8",
       {"CACHE-8/mov-cr-ends-nothing"},
       Paged32()
           .Read(kSameGla)
           .Give(GuestRegister::kCr0, kUnpagedCr0)
           .Read(kSameGla)
           .Build(),
       Completes(0x20234),
       Reaches(0x26234, 2)},
  };
}

std::vector<NamedCase> TagCases() {
  return {
      {"cache-1-another-root",
       "CACHE-1",
       {"CACHE-1/eptrta-ignored"},
       Reads().EnterWith(kFieldEptp, 0xb01e).Read(0x1234).Build(),
       Violation(0x581, 0x1234),
       Completes(0x9234)},
      {"cache-1-another-root-of-a-linear-address",
       "CACHE-1",
       {"CACHE-1/eptrta-ignored"},
       GuestReads(Guest4().Vpid(5))
           .EnterWith(kFieldEptp, 0xb01e)
           .Read(kGla)
           .Build(),
       Violation(0x81, 0x14550).At(kGla),
       Reaches(0x20234, 4)},
      {"cache-1-another-vpid",
       "CACHE-1",
       {"CACHE-1/vpid-ignored"},
       GuestMoved().EnterWith(kFieldVpid, 6).Read(kGla).Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      {"cache-1-another-pcid",
       "CACHE-1",
       {"CACHE-1/pcid-ignored"},
       GuestMovedUnderPcid(0x67, 0x67)
           .EnterWith(kFieldCr3, 0x14002)
           .Read(kGla)
           .Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      {"cache-1-a-global-page",
       "CACHE-1",
       {"CACHE-1/globals-need-the-pcid", "CACHE-3/never"},
       GuestMovedUnderPcid(0x167, 0x167)
           .EnterWith(kFieldCr3, 0x14002)
           .Read(kGla)
           .Build(),
       Reaches(0x20234, 4)},
      // Its accessed and dirty flags are enabled by now.
      {"cache-1-the-same-root",
       "CACHE-1",
       {"CACHE-1/whole-eptp-told-apart", "CACHE-3/never"},
       Moved().EnterWith(kFieldEptp, kEptp | 0x40).Read(0x1234).Build(),
       Completes(0x9234)},
      // Four levels from the root that are five by now.
      {"cache-1-another-walk-length",
       "CACHE-1",
       {"CACHE-1/walk-lengths-told-apart", "CACHE-3/never"},
       Reads().EnterWith(kFieldEptp, 0x1026).Read(0x1234).Build(),
       Completes(0x9234)},
      // What was kept does not translate it: it has 49 bits.
      {"cache-1-beyond-the-other-walk-length",
       "CACHE-1",
       {},
       Walk4()
           .N(52)
           .Read(0x1234)
           .EnterWith(kFieldEptp, 0x1026)
           .Read(0x1'0000'0000'1234)
           .Build(),
       Violation(0x581, 0x1'0000'0000'1234),
       Completes(0x9234)},
      {"cache-1-another-paging-mode",
       "CACHE-1",
       {"CACHE-1/paging-modes-told-apart", "CACHE-3/never"},
       GuestReads(Guest4().Vpid(5))
           .EnterWith(kFieldCr4, 0x3020)
           .Read(kGla)
           .Build(),
       Reaches(0x20234, 4)},
      // Not canonical with four levels.
      {"cache-1-beyond-the-other-paging-mode",
       "CACHE-1",
       {},
       GuestReads(Guest4().Vpid(5))
           .EnterWith(kFieldCr4, 0x3020)
           .Read(kGla | std::uint64_t{1} << 48)
           .Build(),
       PageFault(0, kGla | std::uint64_t{1} << 48),
       Reaches(0x20234, 4)},
      {"cache-1-the-vpid-again",
       "CACHE-1",
       {"CACHE-3/never", "CACHE-11/transition-always-ends"},
       GuestMoved()
           .EnterWith(kFieldVpid, 6)
           .EnterWith(kFieldVpid, 5)
           .Read(kGla)
           .Build(),
       Reaches(0x20234, 4)},
  };
}

}  // namespace

std::vector<NamedCase> CacheUseWitnesses() {
  std::vector<NamedCase> cases;
  for (const auto family : {UseCases, NothingKeptCases, TagCases, RootCases}) {
    const std::vector<NamedCase> more = family();
    cases.insert(cases.end(), more.begin(), more.end());
  }
  return cases;
}

}  // namespace eptdiff
