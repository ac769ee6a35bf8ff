// Cases of CACHE: what the guest's own instructions, page faults and
// transitions end (CACHE-8, CACHE-11, CACHE-12).
#include "oracle/reference/witnesses/cache_scenes.h"
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
std::vector<NamedCase> CacheGuestWitnesses() {
  return {
      {"cache-8-invlpg",
       "CACHE-8",
       {"CACHE-8/invlpg-ends-nothing"},
       GuestMoved().Invlpg(kGla).Read(kGla).Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      {"cache-8-invlpg-with-pcids",
       "CACHE-8",
       {"CACHE-8/invlpg-ends-nothing", "CACHE-8/invlpg-ends-pcid-0",
        "CACHE-8/invlpg-leaves-dirty-pages"},
       GuestMovedUnderPcid(0x67, 0x67).Invlpg(kGla).Read(kGla).Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      // The same page table would be used for both.
      {"cache-8-invlpg-upper-levels-of-the-address",
       "CACHE-8",
       {"CACHE-8/invlpg-leaves-upper-levels"},
       GuestUnlinked().Invlpg(kNextGla).Read(kNextGla).Build(),
       PageFault(0, kNextGla),
       Reaches(0x26234, 4)},
      // The PDE leads to no PT any more.
      {"cache-8-invlpg-upper-levels",
       "CACHE-8",
       {"CACHE-8/invlpg-leaves-upper-levels",
        "CACHE-8/invlpg-upper-levels-of-the-address"},
       GuestReads(Guest4().Vpid(5))
           .Store(kGuestPde, 0)
           .Invlpg(0)
           .Store(kGuestPte + 8, 0x16067)
           .Read(kGla + 0x1000)
           .Build(),
       PageFault(0, kGla + 0x1000),
       Reaches(0x26234, 4)},
      {"cache-8-invlpg-a-part-of-a-large-page",
       "CACHE-8",
       {"CACHE-8/invlpg-one-part-of-a-large-page"},
       LargeUnmapped().Invlpg(kLargeGla).Read(kPartGla).Build(),
       PageFault(0, kPartGla),
       Reaches(0x20234, 3)},
      {"cache-8-invlpg-a-global-page",
       "CACHE-8",
       {"CACHE-8/invlpg-leaves-globals"},
       GlobalMoved().Invlpg(kGla).Read(kGla).Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      {"cache-8-invlpg-another-address",
       "CACHE-8",
       {"CACHE-8/invlpg-ends-every-address", "CACHE-3/never"},
       GuestMoved().Invlpg(kNextGla).Read(kGla).Build(),
       Reaches(0x20234, 4)},
      {"cache-8-not-guest-physical",
       "CACHE-8",
       {"CACHE-8/invlpg-guest-physical-too", "CACHE-3/never",
        "CACHE-3/guest-physical-not-as-declared"},
       Moved().Invlpg(kGlaPage).Read(0x1234).Build(),
       Completes(0x9234)},
      {"cache-8-mov-cr3",
       "CACHE-8",
       {"CACHE-8/mov-cr3-ends-nothing"},
       GuestMoved().Give(GuestRegister::kCr3, 0x14000).Read(kGla).Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      {"cache-8-mov-cr3-with-bit-63",
       "CACHE-8",
       {"CACHE-8/mov-cr3-ends-globals", "CACHE-8/mov-cr3-whatever-bit-63",
        "CACHE-3/never", "CACHE-3/combined-not-as-declared"},
       GuestMovedUnderPcid(0x67, 0x67)
           .Give(GuestRegister::kCr3, std::uint64_t{1} << 63 | 0x14001)
           .Read(kGla)
           .Build(),
       Reaches(0x20234, 4)},
      {"cache-8-mov-cr3-not-guest-physical",
       "CACHE-8",
       {"CACHE-8/mov-cr3-guest-physical-too", "CACHE-3/never"},
       Moved().Give(GuestRegister::kCr3, 0x14000).Read(0x1234).Build(),
       Completes(0x9234)},
      // Another bit is set: TSD.
      {"cache-8-mov-cr4-to-no-effect",
       "CACHE-8",
       {"CACHE-8/mov-cr-whatever-it-changes", "CACHE-3/never"},
       GuestMoved().Give(GuestRegister::kCr4, 0x2024).Read(kGla).Build(),
       Reaches(0x20234, 4)},
      {"cache-8-mov-cr4",
       "CACHE-8",
       {"CACHE-8/mov-cr-ends-nothing"},
       GuestMoved().Give(GuestRegister::kCr4, 0x20a0).Read(kGla).Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      {"cache-8-mov-cr3-upper-levels",
       "CACHE-8",
       {"CACHE-8/mov-cr3-leaves-upper-levels"},
       GuestUnlinked()
           .Give(GuestRegister::kCr3, 0x14000)
           .Read(kNextGla)
           .Build(),
       PageFault(0, kNextGla),
       Reaches(0x26234, 4)},
      {"cache-8-mov-cr3-the-new-pcid",
       "CACHE-8",
       {"CACHE-8/mov-cr3-ends-the-old-pcid"},
       GuestMovedUnderPcid(0x67, 0x67)
           .EnterWith(kFieldCr3, 0x14002)
           .Give(GuestRegister::kCr3, 0x14001)
           .Read(kGla)
           .Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      {"cache-8-mov-cr3-with-pcids",
       "CACHE-8",
       {"CACHE-8/mov-cr3-ends-nothing-with-pcids"},
       GuestMovedUnderPcid(0x67, 0x67)
           .Give(GuestRegister::kCr3, 0x14001)
           .Read(kGla)
           .Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      // CR4.PGE is 0 for a moment.
      {"cache-8-mov-cr4-a-global-page",
       "CACHE-8",
       {"CACHE-8/mov-cr-leaves-globals"},
       GlobalMoved()
           .Give(GuestRegister::kCr4, 0x2020)
           .Give(GuestRegister::kCr4, 0x20a0)
           .Read(kGla)
           .Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      {"cache-8-invpcid",
       "CACHE-8",
       {"CACHE-8/invpcid-ends-nothing"},
       GuestMoved().Invpcid(1, 0, 0).Read(kGla).Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      {"cache-8-invpcid-a-part-of-a-large-page",
       "CACHE-8",
       {"CACHE-8/invpcid-one-part-of-a-large-page"},
       LargeUnmapped().Invpcid(0, 0, kLargeGla).Read(kPartGla).Build(),
       PageFault(0, kPartGla),
       Reaches(0x20234, 3)},
      {"cache-8-invpcid-another-pcid",
       "CACHE-8",
       {"CACHE-8/invpcid-ends-the-current-pcid"},
       GuestMovedUnderPcid(0x67, 0x67)
           .EnterWith(kFieldCr3, 0x14002)
           .Invpcid(1, 1, 0)
           .EnterWith(kFieldCr3, 0x14001)
           .Read(kGla)
           .Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      {"cache-8-invpcid-a-global-page",
       "CACHE-8",
       {"CACHE-8/invpcid-leaves-globals"},
       GlobalMoved().Invpcid(2, 0, 0).Read(kGla).Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      {"cache-8-invpcid-another-address",
       "CACHE-8",
       {"CACHE-8/invpcid-ends-every-address", "CACHE-3/never"},
       GuestMoved().Invpcid(0, 0, kNextGla).Read(kGla).Build(),
       Reaches(0x20234, 4)},
      {"cache-8-invpcid-not-a-global-page",
       "CACHE-8",
       {"CACHE-8/invpcid-ends-globals", "CACHE-3/never"},
       GlobalMoved().Invpcid(3, 0, 0).Read(kGla).Build(),
       Reaches(0x20234, 4)},
      {"cache-8-invpcid-not-guest-physical",
       "CACHE-8",
       {"CACHE-8/invpcid-guest-physical-too", "CACHE-3/never"},
       Moved().Invpcid(2, 0, 0).Read(0x1234).Build(),
       Completes(0x9234)},
      // By the paging mode it is not, but by 57 bits.
      {"cache-8-invpcid-canonical-by-57-bits",
       "CACHE-8",
       {},
       Guest4().Invpcid(0, 0, 0x00ff'0000'0000'0000).Build(),
       GeneralProtection()},
      {"cache-12-the-next-try",
       "CACHE-12",
       {"CACHE-12/ends-nothing", "CACHE-12/of-fetches-ends-nothing"},
       Guest4()
           .GuestPte(0x8000'0000'0001'0065)
           .Read(kGla)
           .Store(kGuestPte, 0x8000'0000'0001'0067)
           .Fetch(kGla)
           .Write(kGla)
           .Build(),
       Reaches(0x20234, 4),
       PageFault(3)},
      {"cache-12-a-part-of-a-large-page",
       "CACHE-12",
       {"CACHE-12/ends-nothing", "CACHE-12/one-part-of-a-large-page"},
       Guest4()
           .Vpid(5)
           .GuestPde(0xe7)
           .Read(0x5555'5541'0234)
           .Store(kGuestPde, 0)
           .Read(0x5555'5540'0234)
           .Read(0x5555'5541'0234)
           .Build(),
       PageFault(0, 0x5555'5541'0234),
       Reaches(0x20234, 3)},
      // The write faults by either page table.
      {"cache-12-upper-levels",
       "CACHE-12",
       {"CACHE-12/leaves-upper-levels"},
       Guest4()
           .Vpid(5)
           .Word(kGuestPte + 8, 0x16065)
           .Read(kGla)
           .Store(kGuestPde, 0x17027)
           .Write(kNextGla)
           .Read(kNextGla)
           .Build(),
       PageFault(0, kNextGla),
       Reaches(0x26234, 4)},
      {"cache-12-a-global-page",
       "CACHE-12",
       {"CACHE-12/leaves-globals"},
       Guest4()
           .Cr4(0x80)
           .GuestPte(0x8000'0000'0001'0165)
           .Read(kGla)
           .Store(kGuestPte, 0x8000'0000'0001'0167)
           .Fetch(kGla)
           .Write(kGla)
           .Build(),
       Reaches(0x20234, 4),
       PageFault(3)},
      {"cache-12-another-address",
       "CACHE-12",
       {"CACHE-12/every-address-ended", "CACHE-3/never"},
       GuestMoved().Read(kNextGla).Read(kGla).Build(),
       Reaches(0x20234, 4)},
      {"cache-12-not-guest-physical",
       "CACHE-12",
       {"CACHE-12/guest-physical-too", "CACHE-3/never"},
       Guest4()
           .Vpid(5)
           .GuestPte(0)
           .StructureRead(0x16000)
           .Store(0x40b0, 0x27037)
           .Read(kGla)
           .StructureRead(0x16000)
           .Build(),
       Completes(0x26000)},
      {"cache-11-without-vpid",
       "CACHE-11",
       {"CACHE-11/transition-ends-nothing"},
       GuestReads(Guest4())
           .Store(kGuestPte, 0x16067)
           .EnterWith(kFieldVpid, 0)
           .Read(kGla)
           .Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      {"cache-11-an-eptp-switch",
       "CACHE-11",
       {"CACHE-11/switch-ends-nothing"},
       GuestReads(Guest4().EptpSwitching().Word(0x7000, kEptp))
           .Store(kGuestPte, 0x16067)
           .Switch(0)
           .Read(kGla)
           .Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      {"cache-11-an-eptp-switch-with-vpid",
       "CACHE-11",
       {"CACHE-11/switch-always-ends", "CACHE-3/never"},
       GuestReads(Guest4().Vpid(5).EptpSwitching().Word(0x7000, kEptp))
           .Store(kGuestPte, 0x16067)
           .Switch(0)
           .Read(kGla)
           .Build(),
       Reaches(0x20234, 4)},
      {"cache-11-with-vpid",
       "CACHE-11",
       {"CACHE-11/transition-always-ends", "CACHE-3/never"},
       GuestMoved().EnterWith(kFieldVpid, 5).Read(kGla).Build(),
       Reaches(0x20234, 4)},
  };
}

}  // namespace eptdiff
