// Cases of EPT's rules where it is the guest's own paging that is translated:
// flags and log of guest tables, paging writes, what an exit reports.
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kBit58 = std::uint64_t{1} << 58;
constexpr std::uint64_t kBit61 = std::uint64_t{1} << 61;
constexpr std::uint64_t kXd = std::uint64_t{1} << 63;

// The flags of the EPT entries above the PTEs.
Answer UpperFlags(Answer answer) {
  return answer.Writes(0x1000, 0x2107)
      .Writes(0x2000, 0x3107)
      .Writes(0x3000, 0x4107);
}

std::vector<NamedCase> Cases() {
  const Answer refused = Violation(0xaa, 0x11aa8).At(kGla);
  return {
      // Each access to a guest table is a write, and logged.
      {"pml-3-guest-tables",
       "PML-3",
       {"AD-3/never", "AD-3/updates-only"},
       Guest4().AccessedDirty().Pml(0x1ff).Read(kGla).Build(),
       UpperFlags(Reaches(0x20234, 4))
           .Writes(0x40a0, 0x24337)
           .Writes(0x4098, 0x23337)
           .Writes(0x4090, 0x22337)
           .Writes(0x4088, 0x21337)
           .Writes(0x4080, 0x20137)
           .Writes(0x8ff8, 0x14000)
           .Writes(0x8ff0, 0x13000)
           .Writes(0x8fe8, 0x12000)
           .Writes(0x8fe0, 0x11000)
           .PmlIndex(0x1fb)},
      {"pml-3-32-bit-guest-tables",
       "PML-3",
       {"AD-3/never"},
       Guest32().AccessedDirty().Pml(0x1ff).Write(kGla32).Build(),
       UpperFlags(Reaches(0x20234, 2))
           .Writes(0x4090, 0x22337)
           .Writes(0x4088, 0x21337)
           .Writes(0x4080, 0x20337)
           .Writes(0x8ff8, 0x12000)
           .Writes(0x8ff0, 0x11000)
           .Writes(0x8fe8, 0x10000)
           .PmlIndex(0x1fc)},
      // The log has room for the PML4 alone.
      {"pml-1-guest-table",
       "PML-1",
       {"PML-1/off"},
       Guest4().AccessedDirty().Pml(0).Read(kGla).Build(),
       UpperFlags(LogFull())
           .Writes(0x40a0, 0x24337)
           .Writes(0x8000, 0x14000)
           .PmlIndex(0xffff)},
      {"vio-9-guest-table",
       "VIO-9",
       {"VIO-9/read-is-no-write"},
       Guest4().AccessedDirty().EptPte(0x12000, 0x22035).Read(kGla).Build(),
       UpperFlags(Violation(0xab, 0x12550).At(kGla))
           .Writes(0x40a0, 0x24337)
           .Writes(0x4098, 0x23337)},
      {"vio-11-guest-table",
       "VIO-11",
       {"VIO-11/never-allowed"},
       Guest4()
           .PagingWrite()
           .EptPte(0x11000, kBit58 | 0x21035)
           .GuestPte(0x10007)
           .Write(kGla)
           .Build(),
       Reaches(0x20234, 4).Writes(0x21aa8, 0x10067)},
      {"vio-11-32-bit-guest-table",
       "VIO-11",
       {"VIO-11/never-allowed"},
       Guest32()
           .PagingWrite()
           .EptPte(0x12000, kBit58 | 0x22035)
           .GuestPde(0x11007)
           .Read(kGla32)
           .Build(),
       Reaches(0x20234, 2).Writes(0x22550, 0x0001'1027'0000'0000)},
      {"vio-11-guest-read-under-flags",
       "VIO-11",
       {"VIO-11/never-allowed"},
       Guest4()
           .AccessedDirty()
           .PagingWrite()
           .EptPte(0x11000, kBit58 | 0x21035)
           .Read(kGla)
           .Build(),
       UpperFlags(Reaches(0x20234, 4))
           .Writes(0x40a0, 0x24337)
           .Writes(0x4098, 0x23337)
           .Writes(0x4090, 0x22337)
           .Writes(0x4088, kBit58 | 0x21335)
           .Writes(0x4080, 0x20137)},
      {"vio-11-guest-table-without-control",
       "VIO-11",
       {"VIO-11/without-control"},
       Walk5()
           .Guest(GuestPaging::k4Level)
           .EptPte(0x11000, kBit58 | 0x21035)
           .GuestPte(0x10007)
           .Read(kGla)
           .Build(),
       refused},
      {"spp-2-guest-table",
       "SPP-2",
       {"SPP-2/structure-updates-eligible"},
       Walk5()
           .Guest(GuestPaging::k4Level)
           .SubPage()
           .EptPte(0x11000, kBit61 | 0x21035)
           .Word(0xd088, 0x5555'5555'5555'5555)
           .GuestPte(0x10007)
           .Read(kGla)
           .Build(),
       refused},
      // Bit 58 of the page's EPT PTE does not allow the access itself.
      {"vio-11-page",
       "VIO-11",
       {"VIO-11/any-write"},
       Guest4()
           .PagingWrite()
           .EptPte(0x10000, kBit58 | 0x20035)
           .Write(kGla)
           .Build(),
       Violation(0x7aa, 0x10234)},
      // The mode of the address is that of its guest entries.
      {"vio-7-guest-user-page",
       "VIO-7",
       {"VIO-7/by-cpl"},
       Guest4().Mbec().EptPte(0x10000, 0x20037).Fetch(kGla).Build(),
       Violation(0x7bc, 0x10234)},
      {"vio-7-guest-supervisor-entry",
       "VIO-7",
       {},
       Guest4()
           .Mbec()
           .EptPte(0x10000, 0x20037)
           .GuestPdpte(0x12023)
           .Fetch(kGla)
           .Build(),
       Reaches(0x20234, 4)},

      // Bits 11:9: R/W and U/S of all guest entries, XD of any.
      {"qual-9-guest-supervisor-entry",
       "QUAL-9",
       {},
       Guest4().EptPte(0x10000, 0).GuestPdpte(0x12023).Read(kGla).Build(),
       Violation(0x581, 0x10234)},
      {"qual-10-guest-read-only-entry",
       "QUAL-10",
       {},
       Guest5().EptPte(0x10000, 0).GuestPml5e(0x14025).Read(kGla).Build(),
       Violation(0x381, 0x10234)},
      {"qual-11-guest-execute-disable-entry",
       "QUAL-11",
       {},
       GuestPae()
           .EptPte(0x10000, 0)
           .GuestPde(kXd | 0x11027)
           .Read(kGla32)
           .Build(),
       Violation(0xf81, 0x10234).At(kGla32)},
      {"qual-11-32-bit-guest",
       "QUAL-11",
       {},
       Guest32().EptPte(0x10000, 0).Read(kGla32).Build(),
       Violation(0x781, 0x10234).At(kGla32)},
      // A violation on the way is converted like any other.
      {"ve-4-guest-table",
       "VE-4",
       {},
       Guest4().Ve().EptPte(0x12000, 0).Read(kGla).Build(),
       VirtualizationException()
           .Writes(0x6000, 0xffff'ffff'0000'0030)
           .Writes(0x6008, 0x81)
           .Writes(0x6010, kGla)
           .Writes(0x6018, 0x12550)},
      {"ve-1-guest-table-suppressed",
       "VE-1",
       {},
       Guest4().Ve().EptPte(0x12000, std::uint64_t{1} << 63).Read(kGla).Build(),
       Violation(0x81, 0x12550).At(kGla)},
  };
}

}  // namespace

std::vector<NamedCase> GuestEptWitnesses() { return Cases(); }

}  // namespace eptdiff
