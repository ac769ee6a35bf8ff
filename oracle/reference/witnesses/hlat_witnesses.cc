// Cases of GW-15 and GW-19: HLAT paging, and its restart. Ordinary paging maps
// kGla to the page at 2 0000H.
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kUpperHalf = 0xffff'd555'5555'5234;
constexpr std::uint64_t kXd = std::uint64_t{1} << 63;

constexpr MemoryType kUc = MemoryType::kUncacheable;
constexpr MemoryType kWt = MemoryType::kWriteThrough;
constexpr MemoryType kWb = MemoryType::kWriteBack;

auto Hlatp(std::uint64_t hlatp) {
  return [=](Case& c) { c.controls.hlatp = hlatp; };
}
auto Cr3(std::uint64_t cr3) {
  return [=](Case& c) { c.guest.cr3 = cr3; };
}

// HLAT paging maps it to the page at 2 6000H.
CaseBuilder Hlat4(std::uint16_t prefix_size = 0) {
  return Guest4().Hlat(prefix_size).HlatPte(0x16067);
}
CaseBuilder Hlat5() { return Guest5().Hlat().HlatPte(0x16067); }

std::vector<NamedCase> UseCases() {
  return {
      {"gw-15-every-address",
       "GW-15",
       {"GW-15/never", "GW-15/prefix-size-0-means-none", "GW-15/root-from-cr3"},
       Hlat4().Read(kGla).Build(),
       Reaches(0x26234, 4)},
      {"gw-15-5-level",
       "GW-15",
       {"GW-15/never", "GW-15/root-from-cr3"},
       Hlat5().Read(kGla).Build(),
       Reaches(0x26234, 5)},
      {"gw-15-prefix-size-1-lower-half",
       "GW-15",
       {"GW-15/prefix-ignored", "GW-15/lower-half"},
       Hlat4(1).Read(kGla).Build(),
       Reaches(0x20234, 4)},
      {"gw-15-prefix-size-1-upper-half",
       "GW-15",
       {"GW-15/never", "GW-15/lower-half"},
       Hlat4(1).Read(kUpperHalf).Build(),
       Reaches(0x26234, 4)},
      // What it selects is undefined; this is one of the answers.
      {"gw-15-prefix-size-2",
       "GW-15",
       {"GW-15/other-sizes-as-1"},
       Hlat4(2).Read(kUpperHalf).Build(),
       Reaches(0x20234, 4)},
      {"gw-15-not-with-pae",
       "GW-15",
       {},
       GuestPae().Hlat().Read(kGla32).Build(),
       Reaches(0x20234, 2)},
      {"gw-15-not-with-32-bit",
       "GW-15",
       {},
       Guest32().Hlat().Read(kGla32).Build(),
       Reaches(0x20234, 2)},
      // The table at 1 TByte is empty.
      {"gw-15-hlatp-above-1-tbyte",
       "GW-15",
       {"GW-15/root-below-4-gbytes", "GW-15/error-never"},
       Hlat4()
           .Word(0x1010, 0xe007)
           .Word(0xe000, 0x4000'00b7)
           .With(Hlatp(0x100'0001'c000))
           .Read(kGla)
           .Build(),
       PageFault(0x80)},
      {"gw-15-table-not-mapped",
       "GW-15",
       {},
       Hlat4().EptPte(0x1a000, 0).Read(kGla).Build(),
       Violation(0x81, 0x1a550).At(kGla)},
      {"gw-15-rights",
       "GW-15",
       {"GW-15/error-for-rights"},
       Hlat4().HlatPde(0x19025).Write(kGla).Build(),
       PageFault(3)},
      {"gw-15-flags",
       "GW-12",
       {"GW-12/hlat-never-accessed", "GW-12/never-dirty"},
       Hlat4().HlatPde(0x19007).HlatPte(0x16007).Write(kGla).Build(),
       Reaches(0x26234, 4).Writes(0x2a550, 0x19027).Writes(0x29aa8, 0x16067)},
      {"gw-15-update-of-read-only-table",
       "GW-12",
       {"GW-12/hlat-never-accessed"},
       Hlat4().EptPte(0x1a000, 0x2a035).HlatPde(0x19007).Read(kGla).Build(),
       Violation(0xaa, 0x1a550).At(kGla)},
  };
}

std::vector<NamedCase> FaultCases() {
  return {
      {"gw-15-not-present",
       "GW-15",
       {"GW-15/error-never"},
       Hlat4().HlatPte(0x16066).Read(kGla).Build(),
       PageFault(0x80)},
      {"gw-15-reserved",
       "GW-15",
       {"GW-15/error-never", "GW-15/error-for-not-present-only",
        "GW-5/pagesize-off"},
       Hlat4().HlatPml4e(0x1b0a7).Read(kGla).Build(),
       PageFault(0x89)},
      {"gw-15-5-level-not-present",
       "GW-15",
       {"GW-15/error-never"},
       Hlat5().HlatPml5e(0).Write(kGla).Build(),
       PageFault(0x82)},
      // P and reserved bits come before bit 11.
      {"gw-15-restart-not-present",
       "GW-15",
       {"GW-13/restart-first"},
       Hlat4().HlatPde(0x19826).Read(kGla).Build(),
       PageFault(0x80)},
      {"gw-15-restart-reserved",
       "GW-15",
       {"GW-13/restart-first", "GW-5/leaf-off"},
       Hlat4().HlatPde(0x28e7).Read(kGla).Build(),
       PageFault(0x89)},
      {"gw-15-not-present-after-restart",
       "GW-15",
       {"GW-15/error-after-restart", "GW-15/no-restart"},
       Hlat4().HlatPml4e(0x1b827).GuestPde(0).Read(kGla).Build(),
       PageFault(0)},
      {"gw-15-not-in-prefix",
       "GW-15",
       {"GW-15/prefix-ignored"},
       Hlat4(1).GuestPte(0).Read(kGla).Build(),
       PageFault(0)},
  };
}

// Accessed flags of HLAT entries, where ordinary paging then faults.
std::vector<NamedCase> FlagCases() {
  const Case absent = Hlat4().HlatPml4e(0x1b807).GuestPde(0).Read(kGla).Build();
  return {
      {"gw-20-hlat-page-fault-without-flags",
       "GW-20",
       {"GW-20/as-you-go"},
       absent,
       PageFault(0)},
      {"gw-20-hlat-flags-before-page-fault",
       "GW-20",
       {"GW-20/after-rights", "GW-19/never-accessed"},
       absent,
       PageFault(0).Writes(0x2c550, 0x1b827)},
  };
}

std::vector<NamedCase> RestartCases() {
  return {
      {"gw-15-restart-at-pml4e",
       "GW-15",
       {"GW-15/no-restart", "GW-15/restart-in-pages-only"},
       Hlat4().HlatPml4e(0x1b827).Read(kGla).Build(),
       Reaches(0x20234, 5)},
      {"gw-15-restart-at-pdpte",
       "GW-15",
       {"GW-15/no-restart", "GW-15/restart-in-pages-only"},
       Hlat4().HlatPdpte(0x1a827).Read(kGla).Build(),
       Reaches(0x20234, 6)},
      {"gw-15-restart-at-pde",
       "GW-15",
       {"GW-15/no-restart", "GW-15/restart-in-pages-only"},
       Hlat4().HlatPde(0x19827).Read(kGla).Build(),
       Reaches(0x20234, 7)},
      {"gw-15-restart-at-pte",
       "GW-15",
       {"GW-15/no-restart", "GW-15/restart-in-tables-only"},
       Hlat4().HlatPte(0x16867).Read(kGla).Build(),
       Reaches(0x20234, 8)},
      {"gw-15-restart-at-2-mbyte-page",
       "GW-15",
       {"GW-15/no-restart", "GW-15/restart-in-tables-only"},
       Hlat4().HlatPde(0x20'08e7).Read(kGla).Build(),
       Reaches(0x20234, 7)},
      {"gw-15-restart-at-1-gbyte-page",
       "GW-15",
       {"GW-15/no-restart", "GW-15/restart-in-tables-only"},
       Hlat4().HlatPdpte(0x4000'08e7).Read(kGla).Build(),
       Reaches(0x20234, 6)},
      {"gw-15-restart-at-pml5e",
       "GW-15",
       {"GW-15/no-restart", "GW-15/restart-in-pages-only"},
       Hlat5().HlatPml5e(0x1c827).Read(kGla).Build(),
       Reaches(0x20234, 6)},
      {"gw-15-5-level-restart-at-pte",
       "GW-15",
       {"GW-15/restart-in-tables-only"},
       Hlat5().HlatPte(0x16867).Read(kGla).Build(),
       Reaches(0x20234, 10)},
      // Bit 11 of an entry of the restarted translation is ignored.
      {"gw-15-restart-once",
       "GW-15",
       {},
       Hlat4().HlatPml4e(0x1b827).GuestPte(0x10867).Read(kGla).Build(),
       Reaches(0x20234, 5)},

      // Read-only, supervisor-mode, execute-disable before the restart.
      {"gw-19-write",
       "GW-19",
       {"GW-19/rights-kept"},
       Hlat4()
           .HlatPml4e(0x1b021)
           .HlatPdpte(kXd | 0x1a821)
           .Cpl3()
           .Write(kGla)
           .Build(),
       Reaches(0x20234, 6)},
      {"gw-19-fetch",
       "GW-19",
       {"GW-19/rights-kept"},
       Hlat5().HlatPml5e(kXd | 0x1c821).Fetch(kGla).Build(),
       Reaches(0x20234, 6)},
      // Rights of ordinary paging are no HLAT matter.
      {"gw-19-refused",
       "GW-19",
       {"GW-15/no-restart"},
       Hlat4().HlatPml4e(0x1b827).GuestPte(0x10065).Write(kGla).Build(),
       PageFault(3)},
      {"gw-19-accessed",
       "GW-19",
       {"GW-19/never-accessed"},
       Hlat4().HlatPde(0x19807).Read(kGla).Build(),
       Reaches(0x20234, 7).Writes(0x2a550, 0x19827)},
      {"gw-19-not-dirty",
       "GW-19",
       {"GW-19/never-accessed", "GW-19/dirty"},
       Hlat4().HlatPte(0x16807).GuestPte(0x10007).Write(kGla).Build(),
       Reaches(0x20234, 8).Writes(0x29aa8, 0x16827).Writes(0x21aa8, 0x10067)},
      {"gw-19-5-level-accessed",
       "GW-19",
       {"GW-19/never-accessed"},
       Hlat5().HlatPml5e(0x1c807).Read(kGla).Build(),
       Reaches(0x20234, 6).Writes(0x2d000, 0x1c827)},
  };
}

std::vector<NamedCase> MemoryTypeCases() {
  return {
      {"gw-14-hlatp",
       "GW-14",
       {"GW-14/root-index-0", "GW-14/cr3-for-hlatp"},
       Hlat4().With(Hlatp(0x1c008)).Read(kGla).Build(),
       Reaches(0x26234, 4).GuestTypes({kWt, kWb, kWb, kWb})},
      {"gw-14-hlatp-and-pcide",
       "GW-14",
       {"GW-14/pcide-and-hlatp"},
       Hlat4()
           .Cr4(1 << 17)
           .With(Hlatp(0x1c018))
           .With(Cr3(0x14008))
           .Read(kGla)
           .Build(),
       Reaches(0x26234, 4).GuestTypes({kUc, kWb, kWb, kWb})},
      {"gw-14-restart",
       "GW-14",
       {"GW-14/cr3-for-hlatp", "GW-14/tables-index-0"},
       Hlat4()
           .With(Hlatp(0x1c008))
           .With(Cr3(0x14018))
           .HlatPml4e(0x1b82f)
           .GuestPml4e(0x1302f)
           .Read(kGla)
           .Build(),
       Reaches(0x20234, 5).GuestTypes({kWt, kUc, kWt, kWb, kWb})},
  };
}

}  // namespace

std::vector<NamedCase> HlatWitnesses() {
  std::vector<NamedCase> all = UseCases();
  for (auto more : {FaultCases, FlagCases, RestartCases, MemoryTypeCases}) {
    for (NamedCase& named : more()) all.push_back(std::move(named));
  }
  return all;
}

}  // namespace eptdiff
