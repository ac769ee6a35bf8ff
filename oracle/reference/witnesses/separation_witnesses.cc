// Cases of GW-22: linear-address space separation.
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kSmap = 1 << 21, kLass = 1 << 27;
constexpr std::uint64_t kUpper = 0xffff'aaaa'aaaa'a234;
constexpr std::uint64_t kLastBytes = 0xffff'ffff'ffff'fffc;

void WithAc(Case& c) { c.guest.rflags = 1 << 18; }
void Compatibility(Case& c) { c.guest.cs_l = false; }
void Implicit(Step& step) { step.access.implicit_supervisor = true; }

// A supervisor page, which SMAP does not protect.
CaseBuilder Supervisor(std::uint64_t cr4) {
  return Guest4().Cr4(cr4).GuestPte(0x10063);
}

}  // namespace

std::vector<NamedCase> SeparationWitnesses() {
  return {
      {"gw-22-user-reads-upper-half",
       "GW-22",
       {"GW-22/user-off"},
       Guest4().Cr4(kLass).Cpl3().Read(kUpper).Build(),
       GeneralProtection()},
      {"gw-22-user-fetches-from-upper-half",
       "GW-22",
       {"GW-22/user-off"},
       Guest5().Cr4(kLass).Cpl3().Fetch(kUpper).Build(),
       GeneralProtection()},
      {"gw-22-user-reads-lower-half",
       "GW-22",
       {},
       Guest4().Cr4(kLass | kSmap).Cpl3().Read(kGla).Build(),
       Reaches(0x20234, 4)},
      {"gw-22-supervisor-reads-upper-half",
       "GW-22",
       {},
       Supervisor(kLass | kSmap).Read(kUpper).Build(),
       Reaches(0x20234, 4)},
      {"gw-22-supervisor-writes-lower-half",
       "GW-22",
       {"GW-22/data-off"},
       Supervisor(kLass | kSmap).Write(kGla).Build(),
       GeneralProtection()},
      {"gw-22-without-smap",
       "GW-22",
       {"GW-22/data-without-smap"},
       Supervisor(kLass).Read(kGla).Build(),
       Reaches(0x20234, 4)},
      {"gw-22-with-ac",
       "GW-22",
       {"GW-22/data-with-ac"},
       Supervisor(kLass | kSmap).With(WithAc).Read(kGla).Build(),
       Reaches(0x20234, 4)},
      {"gw-22-implicit-with-ac",
       "GW-22",
       {"GW-22/implicit-with-ac", "GW-22/data-off"},
       Supervisor(kLass | kSmap)
           .With(WithAc)
           .Cpl3()
           .Read(kGla)
           .But(Implicit)
           .Build(),
       GeneralProtection()},
      {"gw-22-supervisor-fetches-from-lower-half",
       "GW-22",
       {"GW-22/fetch-off", "GW-22/fetch-with-smep-only"},
       Supervisor(kLass).With(WithAc).Fetch(kGla).Build(),
       GeneralProtection()},
      // An address of 32 bits has bit 63 clear.
      {"gw-22-compatibility-mode-data",
       "GW-22",
       {"GW-22/data-off", "GW-22/data-in-64-bit-mode-only"},
       Supervisor(kLass | kSmap).With(Compatibility).Read(kGla32).Build(),
       GeneralProtection()},
      {"gw-22-compatibility-mode-fetch",
       "GW-22",
       {"GW-22/fetch-off", "GW-22/fetch-in-64-bit-mode-only"},
       Supervisor(kLass).With(Compatibility).Fetch(kGla32).Build(),
       GeneralProtection()},
      // From FFFFFFFFFFFFFFFCH on, to address 0, which is not mapped.
      {"gw-22-wrap-around",
       "GW-22",
       {"GW-22/wrap-passes"},
       Supervisor(kLass | kSmap).Read(kLastBytes, 8).Build(),
       GeneralProtection()},
      {"gw-22-wrap-around-by-the-first-byte",
       "GW-22",
       {"GW-22/wrap-faults", "GW-22/wrap-by-page"},
       Supervisor(kLass | kSmap).Read(kLastBytes, 8).Build(),
       PageFault(0, 0)},
      // The page of the first byte has been translated: what maps the guest's
      // tables has its flags.
      {"gw-22-wrap-around-after-the-page-before",
       "GW-22",
       {"GW-22/wrap-faults", "GW-22/wrap-passes"},
       Supervisor(kLass)
           .AccessedDirty()
           .Pte(0x20137)
           .Linear(AccessKind::kFetch, kLastBytes, 8)
           .Build(),
       GeneralProtection()
           .Writes(0x1000, 0x2107)
           .Writes(0x2000, 0x3107)
           .Writes(0x3000, 0x4107)
           .Writes(0x40a0, 0x24337)
           .Writes(0x4098, 0x23337)
           .Writes(0x4090, 0x22337)
           .Writes(0x4088, 0x21337)},
      // Not in IA-32e mode: it means nothing.
      {"gw-22-pae-paging",
       "GW-22",
       {},
       GuestPae().Cr4(kLass | kSmap).GuestPte(0x10063).Read(kGla32).Build(),
       Reaches(0x20234, 2)},
  };
}

}  // namespace eptdiff
