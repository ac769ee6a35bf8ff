// Cases of CACHE: what an EPT violation, INVEPT and INVVPID end, and how the
// two instructions fail (CACHE-5 to CACHE-7, CACHE-13).
#include "oracle/reference/witnesses/cache_scenes.h"
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

std::vector<NamedCase> ViolationCases() {
  return {
      // The fetch is refused by memory, too, and ends what would refuse the
      // write.
      {"cache-5-the-next-try",
       "CACHE-5",
       {"CACHE-5/gpa-not-ended"},
       Walk4()
           .Pte(0x9031)
           .Read(0x1234)
           .Store(0x4008, 0x9033)
           .Fetch(0x1234)
           .Write(0x1234)
           .Build(),
       Completes(0x9234),
       Violation(0x58a, 0x1234)},
      {"cache-5-the-next-try-of-a-linear-address",
       "CACHE-5",
       {"CACHE-5/gla-not-ended"},
       Guest4()
           .Vpid(5)
           .EptPte(0x10000, 0x20031)
           .Read(kGla)
           .Store(0x4080, 0x20033)
           .Fetch(kGla)
           .Write(kGla)
           .Build(),
       Reaches(0x20234, 4),
       Violation(0x78a, 0x10234).At(kGla)},
      {"cache-5-a-virtualization-exception",
       "CACHE-5",
       {"CACHE-5/gla-not-ended",
        "CACHE-5/virtualization-exception-ends-nothing"},
       Guest4()
           .Vpid(5)
           .Ve()
           .EptPte(0x10000, 0x20031)
           .Read(kGla)
           .Store(0x4080, 0x20033)
           .Fetch(kGla)
           .Write(kGla)
           .Build(),
       Reaches(0x20234, 4),
       Violation(0x78a, 0x10234).At(kGla)},
      // The page table's guest-physical mapping ends; what is kept of the PDE
      // leads there all the same, to what the other PTE has become since.
      {"cache-5-not-the-table-of-a-guest-entry",
       "CACHE-5",
       {"CACHE-3/never", "CACHE-4/not-as-declared"},
       Guest4()
           .Vpid(5)
           .Word(kGuestPte + 8, 0x16067)
           .Read(kGla)
           .Store(0x4088, 0)
           .StructureRead(0x11aa8)
           .Store(kGuestPte + 8, 0x17067)
           .Read(kNextGla)
           .Build(),
       Reaches(0x27234, 4)},
      {"cache-5-not-another-page",
       "CACHE-5",
       {"CACHE-5/every-gpa-ended", "CACHE-3/never"},
       Walk4()
           .Word(0x4010, 0)
           .Read(0x1234)
           .Store(0x4008, 0xa037)
           .Read(0x2234)
           .Read(0x1234)
           .Build(),
       Completes(0x9234)},
      {"cache-5-not-by-a-misconfiguration",
       "CACHE-5",
       {"CACHE-5/misconfiguration-ends-too", "CACHE-3/never"},
       Walk4()
           .Word(0x4010, 0xd032)
           .Read(0x1234)
           .Store(0x4008, 0xa037)
           .Read(0x2234)
           .Read(0x1234)
           .Build(),
       Completes(0x9234)},
      // ... with VPIDs, whose exit ends nothing either.
      {"cache-5-not-another-linear-address",
       "CACHE-5",
       {"CACHE-5/every-gla-ended", "CACHE-11/exit-always-ends",
        "CACHE-3/never"},
       Guest4()
           .Vpid(5)
           .Word(kGuestPte + 8, 0x17067)
           .EptPte(0x17000, 0)
           .Read(kGla)
           .Store(kGuestPte, 0x16067)
           .Read(kNextGla)
           .Read(kGla)
           .Build(),
       Reaches(0x20234, 4)},
  };
}

std::vector<NamedCase> InveptCases() {
  return {
      {"cache-6-single",
       "CACHE-6",
       {"CACHE-6/single-ends-nothing"},
       Moved().Invept(1, kEptp).Read(0x1234).Build(),
       Completes(0xa234),
       Completes(0x9234)},
      {"cache-6-all",
       "CACHE-6",
       {"CACHE-6/all-ends-nothing"},
       Moved().Invept(2).Read(0x1234).Build(),
       Completes(0xa234),
       Completes(0x9234)},
      {"cache-6-single-upper-levels",
       "CACHE-6",
       {"CACHE-6/single-leaves-upper-levels"},
       Unlinked().Invept(1, kEptp).Read(0x2234).Build(),
       Violation(0x581, 0x2234),
       Completes(0xd234)},
      {"cache-6-all-upper-levels",
       "CACHE-6",
       {"CACHE-6/all-leaves-upper-levels"},
       Unlinked().Invept(2).Read(0x2234).Build(),
       Violation(0x581, 0x2234),
       Completes(0xd234)},
      {"cache-6-the-same-root",
       "CACHE-6",
       {"CACHE-6/whole-eptp-compared"},
       Moved().Invept(1, kEptp | 0x40).Read(0x1234).Build(),
       Completes(0xa234),
       Completes(0x9234)},
      {"cache-6-another-root",
       "CACHE-6",
       {"CACHE-6/single-ends-all", "CACHE-3/never"},
       Moved().Invept(1, 0xb01e).Read(0x1234).Build(),
       Completes(0x9234)},
      {"cache-6-on-another-processor",
       "CACHE-6",
       {"CACHE-3/never"},
       Moved().Invept(1, kEptp).On(1).Read(0x1234).Build(),
       Completes(0x9234)},
      {"cache-6-refused",
       "CACHE-6",
       {"CACHE-6/failing-ends-too", "CACHE-3/never"},
       Moved().Invept(3).Read(0x1234).Build(),
       Completes(0x9234)},
      {"cache-13-invept-undefined",
       "CACHE-13",
       {"CACHE-13/undefined-off"},
       Walk4().Without(20).Invept(2).Build(),
       InvalidOpcode()},
      {"cache-13-invept-type",
       "CACHE-13",
       {"CACHE-13/type-off"},
       Walk4().Invept(3).Build(),
       InvalidOperand()},
      {"cache-13-invept-eptp",
       "CACHE-13",
       {"CACHE-13/eptp-off"},
       Walk4().Invept(1, 0x1019).Build(),
       InvalidOperand()},
      {"cache-13-invept-any-eptp",
       "CACHE-13",
       {"CACHE-13/eptp-whatever-the-type"},
       Walk4().Invept(2, 0x1019).Build(),
       Happens()},
  };
}

std::vector<NamedCase> InvvpidCases() {
  return {
      {"cache-7-address",
       "CACHE-7",
       {"CACHE-7/address-ends-nothing", "CACHE-7/address-of-32-bits"},
       GuestMoved().Invvpid(0, 5, kGla).Read(kGla).Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      // Bits 63:32 are 0.
      {"cache-7-a-low-address",
       "CACHE-7",
       {"CACHE-7/address-ends-nothing"},
       Guest4()
           .Vpid(5)
           .Read(kGla32)
           .Store(kGuestPte, 0x16067)
           .Invvpid(0, 5, kGla32)
           .Read(kGla32)
           .Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      {"cache-7-address-of-32-bits",
       "CACHE-7",
       {"CACHE-7/address-ends-nothing"},
       GuestPae()
           .Vpid(5)
           .Read(kGla32)
           .Store(kGuestPte, 0x16067)
           .Invvpid(0, 5, kGla32)
           .Read(kGla32)
           .Build(),
       Reaches(0x26234, 2),
       Reaches(0x20234, 2)},
      {"cache-7-single",
       "CACHE-7",
       {"CACHE-7/single-ends-nothing"},
       GuestMoved().Invvpid(1, 5).Read(kGla).Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      {"cache-7-all",
       "CACHE-7",
       {"CACHE-7/all-ends-nothing"},
       GuestMoved().Invvpid(2, 0).Read(kGla).Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      {"cache-7-retaining-globals",
       "CACHE-7",
       {"CACHE-7/retaining-ends-nothing"},
       GuestMoved().Invvpid(3, 5).Read(kGla).Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      {"cache-7-a-global-page",
       "CACHE-7",
       {"CACHE-7/retaining-ends-globals", "CACHE-3/never"},
       Guest4()
           .Vpid(5)
           .Cr4(0x80)
           .GuestPte(0x10167)
           .Read(kGla)
           .Store(kGuestPte, 0x16167)
           .Invvpid(3, 5)
           .Read(kGla)
           .Build(),
       Reaches(0x20234, 4)},
      {"cache-7-address-upper-levels",
       "CACHE-7",
       {"CACHE-7/address-leaves-upper-levels"},
       GuestUnlinked().Invvpid(0, 5, kNextGla).Read(kNextGla).Build(),
       PageFault(0, kNextGla),
       Reaches(0x26234, 4)},
      {"cache-7-single-upper-levels",
       "CACHE-7",
       {"CACHE-7/single-leaves-upper-levels"},
       GuestUnlinked().Invvpid(1, 5).Read(kNextGla).Build(),
       PageFault(0, kNextGla),
       Reaches(0x26234, 4)},
      {"cache-7-retaining-globals-upper-levels",
       "CACHE-7",
       {"CACHE-7/retaining-leaves-upper-levels"},
       GuestUnlinked().Invvpid(3, 5).Read(kNextGla).Build(),
       PageFault(0, kNextGla),
       Reaches(0x26234, 4)},
      {"cache-7-single-a-global-page",
       "CACHE-7",
       {"CACHE-7/single-leaves-globals"},
       GlobalMoved().Invvpid(1, 5).Read(kGla).Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      {"cache-7-all-vpids",
       "CACHE-7",
       {"CACHE-7/all-ends-the-current-vpid"},
       GuestMoved()
           .EnterWith(kFieldVpid, 6)
           .Invvpid(2, 0)
           .EnterWith(kFieldVpid, 5)
           .Read(kGla)
           .Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      {"cache-7-another-vpid",
       "CACHE-7",
       {"CACHE-7/single-ends-every-vpid", "CACHE-3/never"},
       GuestMoved().Invvpid(1, 6).Read(kGla).Build(),
       Reaches(0x20234, 4)},
      {"cache-7-another-address",
       "CACHE-7",
       {"CACHE-7/address-ends-every-address", "CACHE-3/never"},
       GuestMoved().Invvpid(0, 5, kNextGla).Read(kGla).Build(),
       Reaches(0x20234, 4)},
      {"cache-7-a-part-of-a-large-page",
       "CACHE-7",
       {"CACHE-7/one-part-of-a-large-page"},
       LargeUnmapped().Invvpid(0, 5, kLargeGla).Read(kPartGla).Build(),
       PageFault(0, kPartGla),
       Reaches(0x20234, 3)},
      {"cache-7-not-guest-physical",
       "CACHE-7",
       {"CACHE-7/guest-physical-too", "CACHE-3/never"},
       Walk4()
           .Vpid(5)
           .Read(0x1234)
           .Store(0x4008, 0xa037)
           .Invvpid(1, 5)
           .Read(0x1234)
           .Build(),
       Completes(0x9234)},
      {"cache-13-invvpid-type",
       "CACHE-13",
       {"CACHE-13/type-off"},
       Walk4().Without(40).Invvpid(0, 5).Build(),
       InvalidOperand()},
      {"cache-13-invvpid-reserved",
       "CACHE-13",
       {"CACHE-13/reserved-off"},
       Walk4().Invvpid(2, 0x10000).Build(),
       InvalidOperand()},
      {"cache-13-invvpid-0",
       "CACHE-13",
       {"CACHE-13/vpid-off"},
       Walk4().Invvpid(1, 0).Build(),
       InvalidOperand()},
      {"cache-13-invvpid-address",
       "CACHE-13",
       {"CACHE-13/address-off"},
       Walk4().Invvpid(0, 5, std::uint64_t{1} << 60).Build(),
       InvalidOperand()},
  };
}

}  // namespace

std::vector<NamedCase> CacheEndWitnesses() {
  std::vector<NamedCase> cases;
  for (const auto family : {ViolationCases, InveptCases, InvvpidCases}) {
    const std::vector<NamedCase> more = family();
    cases.insert(cases.end(), more.begin(), more.end());
  }
  return cases;
}

}  // namespace eptdiff
