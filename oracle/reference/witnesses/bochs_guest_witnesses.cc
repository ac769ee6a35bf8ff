// Cases where Bochs 3.0 departs from the SDM when it walks the guest's tables.
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kSmap = 1 << 21, kPke = 1 << 22, kPks = 1 << 24;
constexpr std::uint64_t kAc = 1 << 18;
// Key 5 of an entry; its bits in PKRU and IA32_PKRS.
constexpr std::uint64_t kKey5 = std::uint64_t{5} << 59;
constexpr std::uint32_t kNoAccess = 1 << 10, kNoWrites = 1 << 11;

CaseBuilder WithPkru(std::uint32_t pkru) {
  return Guest4().Cr4(kPke).With([=](Case& c) { c.guest.pkru = pkru; });
}
CaseBuilder WithPkrs(std::uint32_t pkrs) {
  return Guest4().Cr4(kPks).With([=](Case& c) { c.guest.pkrs = pkrs; });
}

void Implicit(Step& step) { step.access.implicit_supervisor = true; }

}  // namespace

std::vector<NamedCase> BochsGuestWitnesses() {
  return {
      // EPT lets the page table be read; the PTE's accessed flag is to be set.
      {"vio-8-walk-sets-accessed",
       "VIO-8",
       {"VIO-8/walk-updates-unchecked"},
       Guest4().GuestPte(0x10007).EptPte(0x11000, 0x21031).Read(kGla).Build(),
       Violation(0x8a, 0x11aa8).At(kGla)},
      {"gw-9-implicit-access-with-ac",
       "GW-9",
       {"GW-9/smap-implicit-with-ac"},
       Guest4()
           .Cr4(kSmap)
           .With([](Case& c) { c.guest.rflags = kAc; })
           .Read(kGla)
           .But(Implicit)
           .Build(),
       PageFault(0x1)},
      // A supervisor-mode access to a user-mode address: PKRU counts.
      {"gw-10-supervisor-reads-user-page",
       "GW-10",
       {"GW-10/by-access"},
       WithPkru(kNoAccess).GuestPte(kKey5 | 0x10067).Read(kGla).Build(),
       PageFault(0x21)},
      // ... to a supervisor-mode address: it does not.
      {"gw-10-supervisor-writes-supervisor-page",
       "GW-10",
       {"GW-10/by-access"},
       WithPkru(kNoWrites).GuestPte(kKey5 | 0x10063).Write(kGla).Build(),
       Reaches(0x20234, 4)},
      // IA32_PKRS does not count for a user-mode address.
      {"gw-10-pkrs-and-user-page",
       "GW-10",
       {"GW-10/by-access"},
       WithPkrs(kNoAccess).GuestPte(kKey5 | 0x10067).Read(kGla).Build(),
       Reaches(0x20234, 4)},
      {"gw-18-pkru-and-supervisor-page",
       "GW-18",
       {"GW-10/by-access"},
       WithPkru(kNoAccess).Cpl3().GuestPte(kKey5 | 0x10063).Read(kGla).Build(),
       PageFault(0x5)},
      {"gw-18-pkrs-and-supervisor-page",
       "GW-18",
       {"GW-10/by-access"},
       WithPkrs(kNoAccess).Cpl3().GuestPte(kKey5 | 0x10063).Read(kGla).Build(),
       PageFault(0x25)},
      {"info-1-gla-of-an-implicit-access",
       "INFO-1",
       {"INFO-1/gla-of-compatibility-mode"},
       Guest4()
           .With([](Case& c) { c.guest.cs_l = false; })
           .EptPte(0x14000, 0)
           .Read(kGla)
           .But(Implicit)
           .Build(),
       Violation(0x81, 0x14550).At(kGla & 0xffffffff)},
  };
}

}  // namespace eptdiff
